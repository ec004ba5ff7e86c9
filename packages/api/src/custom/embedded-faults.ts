import type { FieldError } from '../errors/field-error.ts';
import { fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type { JSONSchemaProps, ObjectMeta } from '../generated/types.ts';
import { dns1035LabelFaults, pathSegmentFaults } from '../names.ts';
import { isJsonObject, memberOf } from '../patch/json-value.ts';
import { validateObjectMeta } from '../validation/object-meta.ts';

/** Faults of type and metadata of objects that are embedded by `x-kubernetes-embedded-resource`. */
export function embeddedFaults(schema: JSONSchemaProps, value: unknown, path = ''): FieldError[] {
  const faults: FieldError[] = [];
  walk(schema, value, path, faults);
  return faults;
}

function walk(schema: JSONSchemaProps, value: unknown, path: string, faults: FieldError[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined && !Array.isArray(items))
      value.forEach((item: unknown, at) => walk(items, item, `${path}[${at.toString()}]`, faults));
    return;
  }
  if (!isJsonObject(value)) return;
  if (schema['x-kubernetes-embedded-resource'] === true) checkEmbedded(value, path, faults);
  const { properties = {}, additionalProperties } = schema;
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'object' || member === null) continue;
    const known = memberOf(properties, name) as JSONSchemaProps | undefined;
    if (known !== undefined) walk(known, member, path === '' ? name : `${path}.${name}`, faults);
    else if (typeof additionalProperties === 'object') walk(additionalProperties, member, `${path}[${name}]`, faults);
  }
}

function checkEmbedded(value: Record<string, unknown>, path: string, faults: FieldError[]): void {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const name of ['apiVersion', 'kind']) {
    const given = memberOf(value, name);
    if (!Object.hasOwn(value, name)) faults.push(fieldRequired(at(name)));
    else if (typeof given !== 'string') faults.push(fieldInvalid(at(name), given, 'must be a string'));
    else if (given === '') faults.push(fieldInvalid(at(name), given, 'must not be empty'));
  }
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    faults.push(fieldInvalid(at('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  }
  if (typeof kind === 'string' && kind !== '') {
    const wrong = dns1035LabelFaults(kind.toLowerCase());
    if (wrong.length > 0)
      faults.push(fieldInvalid(at('kind'), kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`));
  }
  if (isJsonObject(metadata)) checkMetadata(metadata, at('metadata'), faults);
}

/** By the rules of objects, except that a name may be left out; faults are moved to where the metadata stands. */
function checkMetadata(metadata: ObjectMeta, path: string, faults: FieldError[]): void {
  const found: FieldError[] = [];
  const named = metadata.name ? metadata : { ...metadata, name: 'unnamed' };
  validateObjectMeta(named, Boolean(metadata.namespace), pathSegmentFaults, found);
  const root = FieldPath.of('metadata').toString();
  for (const fault of found) faults.push({ ...fault, field: path + fault.field.slice(root.length) });
}
