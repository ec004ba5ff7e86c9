import { badRequest } from '../errors/constructors.ts';
import type { AnyDescriptor, Descriptor, FieldDescriptor, ObjectDescriptor } from '../schema/descriptor.ts';
import { copyJson } from '../patch/json-value.ts';
import { isTooDeep } from './depth.ts';
import { findDuplicateFields } from './duplicates.ts';
import { decodeScalar, GoTypeError, goTypeName, jsonKind } from './scalars.ts';

/** `fieldValidation` of a write: what to do about unknown and duplicate fields. Without it, Kubernetes takes `Warn`. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeOptions {
  readonly validation: FieldValidation;
  /**
   * Keep to what was given: absent structs and required zeros are not filled in, empty values not dropped.
   * For applied configurations, in which having a field means owning it. Nulls are dropped all the same.
   */
  readonly sparse?: boolean | undefined;
}

export interface Decoded {
  /** A new object: pruned to the schema, with Go's idea of empty (see `decodeObject`). */
  readonly object: Record<string, unknown>;
  /** `unknown field "spec.foo"`, `duplicate field "spec.bar"`, in document order; always empty for `Ignore`. Answer 400 for `Strict`, warnings for `Warn`. */
  readonly problems: readonly string[];
}

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What decoding asks of a field, worked out once for each type. */
interface PlannedField {
  readonly name: string;
  readonly descriptor: Descriptor;
  /** What Go writes where nothing was given; undefined for nothing. To be copied. */
  readonly whenAbsent: unknown;
  /** Whether Go's omitempty leaves out an empty value that was given. */
  readonly omitsEmpty: boolean;
}

const plans = new WeakMap<ObjectDescriptor, readonly PlannedField[]>();

function planOf(descriptor: ObjectDescriptor): readonly PlannedField[] {
  let plan = plans.get(descriptor);
  if (plan === undefined) {
    plan = Array.from(descriptor.fields.values(), (field) => ({
      name: field.name,
      descriptor: field.value,
      whenAbsent: emptyValue(field, field.value),
      omitsEmpty: field.omit !== 'never' && !field.pointer,
    }));
    plans.set(descriptor, plan);
  }
  return plan;
}

class Decoder {
  readonly problems = new Set<string>();
  readonly #collect: boolean;
  readonly #sparse: boolean;
  /** Names and list positions from the root to where decoding stands. */
  readonly #path: (string | number)[] = [];

  constructor({ validation, sparse }: DecodeOptions) {
    this.#collect = validation !== 'Ignore';
    this.#sparse = sparse === true;
  }

  object(descriptor: ObjectDescriptor, value: JsonObject): JsonObject {
    if (descriptor.dynamic === true) return this.#dynamicObject(descriptor, value);
    const result: JsonObject = {};
    let known = 0;
    for (const planned of planOf(descriptor)) {
      const given = value[planned.name];
      if (given !== undefined && Object.hasOwn(value, planned.name)) known++;
      this.#field(descriptor, planned, given, result);
    }
    const keys = Object.keys(value);
    if (known < keys.length) this.#unknown(descriptor, keys, value, result);
    return result;
  }

  #unknown(descriptor: ObjectDescriptor, keys: readonly string[], value: JsonObject, result: JsonObject): void {
    for (const key of keys) {
      if (descriptor.fields.has(key)) continue;
      if (descriptor.preserveUnknown) result[key] = value[key];
      else if (this.#collect) this.problems.add(unknownField(this.#at(key)));
    }
  }

  #at(key: string): string {
    let text = '';
    for (const step of this.#path) text = stepTo(text, step);
    return stepTo(text, key);
  }

