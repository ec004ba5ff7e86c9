/** Static types of expressions. Shared and immutable; compare with `sameType`. */
export type CelType = SimpleType | ListType | MapType | ObjectType | OpaqueType | TypeType | ParamType;

export type SimpleKind = 'dyn' | 'error' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration';

/** What a schema says about sizes and JSON form; used by cost estimates and by the adapter of JSON values. */
export interface SchemaFacts {
  /** Most characters, bytes, items or entries that a value can have. */
  readonly maxElements?: number;
  /** Fewest bytes of JSON. */
  readonly minSize?: number;
  /** How a string is read: `int` accepts a string too. */
  readonly format?: 'date' | 'byte' | 'int-or-string' | undefined;
  /** How lists are compared and added. */
  readonly listType?: 'set' | 'map' | undefined;
  readonly listKeys?: readonly string[] | undefined;
}

export interface SimpleType extends SchemaFacts {
  readonly kind: SimpleKind;
}
export interface ListType extends SchemaFacts {
  readonly kind: 'list';
  readonly element: CelType;
}
export interface MapType extends SchemaFacts {
  readonly kind: 'map';
  readonly key: CelType;
  readonly value: CelType;
}

export interface FieldType {
  readonly type: CelType;
  /** The field's name in JSON, where the name in expressions is escaped. */
  readonly json: string;
  readonly required?: boolean;
  readonly defaultValue?: unknown;
}

export interface ObjectType extends SchemaFacts {
  readonly kind: 'object';
  readonly name: string;
  /** By the name used in expressions. Undefined: no such field. May compute lazily, must be stable. */
  field(name: string): FieldType | undefined;
  /** The name in expressions of a JSON key; undefined when expressions cannot reach it. */
  names?(): readonly string[];
  /** Whether `Name{field: value}` may make one. */
  readonly constructible?: boolean;
}
/** Named types without fields, with parameters: `optional_type(int)`, `net.IP`. */
export interface OpaqueType extends SchemaFacts {
  readonly kind: 'opaque';
  readonly name: string;
  readonly parameters: readonly CelType[];
}
export interface TypeType extends SchemaFacts {
  readonly kind: 'type';
  readonly of: CelType | undefined;
}
/** A type variable of a declaration, or a fresh one of the checker. */
export interface ParamType extends SchemaFacts {
  readonly kind: 'param';
  readonly name: string;
}

const simple = (kind: SimpleKind): SimpleType => ({ kind });

export const dynType = simple('dyn');
export const errorType = simple('error');
export const nullType = simple('null');
export const boolType = simple('bool');
export const intType = simple('int');
export const uintType = simple('uint');
export const doubleType = simple('double');
export const stringType = simple('string');
export const bytesType = simple('bytes');
export const timestampType = simple('timestamp');
export const durationType = simple('duration');

export const listOf = (element: CelType): ListType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value });
export const opaqueOf = (name: string, ...parameters: readonly CelType[]): OpaqueType => ({ kind: 'opaque', name, parameters });
export const optionalOf = (value: CelType): OpaqueType => opaqueOf('optional_type', value);
export const typeOf = (of: CelType | undefined): TypeType => ({ kind: 'type', of });
export const paramOf = (name: string): ParamType => ({ kind: 'param', name });

/** An object type from a table of its fields, whose names in JSON are the same. */
export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const table = new Map(Object.entries(fields).map(([field, type]) => [field, { type, json: field }]));
  return { kind: 'object', name, field: (field) => table.get(field), names: () => [...table.keys()] };
}

export function isOptionalType(type: CelType): type is OpaqueType {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

/** The parameter of `optional_type(T)`, or the type itself. */
export function withoutOptional(type: CelType): CelType {
  return isOptionalType(type) ? (type.parameters[0] ?? dynType) : type;
}

/** Structural equality; objects and opaque types by name. */
export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'list':
      return b.kind === 'list' && sameType(a.element, b.element);
    case 'map':
      return b.kind === 'map' && sameType(a.key, b.key) && sameType(a.value, b.value);
    case 'object':
      return b.kind === 'object' && a.name === b.name;
    case 'opaque':
      return b.kind === 'opaque' && a.name === b.name && sameTypes(a.parameters, b.parameters);
    case 'type':
      return b.kind === 'type' && (a.of === undefined ? b.of === undefined : b.of !== undefined && sameType(a.of, b.of));
    case 'param':
      return b.kind === 'param' && a.name === b.name;
    default:
      return a.kind === b.kind;
  }
}

function sameTypes(a: readonly CelType[], b: readonly CelType[]): boolean {
  return a.length === b.length && a.every((type, position) => sameType(type, b[position] ?? errorType));
}

const protobufNames: Partial<Record<SimpleKind, string>> = {
  timestamp: 'timestamp',
  duration: 'duration',
  error: '!error!',
};

/** A type as messages print it: `map(string, list(int))`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.element)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'object':
      return type.name;
    case 'opaque':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(typeText).join(', ')})`;
    case 'type':
      return type.of === undefined ? 'type' : `type(${typeText(type.of)})`;
    case 'param':
      return type.name;
    default:
      return protobufNames[type.kind] ?? type.kind;
  }
}

/** The name that `string(type(x))` gives. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'object':
    case 'opaque':
      return type.name;
    case 'null':
      return 'null_type';
    case 'timestamp':
      return 'google.protobuf.Timestamp';
    case 'duration':
      return 'google.protobuf.Duration';
    default:
      return type.kind;
  }
}
