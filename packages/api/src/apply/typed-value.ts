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

function zeroOf(descriptor: Descriptor): unknown {
  switch (descriptor.type) {
    case 'object':
    case 'map':
      return emptyObject;
    case 'list':
      return emptyList;
    case 'scalar':
      return zeros[descriptor.scalar];
    case 'any':
      return undefined;
  }
}

/**
 * A member of a present struct as Kubernetes holds it, which is in a Go struct: null is absence; an
 * embedded struct and a field that is always written cannot be absent, and one that is left out
 * when empty cannot be empty. Undefined is absence.
 */
export function heldMember(descriptor: Descriptor, name: string, value: unknown): unknown {
  return heldIn(fieldOf(descriptor, name), value);
}

/** `heldMember` where the field is at hand; undefined for a member that no schema lists. */
export function heldIn(field: FieldDescriptor | undefined, value: unknown): unknown {
  const given = value === null && field?.value.nullable !== true ? undefined : value;
  if (field === undefined || field.pointer) return given;
  if (given === undefined) return field.omit === 'never' || field.value.type === 'object' ? zeroOf(field.value) : undefined;
  if (field.omit === 'empty' && field.value.type !== 'object' && (isEmptyContainer(given) || given === zeroOf(field.value)))
    return undefined;
  return given;
}

const fieldSteps = new WeakMap<FieldDescriptor, string>();

/** The step of a field, made once: a new text would be hashed anew wherever it becomes a key. */
export function stepOfField(field: FieldDescriptor): string {
  let step = fieldSteps.get(field);
  if (step === undefined) fieldSteps.set(field, (step = `f:${field.name}`));
  return step;
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
