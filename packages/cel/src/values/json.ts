import type { CelType, ListType, MapType, ObjectType } from '../types/types.ts';
import { dynType, withoutOptional } from '../types/types.ts';
import { spend } from '../eval/work.ts';
import { equals } from './equality.ts';
import { parseDuration, parseTimestamp } from './time-text.ts';
import type { Value } from './value.ts';
import { CelError, CelList, CelMap, CelObject, CelUint, keyText } from './value.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The value of plain JSON under a static type. Arrays and objects are wrapped, not copied; a string under a schema's
 * `date-time`, `date`, `duration` or `byte` format becomes that. `raw` may also be a value already.
 */
export function fromJson(raw: unknown, type: CelType): Value {
  switch (typeof raw) {
    case 'string':
      return fromString(raw, type);
    case 'number':
      if (type.kind === 'double') return raw;
      if (type.kind === 'uint') return new CelUint(BigInt(Math.trunc(raw)));
      return Number.isSafeInteger(raw) || (type.kind === 'int' && Number.isInteger(raw)) ? BigInt(raw) : raw;
    case 'boolean':
    case 'bigint':
      return raw;
    case 'object':
      if (raw === null) return null;
      if (raw instanceof CelObject || raw instanceof Uint8Array) return raw;
      if (Array.isArray(raw)) return new JsonList(raw, type.kind === 'list' ? type : undefined);
      return new JsonMap(raw as Json, type.kind === 'object' || type.kind === 'map' ? type : undefined);
    default:
      return null;
  }
}

function fromString(raw: string, type: CelType): Value {
  if (type.kind === 'timestamp') {
    const value = parseTimestamp(type.format === 'date' ? `${raw}T00:00:00Z` : raw);
    return value instanceof CelError ? raw : value;
  }
  if (type.kind === 'duration') {
    const value = parseDuration(raw);
    return value instanceof CelError ? raw : value;
  }
  if (type.kind === 'bytes') return Uint8Array.from(atobBytes(raw));
  return raw;
}

function atobBytes(text: string): number[] {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return [...new TextEncoder().encode(text)];
  return Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** An array of a JSON document. */
export class JsonList extends CelList {
  readonly raw: readonly unknown[];
  readonly declared: ListType | undefined;
  private readonly element: CelType;

  constructor(raw: readonly unknown[], declared: ListType | undefined) {
    super();
    this.raw = raw;
    this.declared = declared;
    this.element = declared?.element ?? dynType;
  }

  get size(): number {
    return this.raw.length;
  }

  at(position: number): Value {
    return fromJson(this.raw[position], this.element);
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof JsonList && other.raw === this.raw;
  }
}

/** An object of a JSON document: a map, or a message whose fields the schema names. */
export class JsonMap extends CelMap {
  override readonly type: CelType;
  readonly raw: Json;
  readonly declared: ObjectType | MapType | undefined;

  constructor(raw: Json, declared: ObjectType | MapType | undefined) {
    super();
    this.raw = raw;
    this.declared = declared;
    this.type = declared ?? anyMap;
  }

  get size(): number {
    const size = Object.keys(this.raw).length;
    spend(size);
    return size;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return this.declared?.kind === 'object' ? undefined : this.getByText(key);
    if (this.declared?.kind === 'object') {
      const field = this.declared.field(key);
      if (field === undefined) return undefined;
      if (!Object.hasOwn(this.raw, field.json)) {
        return field.defaultValue === undefined ? undefined : fromJson(field.defaultValue, withoutOptional(field.type));
      }
      return fromJson(this.raw[field.json], field.type);
    }
    return Object.hasOwn(this.raw, key) ? fromJson(this.raw[key], this.declared?.value ?? dynType) : undefined;
  }

  private getByText(key: Value): Value | undefined {
    const text = keyText(key);
    if (text === undefined || this.declared?.kind !== 'map' || this.declared.key.kind === 'string') return undefined;
    return this.get(text.slice(1));
  }

  *keys(): IterableIterator<Value> {
    if (this.declared?.kind !== 'object') {
      yield* Object.keys(this.raw);
      return;
    }
    for (const name of this.declared.names?.() ?? []) if (this.has(name)) yield name;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof JsonMap && other.raw === this.raw;
  }
}

const anyMap: MapType = { kind: 'map', key: dynType, value: dynType };

/** Whether two elements of a list of maps are the same element: equal in all of the list's keys. */
export function sameElement(a: Value, b: Value, keys: readonly string[]): boolean {
  if (!(a instanceof CelMap) || !(b instanceof CelMap)) return false;
  return keys.every((key) => {
    const [left, right] = [a.get(key), b.get(key)];
    if (left === undefined || right === undefined) return left === right;
    return equals(left, right);
  });
}
