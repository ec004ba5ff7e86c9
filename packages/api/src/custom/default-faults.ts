import { decodeObject } from '../codec/decode.ts';
import type { FieldError } from '../errors/field-error.ts';
import { fieldInvalid } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { sameJson } from '../patch/json-value.ts';
import { customDescriptor } from './custom-descriptor.ts';
import { embeddedFaults } from './embedded-faults.ts';
import type { SchemaCheck } from './schema-check.ts';
import { itemsOf } from './structural-faults.ts';

/** Defaults that are not values of their own schema, or that pruning would change. */
export function defaultFaults(schema: JSONSchemaProps, path: FieldPath, check: SchemaCheck): FieldError[] {
  const faults: FieldError[] = [];
  walk(schema, path, check, faults);
  return faults;
}

function walk(schema: JSONSchemaProps, path: FieldPath, check: SchemaCheck, faults: FieldError[]): void {
  if (schema.default !== undefined) checkDefault(schema, path.child('default'), check, faults);
  const items = itemsOf(schema);
  if (items !== undefined) walk(items, path.child('items'), check, faults);
  for (const [name, property] of Object.entries(schema.properties ?? {})) walk(property, path.child('properties').key(name), check, faults);
}

function checkDefault(schema: JSONSchemaProps, path: FieldPath, check: SchemaCheck, faults: FieldError[]): void {
  const { default: value } = schema;
  const wrapped: JSONSchemaProps = { type: 'object', properties: { value: schema } };
  const descriptor = customDescriptor({ group: '', version: '', kind: '' }, wrapped);
  const pruned = decodeObject(descriptor, { value }, { validation: 'Ignore' }).object['value'];
  if (typeof value === 'object' && value !== null && !sameJson(pruned, value)) {
    faults.push(fieldInvalid(path, value, 'must not have unknown fields'));
  }
  const embedded = embeddedFaults(schema, value, path.toString());
  if (embedded.length > 0) faults.push(...embedded);
  else for (const fault of check.faults(schema, value, '')) faults.push(moved(fault, path.toString()));
}

/** A fault of a value by itself, told of the place where the default stands; its text names the value alone. */
function moved(fault: FieldError, path: string): FieldError {
  if (fault.field === '<nil>') return { ...fault, field: path };
  return { ...fault, field: fault.field.startsWith('[') ? path + fault.field : `${path}.${fault.field}` };
}