  #field(parent: ObjectDescriptor, { name, descriptor, whenAbsent, omitsEmpty }: PlannedField, given: unknown, result: JsonObject): void {
    if (given === undefined || given === null) {
      if (whenAbsent !== undefined && !this.#sparse) result[name] = copyJson(whenAbsent);
      return;
    }
    this.#path.push(name);
    const value = this.#value(parent, descriptor, given);
    this.#path.pop();
    if (omitsEmpty && !this.#sparse && isEmpty(descriptor, value)) return;
    result[name] = value;
  }

  #value(parent: ObjectDescriptor, descriptor: Descriptor, value: unknown): unknown {
    switch (descriptor.type) {
      case 'scalar':
        try {
          return decodeScalar(descriptor.scalar, value);
        } catch (error) {
          throw this.#typeError(parent, error);
        }
      case 'object':
        if (!isObject(value)) throw this.#typeError(parent, new GoTypeError(jsonKind(value), goTypeName(descriptor)));
        return this.object(descriptor, value);
      case 'list':
        if (!Array.isArray(value)) throw this.#typeError(parent, new GoTypeError(jsonKind(value), goTypeName(descriptor)));
        return value.map((item: unknown, index) => {
          this.#path.push(index);
          const decoded = item === null ? zeroOf(descriptor.items) : this.#value(parent, descriptor.items, item);
          this.#path.pop();
          return decoded;
        });
      case 'map': {
        if (!isObject(value)) throw this.#typeError(parent, new GoTypeError(jsonKind(value), goTypeName(descriptor)));
        const result: JsonObject = {};
        for (const [key, item] of Object.entries(value)) {
          this.#path.push(key);
          set(result, key, item === null ? zeroOf(descriptor.values) : this.#value(parent, descriptor.values, item));
          this.#path.pop();
        }
        return result;
      }
      case 'any':
        return this.#any(parent, descriptor, value);
    }
  }

  #any(parent: ObjectDescriptor, descriptor: AnyDescriptor, value: unknown): unknown {
    if (descriptor.form === 'fieldsV1' && !isObject(value)) throw this.#typeError(parent, new GoTypeError(jsonKind(value), 'v1.FieldsV1'));
    if (!descriptor.form.startsWith('jsonOr')) return value;
    // JSONSchemaProps, or a list of it, a boolean or a list of strings: only the first is a struct to decode.
    if (isObject(value)) return this.object(parent, value);
    return Array.isArray(value) ? value.map((item: unknown) => (isObject(item) ? this.object(parent, item) : item)) : value;
  }

  #dynamicObject(descriptor: ObjectDescriptor, value: JsonObject): JsonObject {
    const result: JsonObject = {};
    for (const [key, given] of Object.entries(value)) {
      const field = descriptor.fields.get(key);
      this.#path.push(key);
      if (field) {
        const kept = this.#dynamicValue(descriptor, field.value, given);
        // A null that may not be one counts as absence, for which there may be a default.
        if (kept !== null || field.value.nullable === true) set(result, key, kept);
      }
      this.#path.pop();
    }
    if (Object.keys(value).some((key) => !descriptor.fields.has(key))) this.#unknown(descriptor, Object.keys(value), value, result);
    return result;
  }

  #dynamicValue(parent: ObjectDescriptor, descriptor: Descriptor, value: unknown): unknown {
    if (descriptor.type === 'object') {
      if (isObject(value)) return this.object(descriptor, value);
      // Metadata is the one part whose type is not a matter of validation.
      if (descriptor.dynamic !== true && value !== null)
        throw this.#typeError(parent, new GoTypeError(jsonKind(value), goTypeName(descriptor)));
    }
    if (descriptor.type === 'list' && Array.isArray(value)) {
      return value.map((item: unknown, index) => {
        this.#path.push(index);
        const kept = this.#dynamicValue(parent, descriptor.items, item);
        this.#path.pop();
        return kept;
      });
    }
    if (descriptor.type === 'map' && isObject(value)) {
      const result: JsonObject = {};
      for (const [key, item] of Object.entries(value)) {
        this.#path.push(key);
        if (item !== null || descriptor.values.nullable === true) set(result, key, this.#dynamicValue(parent, descriptor.values, item));
        this.#path.pop();
      }
      return result;
    }
    return value;
  }

  #typeError(parent: ObjectDescriptor, cause: unknown): unknown {
    if (!(cause instanceof GoTypeError)) return cause;
    const struct = parent.name.slice(parent.name.lastIndexOf('.') + 1);
    const field = this.#path.filter((step) => typeof step === 'string').join('.');
    if (cause.message !== '') return new GoTypeError(cause.found, cause.wanted, `${cause.message} (field ${field})`);
    return new GoTypeError(
      cause.found,
      cause.wanted,
      `json: cannot unmarshal ${cause.found} into Go struct field ${struct}.${field} of type ${cause.wanted}`,
    );
  }
}

function unknownField(path: string): string {
  return `unknown field "${path}"`;
}

