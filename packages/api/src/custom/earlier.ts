import type { JSONSchemaProps } from '../generated/types.ts';
import { isJsonObject, memberOf } from '../patch/json-value.ts';

/** The value that stood in a place before an update. */
export interface Earlier {
  readonly value: unknown;
}

/** What a member was before; undefined when that cannot be told or it is new. */
export function earlierMember(earlier: Earlier | undefined, schema: JSONSchemaProps, name: string, path: string): Earlier | undefined {
  if (earlier === undefined || !isJsonObject(earlier.value)) return undefined;
  // A version that was converted shows no change of its own.
  if (path === '' && (name === 'apiVersion' || name === 'kind')) return undefined;
  if (schema['x-kubernetes-map-type'] === 'atomic') return undefined;
  return Object.hasOwn(earlier.value, name) ? { value: memberOf(earlier.value, name) } : undefined;
}

/** Finds what an item was before: only items of lists with keys can be found again. */
export function earlierItems(earlier: Earlier | undefined, schema: JSONSchemaProps): (item: unknown) => Earlier | undefined {
  const before: unknown = earlier?.value;
  if (!Array.isArray(before) || schema['x-kubernetes-list-type'] !== 'map') return () => undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keyOf = (item: unknown): string => JSON.stringify(keys.map((key) => (isJsonObject(item) ? (memberOf(item, key) ?? null) : null)));
  const byKey = new Map<string, unknown>();
  for (const item of before as readonly unknown[]) if (isJsonObject(item)) byKey.set(keyOf(item), item);
  return (item) => {
    const found = isJsonObject(item) ? byKey.get(keyOf(item)) : undefined;
    return found === undefined ? undefined : { value: found };
  };
}
