import type { FieldError } from '../errors/field-error.ts';
import { fieldDuplicate, fieldInvalid } from '../errors/field-error.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { isJsonObject, memberOf } from '../patch/json-value.ts';

/** Items that occur twice in lists of type set, and keys that occur twice in lists of type map. */
export function listFaults(schema: JSONSchemaProps, value: unknown, path = ''): FieldError[] {
  const faults: FieldError[] = [];
  walk(schema, value, path, faults);
  return faults;
}

function walk(schema: JSONSchemaProps, value: unknown, path: string, faults: FieldError[]): void {
  if (Array.isArray(value)) {
    const listType = schema['x-kubernetes-list-type'];
    if (listType === 'set') for (const at of repeated(value)) faults.push(fieldDuplicate(`${path}[${at.toString()}]`, value[at]));
    else if (listType === 'map') checkKeys(schema, value, path, faults);
    const { items } = schema;
    if (items !== undefined && !Array.isArray(items))
      value.forEach((item: unknown, at) => walk(items, item, `${path}[${at.toString()}]`, faults));
    return;
  }
  if (!isJsonObject(value)) return;
  const { properties = {}, additionalProperties } = schema;
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'object' || member === null) continue;
    const known = memberOf(properties, name) as JSONSchemaProps | undefined;
    if (known !== undefined) walk(known, member, path === '' ? name : `${path}.${name}`, faults);
    else if (typeof additionalProperties === 'object') walk(additionalProperties, member, `${path}[${name}]`, faults);
  }
}

/** The places of the second occurrence of each value. */
function repeated(values: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  const found: number[] = [];
  for (const [at, value] of values.entries()) {
    const text = canonical(value);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times === 2) found.push(at);
  }
  return found;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isJsonObject(member) ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1))) : member,
  );
}

function checkKeys(schema: JSONSchemaProps, items: readonly unknown[], path: string, faults: FieldError[]): void {
  const wrong = items.findIndex((item) => item !== null && !isJsonObject(item));
  if (wrong >= 0) {
    faults.push(fieldInvalid(`${path}[${wrong.toString()}]`, items[wrong], 'must be an object for an array of list-type map'));
    return;
  }
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  const keys = items.map((item) =>
    Object.fromEntries(names.flatMap((name) => (isJsonObject(item) && Object.hasOwn(item, name) ? [[name, item[name]]] : []))),
  );
  for (const at of repeated(keys)) faults.push(fieldDuplicate(`${path}[${at.toString()}]`, keys[at]));
}
