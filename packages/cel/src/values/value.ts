import type { CelType } from '../types/types.ts';
import { durationType, dynType, errorType, listOf, mapOf, optionalOf, timestampType, typeOf, uintType } from '../types/types.ts';

/**
 * A value of an expression: int is `bigint`, double is `number`, string, bool, null and bytes are JavaScript's own,
 * all else is a `CelObject`. Plain JSON is wrapped where it is reached, never copied.
 */
export type Value = null | boolean | bigint | number | string | Uint8Array | CelObject;
export type EvalValue = Value | CelError;

/** Values that JavaScript has no type for. */
export abstract class CelObject {
  /** The type that `type(x)` shows. */
  abstract readonly type: CelType;

  /** `this == other`, where `other` is of the same class. */
  equalTo(other: CelObject): boolean {
    return this === other;
  }
}

/** A failed evaluation. It travels as a value, because `&&`, `||` and loops may absorb it. */
export class CelError extends CelObject {
  readonly type = errorType;
  readonly message: string;

  constructor(message: string) {
    super();
    this.message = message;
  }
}

/** Thrown through an evaluation when its budget is used up; `Program.evaluate` catches it. */
export class BudgetExceeded extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

export class CelUint extends CelObject {
  readonly type = uintType;
  readonly value: bigint;

  constructor(value: bigint) {
    super();
    this.value = value;
  }
}

/** Nanoseconds since 1970 UTC, from year 1 to 9999. */
export class CelTimestamp extends CelObject {
  readonly type = timestampType;
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelTimestamp && other.nanos === this.nanos;
  }
}

/** Nanoseconds, in the range of int64. */
export class CelDuration extends CelObject {
  readonly type = durationType;
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelDuration && other.nanos === this.nanos;
  }
}

/** The value of `type(x)`. */
export class CelTypeValue extends CelObject {
  readonly type = typeOf(undefined);
  readonly of: CelType;

  constructor(of: CelType) {
    super();
    this.of = of;
  }
}

export class CelOptional extends CelObject {
  static readonly none = new CelOptional(undefined);
  readonly type = optionalOf(dynType);
  /** Undefined when there is none. */
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    super();
    this.value = value;
  }
}

export abstract class CelList extends CelObject {
  readonly type: CelType = listOf(dynType);
  abstract readonly size: number;
  /** `position` must be in range. */
  abstract at(position: number): Value;

  /** All elements, shared: not to be changed. */
  all(): readonly Value[] {
    return Array.from({ length: this.size }, (_, position) => this.at(position));
  }

  *[Symbol.iterator](): IterableIterator<Value> {
    for (let position = 0; position < this.size; position += 1) yield this.at(position);
  }
}

/** A list made by an expression. `items` is owned by it. */
export class ArrayList extends CelList {
  readonly items: Value[];

  constructor(items: Value[]) {
    super();
    this.items = items;
  }

  get size(): number {
    return this.items.length;
  }

  at(position: number): Value {
    return this.items[position] ?? null;
  }

  override all(): readonly Value[] {
    return this.items;
  }
}

export abstract class CelMap extends CelObject {
  readonly type: CelType = mapOf(dynType, dynType);
  abstract readonly size: number;
  /** Undefined when there is no such key. */
  abstract get(key: Value): EvalValue | undefined;
  abstract keys(): Iterable<Value>;

  has(key: Value): boolean {
    return this.get(key) !== undefined;
  }
}

/** What map keys compare by: numbers of all kinds by value. Undefined for what cannot be a key. */
export function keyText(key: Value): string | undefined {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'bigint':
      return `n${key.toString()}`;
    case 'boolean':
      return key ? 't' : 'f';
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key).toString()}` : undefined;
    default:
      return key instanceof CelUint ? `n${key.value.toString()}` : undefined;
  }
}

/** A map made by an expression, in order of insertion. */
export class EntryMap extends CelMap {
  readonly entries: Map<string, readonly [Value, Value]>;

  constructor(entries = new Map<string, readonly [Value, Value]>()) {
    super();
    this.entries = entries;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Value): Value | undefined {
    const text = keyText(key);
    return text === undefined ? undefined : this.entries.get(text)?.[1];
  }

  *keys(): IterableIterator<Value> {
    for (const [key] of this.entries.values()) yield key;
  }
}
