import type { AnyName, Descriptor, FieldDescriptor, ObjectDescriptor, ScalarName } from '../schema/descriptor.ts';
import { builtinResources } from '../generated/resources.ts';
import { schemaOfType } from '../schema/builtin.ts';
import type { Descriptions } from './descriptions.ts';

export type OpenApiVersion = 'v2' | 'v3';
export type JsonSchema = Record<string, unknown>;

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Scalars and free-form values that Kubernetes publishes as definitions of their own. */
const named: Readonly<Partial<Record<ScalarName | AnyName, string>>> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  raw: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  fieldsV1: `${meta}.FieldsV1`,
  json: `${extensions}.JSON`,
  jsonOrArray: `${extensions}.JSONSchemaPropsOrArray`,
  jsonOrBool: `${extensions}.JSONSchemaPropsOrBool`,
  jsonOrStringArray: `${extensions}.JSONSchemaPropsOrStringArray`,
};

const plain: Readonly<Partial<Record<ScalarName, JsonSchema>>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  float64: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

const fixed: Readonly<Record<string, { readonly description: string; readonly v2: JsonSchema; readonly v3: JsonSchema }>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    description: 'A number in fixed point with an optional suffix: "100m", "64Mi", "1e3".',
    v2: { type: 'string' },
    v3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    description: 'An int32 or a string, often a percentage.',
    v2: { type: 'string', format: 'int-or-string' },
    v3: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
  },
  [`${meta}.Time`]: {
    description: 'A time in RFC 3339 with seconds.',
    v2: { type: 'string', format: 'date-time' },
    v3: { type: 'string', format: 'date-time' },
  },
  [`${meta}.MicroTime`]: {
    description: 'A time in RFC 3339 with microseconds.',
    v2: { type: 'string', format: 'date-time' },
    v3: { type: 'string', format: 'date-time' },
  },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { description: 'Any object.', v2: { type: 'object' }, v3: { type: 'object' } },
  [`${meta}.FieldsV1`]: { description: 'A set of fields as a JSON trie.', v2: { type: 'object' }, v3: { type: 'object' } },
  [`${meta}.Patch`]: {
    description: 'A patch of any of the four kinds, told apart by its media type.',
    v2: { type: 'object' },
    v3: { type: 'object' },
  },
  [`${extensions}.JSON`]: { description: 'Any valid JSON value.', v2: {}, v3: {} },
  [`${extensions}.JSONSchemaPropsOrArray`]: { description: 'A JSON schema or a list of them.', v2: {}, v3: {} },
  [`${extensions}.JSONSchemaPropsOrBool`]: { description: 'A JSON schema or a boolean.', v2: {}, v3: {} },
  [`${extensions}.JSONSchemaPropsOrStringArray`]: { description: 'A JSON schema or a list of strings.', v2: {}, v3: {} },
};

export const patchDefinition = `${meta}.Patch`;

/** Makes definitions and remembers which others they refer to. */
export class DefinitionBuilder {
  readonly #version: OpenApiVersion;
  readonly #descriptions: Descriptions;
  /** Referred to, by name; true once made. */
  readonly #wanted = new Map<string, boolean>();

  constructor(version: OpenApiVersion, descriptions: Descriptions) {
    this.#version = version;
    this.#descriptions = descriptions;
  }

