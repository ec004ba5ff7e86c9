import type { FieldError } from '../errors/field-error.ts';
import { fieldDuplicate, fieldInvalid, fieldRequired, fieldTooMany } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
} from '../generated/types.ts';
import { sameJson } from '../patch/json-value.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectableFields = 8;

/** Faults of additional printer columns. */
export function columnFaults(columns: readonly CustomResourceColumnDefinition[], path: FieldPath): FieldError[] {
  const faults: FieldError[] = [];
  for (const [at, { name, type, format, jsonPath }] of columns.entries()) {
    const here = path.index(at);
    if (!name) faults.push(fieldRequired(here.child('name')));
    const known = `must be one of ${columnTypes.join(',')}`;
    if (!type) faults.push(fieldRequired(here.child('type'), known));
    else if (!columnTypes.includes(type)) faults.push(fieldInvalid(here.child('type'), type, known));
    if (format && !columnFormats.includes(format))
      faults.push(fieldInvalid(here.child('format'), format, `must be one of ${columnFormats.join(',')}`));
    if (!jsonPath) faults.push(fieldRequired(here.child('JSONPath')));
    else faults.push(...pathFaults(jsonPath, here.child('JSONPath')));
  }
  return faults;
}

function pathFaults(text: string, path: FieldPath): FieldError[] {
  return text.startsWith('.') ? [] : [fieldInvalid(path, text, 'must be a simple json path starting with .')];
}

/** Faults of the scale subresource's paths. */
export function subresourceFaults(subresources: CustomResourceSubresources | undefined, path: FieldPath): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const faults: FieldError[] = [];
  const check = (name: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath', ...roots: readonly string[]): void => {
    const text = scale[name];
    const at = path.child(`scale.${name}`);
    const under = roots.length === 1 ? `under .${roots[0] ?? ''}` : `under either ${roots.map((root) => `.${root}`).join(' or ')}`;
    if (!text) {
      if (name !== 'labelSelectorPath') faults.push(fieldRequired(at));
      return;
    }
    const wrong = pathFaults(text, at);
    if (wrong.length > 0) faults.push(...wrong);
    else if (!roots.some((root) => text.startsWith(`.${root}.`))) faults.push(fieldInvalid(at, text, `should be a json path ${under}`));
  };
  check('specReplicasPath', 'spec');
  check('statusReplicasPath', 'status');
  check('labelSelectorPath', 'spec', 'status');
  return faults;
}

/** Faults of selectable fields: plain fields of a scalar type, at most eight. */
export function selectableFieldFaults(
  version: CustomResourceDefinitionVersion,
  before: CustomResourceDefinitionVersion | undefined,
  path: FieldPath,
): FieldError[] {
  const fields = version.selectableFields ?? [];
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  for (const [at, { jsonPath }] of fields.entries()) {
    const here = path.index(at).child('jsonPath');
    if (!jsonPath) {
      faults.push(fieldRequired(here));
      continue;
    }
    const { schema, why } = schemaAt(version.schema?.openAPIV3Schema, jsonPath);
    if (schema === undefined) {
      faults.push(fieldInvalid(here, jsonPath, `is an invalid path: ${why}`));
      continue;
    }
    if (jsonPath.startsWith('.metadata')) faults.push(fieldInvalid(here, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(schema.type ?? '')) {
      const text = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      faults.push(fieldInvalid(here, jsonPath, text));
    }
    if (seen.has(jsonPath)) faults.push(fieldDuplicate(here, jsonPath));
    seen.add(jsonPath);
  }
  const kept = sameJson(before?.selectableFields, version.selectableFields);
  if (seen.size > maxSelectableFields && !kept) faults.push(fieldTooMany(path, seen.size, maxSelectableFields));
  return faults;
}

function schemaAt(root: JSONSchemaProps | undefined, path: string): { schema?: JSONSchemaProps; why: string } {
  if (!path.startsWith('.')) return { why: `expected [ or . but got: ${path.split(/[.[]/)[0] ?? ''}` };
  if (path.includes('[')) return { why: 'array notation is not allowed' };
  let schema = root;
  for (const name of path.slice(1).split('.')) {
    if (name === '') return { why: 'unexpected end of JSON path' };
    schema = schema?.properties?.[name];
    if (schema === undefined) return { why: 'does not refer to a valid field' };
  }
  return schema === undefined ? { why: 'does not refer to a valid field' } : { schema, why: '' };
}
