import type { JSONSchemaProps } from '../generated/types.ts';
import { schemaOfType } from '../schema/builtin.ts';
import type {
  AnyDescriptor,
  Descriptor,
  FieldDescriptor,
  GroupVersionKind,
  ObjectDescriptor,
  ScalarDescriptor,
} from '../schema/descriptor.ts';

const metadataType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const anything: AnyDescriptor = { type: 'any', form: 'any' };
const scalar = (name: ScalarDescriptor['scalar']): ScalarDescriptor => ({ type: 'scalar', scalar: name, values: [] });
const scalars = {
  string: scalar('string'),
  boolean: scalar('bool'),
  integer: scalar('int64'),
  number: scalar('float64'),
  intOrString: scalar('intOrString'),
} as const;

function metadataDescriptor(): ObjectDescriptor {
  const descriptor = schemaOfType(metadataType);
  if (descriptor === undefined) throw new Error('ObjectMeta has no descriptor');
  return descriptor;
}

/** A field of a custom resource. Its descriptor is made when first asked for, so that unused parts of a large schema cost nothing. */
class CustomField implements FieldDescriptor {
  readonly name: string;
  readonly required: boolean;
  readonly pointer = true;
  readonly omit = 'empty';
  readonly patchStrategies = [];
  readonly number = 0;
  readonly inlinedIn = [];
  readonly default: unknown;
  readonly #make: () => Descriptor;
  #value: Descriptor | undefined;

  constructor(name: string, required: boolean, defaultValue: unknown, make: () => Descriptor) {
    this.name = name;
    this.required = required;
    this.default = defaultValue;
    this.#make = make;
  }

  get value(): Descriptor {
    this.#value ??= this.#make();
    return this.#value;
  }
}

/** An object of a structural schema, its fields made on first use. */
class CustomObject implements ObjectDescriptor {
  readonly type = 'object';
  readonly name: string;
  readonly mapType: 'granular' | 'atomic';
  readonly preserveUnknown: boolean;
  readonly embeddedResource: boolean;
  readonly dynamic = true;
  readonly nullable: boolean;
  readonly kind: GroupVersionKind | undefined;
  readonly #schema: JSONSchemaProps;
  #fields: ReadonlyMap<string, FieldDescriptor> | undefined;

  constructor(name: string, schema: JSONSchemaProps, kind: GroupVersionKind | undefined) {
    this.name = name;
    this.#schema = schema;
    this.kind = kind;
    this.mapType = schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : 'granular';
    this.preserveUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
    this.embeddedResource = schema['x-kubernetes-embedded-resource'] === true;
    this.nullable = schema.nullable === true;
  }

  get fields(): ReadonlyMap<string, FieldDescriptor> {
    this.#fields ??= this.#makeFields();
    return this.#fields;
  }

  #makeFields(): Map<string, FieldDescriptor> {
    const fields = new Map<string, FieldDescriptor>();
    const required = new Set(this.#schema.required ?? []);
    if (this.kind !== undefined || this.embeddedResource) {
      for (const name of ['apiVersion', 'kind'])
        fields.set(name, new CustomField(name, required.has(name), undefined, () => scalars.string));
      fields.set('metadata', new CustomField('metadata', required.has('metadata'), undefined, metadataDescriptor));
    }
    for (const [name, schema] of Object.entries(this.#schema.properties ?? {})) {
      if (fields.has(name)) continue;
      const make = (): Descriptor => descriptorOfSchema(schema, `${this.name}.${name}`);
      fields.set(name, new CustomField(name, required.has(name), schema.default, make));
    }
    return fields;
  }
}

function descriptorOfSchema(schema: JSONSchemaProps, name: string): Descriptor {
  const nullable = schema.nullable === true;
  if (schema['x-kubernetes-int-or-string'] === true) return nullable ? { ...scalars.intOrString, nullable } : scalars.intOrString;
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'integer':
    case 'number':
      return nullable ? { ...scalars[schema.type], nullable } : scalars[schema.type];
    case 'array':
      return listOf(schema, name);
    default:
      return objectOf(schema, name);
  }
}

function listOf(schema: JSONSchemaProps, name: string): Descriptor {
  const { items } = schema;
  const listType = schema['x-kubernetes-list-type'];
  const known = items === undefined || Array.isArray(items) ? {} : items;
  return {
    type: 'list',
    items: items === undefined ? anything : descriptorOfSchema(known, `${name}[]`),
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    keys: listType === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [],
    nullable: schema.nullable === true,
  };
}

/** Of additional properties that are allowed without a schema, objects lose everything. */
const withoutFields: JSONSchemaProps = { type: 'object' };

function objectOf(schema: JSONSchemaProps, name: string): Descriptor {
  const { additionalProperties, properties } = schema;
  if (additionalProperties !== undefined && additionalProperties !== false && properties === undefined) {
    const values = additionalProperties === true ? withoutFields : additionalProperties;
    return {
      type: 'map',
      values: descriptorOfSchema(values, `${name}{}`),
      mapType: schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : 'granular',
      nullable: schema.nullable === true,
    };
  }
  if (schema.type === undefined && properties === undefined && schema['x-kubernetes-embedded-resource'] !== true) {
    return schema['x-kubernetes-preserve-unknown-fields'] === true ? anything : new CustomObject(name, schema, undefined);
  }
  return new CustomObject(name, schema, undefined);
}

/**
 * Compiles the structural schema of one version of a custom resource to the descriptor from which
 * everything else follows: pruning, defaulting, patches, server-side apply. `schema` is kept and must not
 * change. `apiVersion`, `kind` and `metadata` are those of every object, whatever the schema says.
 */
export function customDescriptor(kind: GroupVersionKind, schema: JSONSchemaProps): ObjectDescriptor {
  return new CustomObject(kind.kind, schema, kind);
}
