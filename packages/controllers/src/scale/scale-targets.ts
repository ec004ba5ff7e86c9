import { builtinResources, isNotFound, resources } from '@bayplan/api';
import type { CustomResourceDefinition, KubeObject, ResourceRef, Scale } from '@bayplan/api';
import type { Client, Informer, ObjectKey } from '@bayplan/client';
import { customResource } from '../namespace/namespaced-resources.ts';

/** An object named by its kind, as references in specs do. */
export interface ScaleReference {
  readonly apiVersion?: string | undefined;
  readonly kind: string;
  readonly name: string;
}

/** A resource whose objects are asked for and sized by their `scale` subresource. */
export type ScalableRef = ResourceRef<Scale & KubeObject>;

/** Finds and uses the `scale` subresource of built-in and custom resources. */
export class ScaleTargets {
  readonly #client: Client;
  readonly #definitions: Informer<CustomResourceDefinition>;

  constructor(client: Client, definitions: Informer<CustomResourceDefinition>) {
    this.#client = client;
    this.#definitions = definitions;
  }

  /** Ready when these are. */
  get caches(): readonly Informer<CustomResourceDefinition>[] {
    return [this.#definitions];
  }

  /** The resource of a kind. `scalable` says whether it has the subresource; undefined when there is no such kind. */
  find(reference: ScaleReference): { readonly ref: ScalableRef; readonly scalable: boolean } | undefined {
    const { group, version } = groupVersionOf(reference.apiVersion ?? '');
    const builtin = builtinResources.find((info) => info.group === group && info.version === version && info.kind === reference.kind);
    if (builtin) return { ref: builtin as ScalableRef, scalable: builtin.subresources.some(({ name }) => name === 'scale') };
    for (const definition of this.#definitions.lister.list()) {
      if (definition.spec.group !== group || definition.spec.names.kind !== reference.kind) continue;
      const served = definition.spec.versions.find((candidate) => candidate.name === version && candidate.served);
      const ref = customResource(definition);
      if (ref === undefined || served === undefined) continue;
      return { ref: { ...ref, version } as ScalableRef, scalable: served.subresources?.scale !== undefined };
    }
    return undefined;
  }

  /** The object's scale; undefined when it is gone. Throws what the server answers otherwise. */
  async get(ref: ScalableRef, key: ObjectKey, signal: AbortSignal): Promise<Scale | undefined> {
    try {
      return await this.#client.get(ref, key, { subresource: 'scale', signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Sizes the object that `scale` was read from. Throws `Conflict` when it has changed since. */
  async resize(ref: ScalableRef, scale: Scale, replicas: number, signal: AbortSignal): Promise<void> {
    await this.#client.update(
      ref,
      { ...scale, metadata: scale.metadata ?? {}, spec: { ...scale.spec, replicas } },
      { subresource: 'scale', signal },
    );
  }
}

/** The targets that a controller finds through its process's caches. */
export function scaleTargetsOf(context: {
  readonly client: Client;
  readonly informers: { informer(ref: typeof resources.customResourceDefinitions): Informer<CustomResourceDefinition> };
}): ScaleTargets {
  return new ScaleTargets(context.client, context.informers.informer(resources.customResourceDefinitions));
}

export function groupVersionOf(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}