function stepTo(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step.toString()}]`;
  return path === '' ? step : `${path}.${step}`;
}

/** Decoding goes by the schema, and clients expect what they sent to be complained about from top to bottom. */
function inDocumentOrder(problems: ReadonlySet<string>, document: unknown): string[] {
  const ordered = new Set<string>();
  const walk = (value: unknown, path: string): void => {
    const problem = unknownField(path);
    if (problems.has(problem)) ordered.add(problem);
    else if (Array.isArray(value)) value.forEach((item: unknown, index) => walk(item, stepTo(path, index)));
    else if (isObject(value)) for (const [key, item] of Object.entries(value)) walk(item, stepTo(path, key));
  };
  walk(document, '');
  return [...new Set([...ordered, ...problems])];
}

/** Plain assignment would lose a key `__proto__`. */
function set(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** What Go writes for a field that was absent or null; undefined when it writes nothing. */
function emptyValue(field: FieldDescriptor, descriptor: Descriptor): unknown {
  if (field.pointer || descriptor.type === 'list' || descriptor.type === 'map') return field.omit === 'never' ? null : undefined;
  // encoding/json never takes a struct for empty, so a struct by value is written even with omitempty.
  if (descriptor.type === 'object') return field.omit === 'zero' ? undefined : zeroOf(descriptor);
  if (descriptor.type === 'any') return field.omit === 'never' ? null : undefined;
  switch (descriptor.scalar) {
    case 'time':
    case 'microTime':
      return field.omit === 'zero' ? undefined : null;
    case 'quantity':
    case 'intOrString':
      return field.omit === 'zero' ? undefined : zeroOf(descriptor);
    default:
      return field.omit === 'never' ? zeroOf(descriptor) : undefined;
  }
}

/** The JSON of Go's zero value of a type. */
function zeroOf(descriptor: Descriptor): unknown {
  switch (descriptor.type) {
    case 'object': {
      const result: JsonObject = {};
      for (const field of descriptor.fields.values()) {
        const empty = emptyValue(field, field.value);
        if (empty !== undefined) result[field.name] = empty;
      }
      return result;
    }
    case 'list':
    case 'map':
    case 'any':
      return null;
    case 'scalar':
      switch (descriptor.scalar) {
        case 'bool':
          return false;
        case 'int32':
        case 'int64':
        case 'float64':
        case 'intOrString':
          return 0;
        case 'quantity':
          return '0';
        case 'time':
        case 'microTime':
        case 'bytes':
          return null;
        case 'string':
          return '';
      }
  }
}

/** Whether Go's omitempty leaves out a value that was given. */
function isEmpty(descriptor: Descriptor, value: unknown): boolean {
  switch (descriptor.type) {
    case 'list':
      return Array.isArray(value) && value.length === 0;
    case 'map':
      return isObject(value) && Object.keys(value).length === 0;
    case 'scalar':
      if (descriptor.scalar === 'quantity' || descriptor.scalar === 'intOrString') return false;
      return value === '' || value === 0 || value === false;
    default:
      return false;
  }
}

/**
 * Takes parsed JSON to the form in which Kubernetes would hold and write it: unknown fields pruned,
 * nulls dropped, empty omitempty fields dropped, structs by value present (`status: {}`), quantities and
 * times canonical. `value` is not changed and shares only free-form parts with the result.
 * @throws StatusError BadRequest when a value has the wrong type.
 */
export function decodeObject(descriptor: ObjectDescriptor, value: unknown, options: DecodeOptions): Decoded {
  const decoder = new Decoder(options);
  try {
    if (!isObject(value))
      throw new GoTypeError(
        jsonKind(value),
        goTypeName(descriptor),
        `json: cannot unmarshal ${jsonKind(value)} into Go value of type ${goTypeName(descriptor)}`,
      );
    const object = decoder.object(descriptor, value);
    // Everyone reads metadata of a top-level object, so it is there even when nothing else is filled in.
    if (options.sparse === true && descriptor.kind && descriptor.fields.has('metadata')) object['metadata'] ??= {};
    return { object, problems: decoder.problems.size > 1 ? inDocumentOrder(decoder.problems, value) : [...decoder.problems] };
  } catch (error) {
    if (!(error instanceof GoTypeError)) throw error;
    const kind = descriptor.kind;
    throw badRequest(
      kind ? `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}` : error.message,
    );
  }
}

/**
 * `decodeObject` from JSON text. Duplicate fields are looked for only when someone wants to know.
 * @throws StatusError BadRequest for text that is no JSON and for values of the wrong type.
 */
export function decodeJson(descriptor: ObjectDescriptor, text: string, options: DecodeOptions): Decoded {
  const { object, problems } = decodeObject(descriptor, parseJson(text), options);
  if (options.validation === 'Ignore') return { object, problems };
  return { object, problems: [...problems, ...findDuplicateFields(text)] };
}

/** @throws StatusError BadRequest */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw badRequest('json: exceeded max depth');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`json: ${error instanceof Error ? error.message : String(error)}`);
  }
}
