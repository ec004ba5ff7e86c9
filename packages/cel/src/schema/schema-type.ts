import type { CelType, FieldType, ListType, ObjectType } from '../types/types.ts';
import { escapeName } from './escape.ts';
import type { CelSchema } from './json-schema.ts';
import { valuesOf } from './json-schema.ts';

/** Most bytes of a request; bounds what has no bound of its own. */
export const maxRequestBytes = 3 * 1024 * 1024;
const nameLength = 253;
/** Schemas say nothing of keys; Kubernetes counts them as empty. */
const keyType: CelType = { kind: 'string', minSize: 2, maxElements: 0 };

/** Bytes that the smallest value takes as JSON. */
export const minSizeOf = (type: CelType): number => type.minSize ?? 2;

/**
 * The type of a structural schema's values in expressions; undefined when they cannot be reached. `root` adds
 * `apiVersion`, `kind`, `metadata.name` and `metadata.generateName`. `name` names the objects in it.
 */
export function schemaType(schema: CelSchema, root: boolean, name = 'object'): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return {
      kind: 'dyn',
      minSize: 1,
      maxElements: schema.maxLength === undefined ? maxRequestBytes - 2 : Math.max(0, schema.maxLength) * 4,
    };
  }
  const shape = root ? withObjectMeta(schema) : schema;
  switch (shape.type) {
    case 'array':
      return arrayType(shape, name);
    case 'object':
      return valuesOf(shape) === undefined ? fieldsType(shape, name) : mapType(shape, name);
    case 'string':
      return textType(shape);
    case 'boolean':
      return { kind: 'bool', minSize: 4, maxElements: 0 };
    case 'number':
      return { kind: 'double', minSize: 1, maxElements: 0 };
    case 'integer':
      return { kind: 'int', minSize: 1, maxElements: 0 };
    default:
      return undefined;
  }
}

const isEmbedded = (schema: CelSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function arrayType(schema: CelSchema, name: string): ListType | undefined {
  if (schema.items === undefined) return undefined;
  const element = schemaType(schema.items, isEmbedded(schema.items), `${name}.@idx`);
  if (element === undefined) return undefined;
  const maxElements = schema.maxItems ?? Math.floor((maxRequestBytes - 2) / (minSizeOf(element) + 1));
  const listType = schema['x-kubernetes-list-type'];
  return {
    kind: 'list',
    element,
    maxElements: Math.max(0, maxElements),
    minSize: 2,
    listType: listType === 'set' || listType === 'map' ? listType : undefined,
    listKeys: schema['x-kubernetes-list-map-keys']?.map((key) => escapeName(key) ?? key),
  };
}

function mapType(schema: CelSchema, name: string): CelType | undefined {
  const values = valuesOf(schema);
  const value = values === undefined ? undefined : schemaType(values, isEmbedded(values), `${name}.@prop`);
  if (value === undefined) return undefined;
  const maxElements = schema.maxProperties ?? Math.floor((maxRequestBytes - 2) / (minSizeOf(value) + 6));
  return { kind: 'map', key: keyType, value, maxElements: Math.max(0, maxElements), minSize: 2 };
}

function fieldsType(schema: CelSchema, name: string): ObjectType {
  const fields = new Map<string, FieldType>();
  const required = new Set(schema.required);
  let minSize = 2;
  for (const [json, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(json);
    const type = schemaType(property, isEmbedded(property), `${name}.${escaped ?? json}`);
    if (type === undefined) continue;
    if (escaped !== undefined) fields.set(escaped, { type, json, required: required.has(json) });
    if (required.has(json) && property.default === undefined) minSize += json.length + minSizeOf(type) + 4;
  }
  return { kind: 'object', name, field: (field) => fields.get(field), names: () => [...fields.keys()], minSize, maxElements: 0 };
}

function textType(schema: CelSchema): CelType {
  const bound = schema.maxLength === undefined ? undefined : Math.max(0, schema.maxLength);
  switch (schema.format) {
    case 'byte':
      return { kind: 'bytes', format: 'byte', minSize: 2, maxElements: bound ?? maxRequestBytes - 2 };
    case 'duration':
      return { kind: 'duration', minSize: 3, maxElements: 32 };
    case 'date':
      return { kind: 'timestamp', format: 'date', minSize: 12, maxElements: 12 };
    case 'date-time':
      return { kind: 'timestamp', minSize: 21, maxElements: 32 };
    default:
  }
  const choices = schema.enum?.filter((choice) => typeof choice === 'string').map((choice) => choice.length);
  const longest = choices === undefined || choices.length === 0 ? maxRequestBytes - 2 : Math.max(...choices);
  return { kind: 'string', minSize: 2, maxElements: bound === undefined ? longest : bound * 4 };
}

/** The schema with the fields of every object that are always there. */
export function withObjectMeta(schema: CelSchema): CelSchema {
  const meta = schema.properties?.metadata?.properties;
  const capped = (property: CelSchema | undefined, maxLength: number): CelSchema => ({
    type: 'string',
    maxLength: Math.min(maxLength, property?.maxLength ?? maxLength),
  });
  const metadata: CelSchema = {
    type: 'object',
    properties: { name: capped(meta?.name, nameLength), generateName: capped(meta?.generateName, nameLength - 1) },
  };
  return {
    ...schema,
    type: schema.type ?? 'object',
    properties: { ...schema.properties, kind: { type: 'string' }, apiVersion: { type: 'string' }, metadata },
  };
}
