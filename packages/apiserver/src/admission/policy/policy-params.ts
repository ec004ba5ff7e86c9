import { selectorOf } from '@bayplan/api';
import type { KubeObject, ParamKind, ParamRef } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';
import { isStored } from '../../registry/served-resource.ts';
import type { ServedResource, StoredResource } from '../../registry/served-resource.ts';

/** A binding or policy that cannot be run as it is. */
export class ConfigurationFault extends Error {}

/** The resource of a kind. */
export function resourceOfKind(registry: Registry, apiVersion: string, kind: string): ServedResource | undefined {
  for (const resource of registry.all()) if (resource.apiVersion === apiVersion && resource.kind === kind) return resource;
  return undefined;
}

/** The objects that a binding gives to its policy, in the version of `kind`; one `undefined` when it needs none. Throws `ConfigurationFault`. */
export async function collectParams(
  registry: Registry,
  kind: ParamKind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): Promise<readonly (KubeObject | undefined)[]> {
  if (kind === undefined) return [undefined];
  const resource = resourceOfKind(registry, kind.apiVersion ?? '', kind.kind ?? '');
  if (resource === undefined || !isStored(resource)) {
    throw new ConfigurationFault(`failed to find resource referenced by paramKind: '${kind.apiVersion ?? ''}, Kind=${kind.kind ?? ''}'`);
  }
  if (ref === undefined) return [undefined];
  const found = await findParams(resource, ref, namespaceOf(resource, ref, requestNamespace));
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationFault('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

function namespaceOf(resource: ServedResource, ref: ParamRef, requestNamespace: string): string {
  const given = ref.namespace ?? '';
  if (!resource.namespaced) {
    if (given !== '') throw new ConfigurationFault('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  if (given !== '') return given;
  if (requestNamespace !== '') return requestNamespace;
  throw new ConfigurationFault('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
}

async function findParams(resource: StoredResource, ref: ParamRef, namespace: string): Promise<KubeObject[]> {
  const { cache } = resource.storage;
  await cache.start();
  const shown = (object: KubeObject): KubeObject => (resource.conversion === undefined ? object : resource.conversion.fromStored(object));
  if ((ref.name ?? '') !== '') {
    if (ref.selector !== undefined) throw new ConfigurationFault('paramRef.name and paramRef.selector are mutually exclusive');
    const entry = cache.get(namespace, ref.name ?? '');
    return entry === undefined ? [] : [shown(entry.stored.object)];
  }
  if (ref.selector === undefined) throw new ConfigurationFault('one of name or selector must be provided');
  const selector = selectorOf(ref.selector);
  const entries = cache.list({ namespace, matches: (entry) => selector.matches(entry.stored.object.metadata.labels ?? {}) });
  return entries.map((entry) => shown(entry.stored.object));
}