  /** `{"$ref": …}` to a definition, which will be among `all()`. */
  ref(name: string): JsonSchema {
    if (!this.#wanted.has(name)) this.#wanted.set(name, false);
    return { $ref: `${this.#version === 'v2' ? '#/definitions/' : '#/components/schemas/'}${name}` };
  }

  /** Every definition that was referred to, directly or through others, sorted by name. `given` holds those that are not built in. */
  all(given: ReadonlyMap<string, JsonSchema> = new Map()): Record<string, JsonSchema> {
    const made = new Map<string, JsonSchema>();
    for (;;) {
      const next = [...this.#wanted].filter(([, done]) => !done).map(([name]) => name);
      if (next.length === 0) break;
      for (const name of next) {
        this.#wanted.set(name, true);
        made.set(name, given.get(name) ?? this.#definition(name));
      }
    }
    return Object.fromEntries([...made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #definition(name: string): JsonSchema {
    const shape = fixed[name];
    if (shape) return { description: shape.description, ...shape[this.#version] };
    const descriptor = schemaOfType(name);
    if (!descriptor) throw new Error(`OpenAPI refers to ${name}, which is no type`);
    return this.#object(descriptor);
  }

  #object(descriptor: ObjectDescriptor): JsonSchema {
    const description = this.#descriptions[descriptor.name]?.[''];
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const field of descriptor.fields.values()) {
      properties[field.name] = this.#field(descriptor, field);
      if (field.required) required.push(field.name);
    }
    const sorted = Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)));
    const kinds = groupVersionKinds(descriptor);
    return {
      ...(description ? { description } : {}),
      ...(required.length > 0 ? { required: required.sort() } : {}),
      type: 'object',
      ...(Object.keys(sorted).length > 0 ? { properties: sorted } : {}),
      ...(kinds.length > 0 ? { 'x-kubernetes-group-version-kind': kinds } : {}),
      ...(descriptor.mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  #field(parent: ObjectDescriptor, field: FieldDescriptor): JsonSchema {
    const descriptor = field.value;
    const description = this.#describe(parent, field);
    const schema = this.#value(descriptor);
    const isRef = '$ref' in schema;
    const value: JsonSchema = this.#version === 'v3' && isRef ? { allOf: [schema] } : schema;
    const zero = this.#version === 'v3' && !field.pointer ? zeroDefault(field, descriptor) : undefined;
    const shown = field.default ?? zero;
    return {
      ...(description ? { description } : {}),
      ...(shown === undefined ? {} : { default: shown }),
      ...value,
      ...(field.patchStrategies.length > 0 ? { 'x-kubernetes-patch-strategy': field.patchStrategies.join(',') } : {}),
      ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    };
  }

  /** A field whose type is a definition often has no text of its own; the type's then says more than nothing. */
  #describe(parent: ObjectDescriptor, field: FieldDescriptor): string | undefined {
    const own = this.#descriptions[parent.name]?.[field.name];
    if (own) return own;
    const value = field.value;
    const target = value.type === 'list' ? value.items : value.type === 'map' ? value.values : value;
    if (field.name === 'metadata')
      return 'Standard metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';
    const kind = parent.kind?.kind;
    if (kind && field.name === 'spec') return `Specification of the desired behaviour of the ${kind}.`;
    if (kind && field.name === 'status') return `Most recently observed status of the ${kind}. Written by the system; read-only.`;
    return target.type === 'object' ? this.#descriptions[target.name]?.[''] : undefined;
  }

  #value(descriptor: Descriptor): JsonSchema {
    switch (descriptor.type) {
      case 'object':
        return this.ref(descriptor.name);
      case 'list':
        return {
          type: 'array',
          items: this.#item(descriptor.items),
          'x-kubernetes-list-type': descriptor.listType,
          ...(descriptor.keys.length > 0 ? { 'x-kubernetes-list-map-keys': descriptor.keys } : {}),
        };
      case 'map':
        return {
          type: 'object',
          additionalProperties: this.#item(descriptor.values),
          ...(descriptor.mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
        };
      case 'scalar': {
        const name = named[descriptor.scalar];
        if (name) return this.ref(name);
        return {
          ...plain[descriptor.scalar],
          ...(descriptor.values.length > 0 && this.#version === 'v3' ? { enum: [...descriptor.values].sort() } : {}),
        };
      }
      case 'any': {
        const name = named[descriptor.form];
        return name ? this.ref(name) : {};
      }
    }
  }

  #item(descriptor: Descriptor): JsonSchema {
    const schema = this.#value(descriptor);
    if (this.#version === 'v2') return schema;
    if ('$ref' in schema) return descriptor.type === 'object' ? { allOf: [schema], default: {} } : { allOf: [schema] };
    const zero = descriptor.type === 'scalar' ? scalarZero(descriptor.scalar) : undefined;
    return zero === undefined ? schema : { ...schema, default: zero };
  }
}

function scalarZero(scalar: ScalarName): unknown {
  switch (scalar) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'float64':
      return 0;
    default:
      return undefined;
  }
}

/** v3 shows the zero value of structs by value and of required scalars. */
function zeroDefault(field: FieldDescriptor, descriptor: Descriptor): unknown {
  if (descriptor.type === 'object') return {};
  return descriptor.type === 'scalar' && field.required && descriptor.values.length === 0 ? scalarZero(descriptor.scalar) : undefined;
}

/** Kinds of meta/v1 that requests of every group carry. */
const everywhere = new Set([`${meta}.DeleteOptions`, `${meta}.WatchEvent`]);

function groupVersionKinds(descriptor: ObjectDescriptor): { group: string; kind: string; version: string }[] {
  if (everywhere.has(descriptor.name)) {
    const kind = descriptor.name.slice(descriptor.name.lastIndexOf('.') + 1);
    const seen = new Map(builtinResources.map(({ group, version }) => [`${group}/${version}`, { group, kind, version }]));
    return [...seen.values()];
  }
  if (!descriptor.kind) return [];
  const { group, version, kind } = descriptor.kind;
  return [{ group: group === 'meta.k8s.io' ? '' : group, kind, version }];
}
