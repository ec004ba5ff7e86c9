import type { JSONSchemaProps } from '../generated/types.ts';
import { setMember } from '../patch/json-value.ts';
import type { JsonSchema, OpenApiVersion } from '../openapi/definitions.ts';

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
const apiVersion: JsonSchema = {
  description: `The version of the schema that this object is written in. More info: ${conventions}#resources`,
  type: 'string',
};
const kind: JsonSchema = { description: `The kind of this object, in camel case. More info: ${conventions}#types-kinds`, type: 'string' };

interface Target {
  readonly version: OpenApiVersion;
  /** A property that refers to the definition of metadata. */
  readonly metadata: JsonSchema;
}

/**
 * The schema of a custom resource as OpenAPI publishes it. `metadataRef` is the reference to the
 * definition of metadata in the document. OpenAPI v2 cannot say everything, and its readers take what
 * is not said for forbidden, so there less is said.
 */
export function publishedSchema(schema: JSONSchemaProps, version: OpenApiVersion, metadataRef: JsonSchema): JsonSchema {
  const description = `Standard object's metadata. More info: ${conventions}#metadata`;
  const metadata = version === 'v2' ? { description, ...metadataRef } : { description, allOf: [metadataRef] };
  if (version === 'v2' && schema['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'object' };
  const target = { version, metadata };
  const published = publish(schema, target);
  published['properties'] = { apiVersion, kind, metadata, ...without(published['properties'], ['apiVersion', 'kind', 'metadata']) };
  return published;
}

function without(properties: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries((properties as object | undefined) ?? {}).filter(([name]) => !names.includes(name)));
}

const junctors = new Set(['allOf', 'anyOf', 'oneOf', 'not']);

function publish(schema: JSONSchemaProps, target: Target): JsonSchema {
  const result: JsonSchema = {};
  const reduced = target.version === 'v2' ? reducedForV2(schema) : schema;
  for (const [key, value] of Object.entries(reduced)) {
    if (value === undefined || (target.version === 'v2' && junctors.has(key))) continue;
    if (key === 'properties') result[key] = publishNamed(value as Record<string, JSONSchemaProps>, target);
    else if ((key === 'items' || key === 'additionalProperties') && typeof value === 'object' && !Array.isArray(value))
      result[key] = publish(value as JSONSchemaProps, target);
    else result[key] = value;
  }
  if (
    reduced['x-kubernetes-embedded-resource'] === true &&
    !(target.version === 'v2' && reduced['x-kubernetes-preserve-unknown-fields'] === true)
  ) {
    result['properties'] = { ...(result['properties'] as object | undefined), apiVersion, kind, metadata: target.metadata };
    result['required'] = [...new Set([...(reduced.required ?? []), 'kind', 'apiVersion'])];
  }
  return result;
}

function publishNamed(schemas: Record<string, JSONSchemaProps>, target: Target): Record<string, JsonSchema> {
  const result: Record<string, JsonSchema> = {};
  for (const [name, schema] of Object.entries(schemas)) setMember(result, name, publish(schema, target));
  return result;
}

/** Nullable values, and objects that keep unknown fields, lose their type: v2 has no other way to allow them. */
function reducedForV2(schema: JSONSchemaProps): JSONSchemaProps {
  const reduced = { ...schema };
  delete reduced.nullable;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.nullable === true || keepsUnknown) {
    delete reduced.items;
    delete reduced.properties;
  }
  if (schema.nullable === true || (keepsUnknown && schema.type === 'object')) delete reduced.type;
  if (reduced.type === 'array' && reduced.items === undefined) delete reduced.type;
  const values = schema.additionalProperties;
  if (typeof values === 'object' && values.nullable === true) delete reduced.required;
  else if (reduced.required !== undefined) {
    const required = reduced.required.filter((name) => reduced.properties?.[name]?.nullable !== true);
    if (required.length > 0) reduced.required = required;
    else delete reduced.required;
  }
  return reduced;
}
