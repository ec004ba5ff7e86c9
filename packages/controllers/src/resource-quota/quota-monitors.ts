import type { KubeObject, ResourceRef } from '@bayplan/api';
import { quotaEvaluatorFor, resources } from '@bayplan/api';
import { createInformer } from '@bayplan/client';
import type { Informer } from '@bayplan/client';
import { customResource, storedResources } from '../namespace/namespaced-resources.ts';
import { onChange } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';

interface Monitor {
  readonly ref: ResourceRef;
  readonly informer: Informer;
  readonly stop: AbortController;
}

/** Caches of the resources that quotas count, made when the first quota asks for one. */
export class QuotaMonitors {
  readonly #context: ControllerContext;
  readonly #changed: (namespace: string, group: string, resource: string) => void;
  readonly #monitors = new Map<string, Monitor>();

  /** @param changed called when objects of a namespace count differently than before, except for new ones: admission counts those. */
  constructor(context: ControllerContext, changed: (namespace: string, group: string, resource: string) => void) {
    this.#context = context;
    this.#changed = changed;
    onChange(context, context.informers.informer(resources.customResourceDefinitions), (definition, _previous, deleted) => {
      const id = `${definition.spec.group}/${definition.spec.names.plural}`;
      const ref = deleted ? undefined : customResource(definition);
      const monitor = this.#monitors.get(id);
      if (monitor !== undefined && monitor.ref.version !== ref?.version) {
        monitor.stop.abort();
        this.#monitors.delete(id);
        changed('', definition.spec.group, definition.spec.names.plural);
      } else if (monitor === undefined && ref !== undefined) changed('', ref.group, ref.resource);
    });
  }

  /** The cache of a namespaced resource; undefined when it is not served. */
  informer(group: string, resource: string): Informer | undefined {
    const id = `${group}/${resource}`;
    const known = this.#monitors.get(id);
    if (known !== undefined) return known.informer;
    const ref = this.#find(group, resource);
    if (!ref?.namespaced) return undefined;
    const { informers, client, clock, logger, signal } = this.#context;
    const isBuiltIn = storedResources().includes(ref);
    const informer = isBuiltIn ? informers.informer(ref) : createInformer({ client, ref, clock, logger });
    const stop = new AbortController();
    this.#monitors.set(id, { ref, informer, stop });
    const until = AbortSignal.any([signal, stop.signal]);
    this.#listen(informer, group, resource, until);
    if (!isBuiltIn) informer.start(until);
    return informer;
  }

  #find(group: string, resource: string): ResourceRef | undefined {
    const builtIn = storedResources().find((ref) => ref.group === group && ref.resource === resource);
    if (builtIn !== undefined) return builtIn;
    const definitions = this.#context.informers.informer(resources.customResourceDefinitions).lister;
    const definition = definitions.get(`${resource}.${group}`);
    return definition === undefined ? undefined : customResource(definition);
  }

  #listen(informer: Informer, group: string, resource: string, signal: AbortSignal): void {
    const evaluator = quotaEvaluatorFor(group, resource);
    const usage = (object: KubeObject): unknown => {
      try {
        return [...evaluator.usage(object, this.#context.clock.now())].map(([name, amount]) => [name, amount.toString()]);
      } catch {
        // Stored before it was validated as it is now: counted as nothing here and told by the reconcile.
        return [];
      }
    };
    onChange({ ...this.#context, signal }, informer, (object, previous, deleted) => {
      if (!deleted && previous === undefined) return;
      if (deleted || !semanticallyEqual(usage(object), usage(previous ?? object)))
        this.#changed(object.metadata.namespace ?? '', group, resource);
    });
  }
}
