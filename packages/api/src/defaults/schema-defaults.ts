import { copyJson } from '../patch/json-value.ts';
import type { Descriptor, FieldDescriptor, ObjectDescriptor } from '../schema/descriptor.ts';

/** Per object type, the fields that have a default or lead to one; undefined while a type is being looked at (cycles hold none). */
const interesting = new WeakMap<ObjectDescriptor, readonly FieldDescriptor[]>();

function fieldsWithDefaults(descriptor: ObjectDescriptor): readonly FieldDescriptor[] {
  const known = interesting.get(descriptor);
  if (known) return known;
  interesting.set(descriptor, []);
  const found = [...descriptor.fields.values()].filter((field) => field.default !== undefined || leadsToDefault(field.value));
  interesting.set(descriptor, found);
  return found;
}

function leadsToDefault(descriptor: Descriptor): boolean {
  switch (descriptor.type) {
    case 'object':
      return fieldsWithDefaults(descriptor).length > 0;
    case 'list':
      return leadsToDefault(descriptor.items);
    case 'map':
      return leadsToDefault(descriptor.values);
    default:
      return false;
  }
}

function isZero(field: FieldDescriptor, value: unknown): boolean {
  if (value === undefined || (value === null && field.value.nullable !== true)) return true;
  return !field.pointer && (value === '' || value === 0 || value === false);
}

function applyTo(descriptor: Descriptor, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (descriptor.type === 'list') {
    if (Array.isArray(value) && leadsToDefault(descriptor.items)) for (const item of value) applyTo(descriptor.items, item);
  } else if (descriptor.type === 'map') {
    if (leadsToDefault(descriptor.values)) for (const item of Object.values(value)) applyTo(descriptor.values, item);
  } else if (descriptor.type === 'object') applySchemaDefaults(descriptor, value as Record<string, unknown>);
}

/**
 * Fills in, in place, the defaults that the schema itself states; those of nested objects only where the
 * object is present. Defaults are copied. What cannot be said in a schema is in the other files of this folder.
 */
export function applySchemaDefaults(descriptor: ObjectDescriptor, object: Record<string, unknown>): void {
  for (const field of fieldsWithDefaults(descriptor)) {
    if (field.default !== undefined && isZero(field, object[field.name])) {
      const omitted = field.omit !== 'never' && !field.pointer && (field.default === '' || field.default === 0 || field.default === false);
      if (!omitted) object[field.name] = copyJson(field.default);
    }
    applyTo(field.value, object[field.name]);
  }
}
