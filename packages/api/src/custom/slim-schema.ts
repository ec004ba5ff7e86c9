import type { JSONSchemaProps } from '../generated/types.ts';
import { isJsonObject, setMember } from '../patch/json-value.ts';

/** What only people read. */
const prose = new Set(['description', 'title', 'example', 'externalDocs']);
/** Members whose keys are names of fields, not of schema keywords. */
const byName = new Set(['properties', 'patternProperties', 'definitions', 'dependencies']);
/** Values of the user: kept as they are. */
const values = new Set(['default', 'enum', 'required', 'x-kubernetes-validations', 'x-kubernetes-list-map-keys']);

/** A deep copy of a schema without descriptions and examples, which are most of its size. */
export function slimSchema(schema: JSONSchemaProps): JSONSchemaProps {
  return slim(schema as Record<string, unknown>) as JSONSchemaProps;
}

function slim(schema: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (prose.has(key)) continue;
    if (values.has(key)) result[key] = value;
    else if (byName.has(key) && isJsonObject(value)) result[key] = slimNamed(value);
    else result[key] = slimValue(value);
  }
  return result;
}

function slimNamed(schemas: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(schemas)) setMember(result, name, slimValue(schema));
  return result;
}

function slimValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(slimValue);
  return isJsonObject(value) ? slim(value) : value;
}
