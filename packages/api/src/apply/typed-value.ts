import { isJsonObject, memberOf } from '../patch/json-value.ts';
import type { JsonObject } from '../patch/json-value.ts';
import type { AnyDescriptor, Descriptor, FieldDescriptor, ListDescriptor, MapDescriptor, ObjectDescriptor } from '../schema/descriptor.ts';

/** What lies below a field that no schema describes: granular objects, atomic lists. */
export const deduced: AnyDescriptor = { type: 'any', form: 'any' };

const emptyObject: JsonObject = Object.freeze({});
const emptyList: readonly unknown[] = Object.freeze([]);

/** How server-side apply sees a value: owned whole, by its fields, or by its items. */
export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'fields'; readonly descriptor: ObjectDescriptor | MapDescriptor | AnyDescriptor }
  | { readonly kind: 'items'; readonly descriptor: ListDescriptor };

const leafShape: Shape = { kind: 'leaf' };

/** The shape of a descriptor for the values at hand; a value that does not fit its type counts as a leaf. */
export function shapeOf(descriptor: Descriptor, ...values: readonly unknown[]): Shape {
  const fits = descriptor.type === 'list' ? Array.isArray : isJsonObject;
  for (const value of values) if (value !== undefined && !fits(value)) return leafShape;
  switch (descriptor.type) {
    case 'scalar':
      return leafShape;
    case 'any':
      return descriptor.form === 'any' ? { kind: 'fields', descriptor } : leafShape;
    case 'list':
      return descriptor.listType === 'atomic' ? leafShape : { kind: 'items', descriptor };
    case 'map':
    case 'object':
      return descriptor.mapType === 'atomic' ? leafShape : { kind: 'fields', descriptor };
  }
}

export function fieldOf(descriptor: Descriptor, name: string): FieldDescriptor | undefined {
  return descriptor.type === 'object' ? descriptor.fields.get(name) : undefined;
}

export function descriptorOfMember(descriptor: Descriptor, name: string): Descriptor {
  if (descriptor.type === 'map') return descriptor.values;
  return fieldOf(descriptor, name)?.value ?? deduced;
}

const zeros: Readonly<Partial<Record<string, unknown>>> = { string: '', bool: false, int32: 0, int64: 0, float64: 0 };

/**
 * What an absent member of a present struct equals: Kubernetes holds objects as Go structs, where
 * embedded structs and fields that are always written cannot be absent. Undefined where they can.
 */
export function absentMember(descriptor: Descriptor, name: string): unknown {
  const field = fieldOf(descriptor, name);
  if (field === undefined || field.pointer) return undefined;
  if (field.value.type === 'object') return emptyObject;
  if (field.omit !== 'never') return undefined;
  if (field.value.type === 'list') return emptyList;
  if (field.value.type === 'map') return emptyObject;
  return field.value.type === 'scalar' ? zeros[field.value.scalar] : undefined;
}

export function isEmptyContainer(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (!isJsonObject(value)) return false;
  for (const key in value) if (value[key] !== undefined) return false;
  return true;
}

/** The step that identifies a list's item: by its keys, or by its value for a set. */
export function stepOfItem(list: ListDescriptor, item: unknown): string {
  if (list.listType !== 'map' || !isJsonObject(item)) return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const key of list.keys.length > 1 ? [...list.keys].sort() : list.keys) {
    const value = memberOf(item, key) ?? fieldOf(list.items, key)?.default;
    if (value !== undefined) keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** A list's items by their steps; of several with one step the first is kept. */
export function itemsByStep(list: ListDescriptor, items: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const item of items) {
    const step = stepOfItem(list, item);
    if (!found.has(step)) found.set(step, item);
  }
  return found;
}
