import type { KubeObject } from '@bayplan/api';
import type { ObjectKey } from './client.ts';

/** The key of an object in caches and queues: `namespace/name`, or `name` when it has no namespace. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/** The parts of what `keyOf` returned. */
export function splitKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
