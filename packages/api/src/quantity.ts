import { badRequest } from './errors/constructors.ts';

/** How a quantity is written: decimal suffixes (`m`, `k`, `M`), binary ones (`Ki`, `Mi`) or an exponent (`1e3`). */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

// A quantity holds at least nano precision, so a whole number of nanos is exact for every legal value.
const nanosPerUnit = 1_000_000_000n;
const pattern = /^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/;
const decimalPower: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryPower: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
// Kubernetes caps what it stores at 2^63-1 units; larger input is clamped, not refused.
const maxNanos = (2n ** 63n - 1n) * nanosPerUnit;

/** An amount of a resource, exact to the nano. Immutable. */
export class Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat) {
    this.nanos = nanos > maxNanos ? maxNanos : nanos < -maxNanos ? -maxNanos : nanos;
    this.format = format;
  }

  static ofMilli(milli: number): Quantity {
    return new Quantity(BigInt(Math.ceil(milli)) * 1_000_000n, 'DecimalSI');
  }

  static ofBytes(bytes: number): Quantity {
    return new Quantity(BigInt(Math.ceil(bytes)) * nanosPerUnit, 'BinarySI');
  }

  static ofCount(count: number): Quantity {
    return new Quantity(BigInt(Math.ceil(count)) * nanosPerUnit, 'DecimalSI');
  }

  /** The sum, in this quantity's format unless this is zero. */
  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.nanos === 0n ? other.format : this.format);
  }

  /** -1, 0 or 1. */
  compare(other: Quantity): -1 | 0 | 1 {
    if (this.nanos === other.nanos) return 0;
    return this.nanos < other.nanos ? -1 : 1;
  }

  isZero(): boolean {
    return this.nanos === 0n;
  }

  /** Thousandths, rounded up; exact up to 2^53. */
  toMilli(): number {
    return Number(ceilDivide(this.nanos, 1_000_000n));
  }

  /** Whole units (bytes, pods), rounded up; exact up to 2^53. */
  toUnits(): number {
    return Number(ceilDivide(this.nanos, nanosPerUnit));
  }

  /** The canonical text: the largest suffix that leaves no fraction. */
  toString(): string {
    if (this.nanos === 0n) return '0';
    if (this.format === 'BinarySI') {
      const magnitude = this.nanos < 0n ? -this.nanos : this.nanos;
      // Below 1Ki, or with a fraction, binary suffixes cannot express it.
      if (magnitude >= 1024n * nanosPerUnit && magnitude % nanosPerUnit === 0n) return binaryText(this.nanos / nanosPerUnit);
    }
    return decimalText(this.nanos, this.format === 'DecimalExponent');
  }

  toJSON(): string {
    return this.toString();
  }
}

function ceilDivide(value: bigint, by: bigint): bigint {
  const whole = value / by;
  return value > 0n && value % by !== 0n ? whole + 1n : whole;
}

function binaryText(units: bigint): string {
  let rest = units;
  let suffix = '';
  for (const next of ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']) {
    if (rest % 1024n !== 0n) break;
    rest /= 1024n;
    suffix = next;
  }
  return `${rest.toString()}${suffix}`;
}

function decimalText(nanos: bigint, exponent: boolean): string {
  const suffixes = exponent
    ? ['e-9', 'e-6', 'e-3', '', 'e3', 'e6', 'e9', 'e12', 'e15', 'e18']
    : ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
  let rest = nanos;
  let at = 0;
  while (at < suffixes.length - 1 && rest % 1000n === 0n) {
    rest /= 1000n;
    at++;
  }
  return `${rest.toString()}${suffixes[at] ?? ''}`;
}

/** Few different amounts are written, and each of them often. */
const parsedBefore = new Map<string, Quantity>();
const maxRemembered = 1024;
const maxRememberedLength = 24;

function tryParse(text: string): Quantity | undefined {
  const known = parsedBefore.get(text);
  if (known !== undefined) return known;
  const parsed = parse(text);
  if (parsed === undefined || text.length > maxRememberedLength) return parsed;
  if (parsedBefore.size >= maxRemembered) parsedBefore.clear();
  parsedBefore.set(text, parsed);
  return parsed;
}

function parse(text: string): Quantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign = '', number = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = number.split('.');
  let format: QuantityFormat = 'DecimalSI';
  let nanos: bigint;
  const digits = BigInt(`${whole}${fraction}` || '0');
  const binary = binaryPower[suffix];
  if (binary !== undefined) {
    format = 'BinarySI';
    nanos = scaleUp(digits * 2n ** BigInt(binary), 9 - fraction.length);
  } else {
    let power = decimalPower[suffix];
    if (power === undefined) {
      format = 'DecimalExponent';
      power = Number(suffix.slice(1));
      if (Math.abs(power) > 400) return undefined;
    }
    nanos = scaleUp(digits, 9 + power - fraction.length);
  }
  return new Quantity(sign === '-' ? -nanos : nanos, format);
}

/** `digits` times ten to the `power`, rounded away from zero: Kubernetes rounds up what it cannot hold. */
function scaleUp(digits: bigint, power: number): bigint {
  return power >= 0 ? digits * 10n ** BigInt(power) : ceilDivide(digits, 10n ** BigInt(-power));
}

export const quantityFault = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/**
 * Parses a quantity; a JSON number is read as its text.
 * @throws StatusError BadRequest with Kubernetes' text when it is not one.
 */
export function parseQuantity(text: string | number): Quantity {
  const parsed = tryParse(String(text));
  if (parsed === undefined) throw badRequest(quantityFault);
  return parsed;
}

export function isQuantity(value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'number') && tryParse(String(value)) !== undefined;
}

/** The canonical text, or the input itself when it is no quantity (validation will say so). */
export function canonicalQuantity(text: string | number): string {
  const plain = String(text);
  // Most values in the wild are canonical already: one to three digits and a suffix.
  if (/^(0|[1-9]\d{0,2}m?)$/.test(plain)) return plain;
  return tryParse(plain)?.toString() ?? plain;
}

/** Thousandths of a unit, rounded up: CPU. `undefined` is 0. @throws StatusError BadRequest */
export function milliOf(text: string | number | undefined): number {
  if (text === undefined) return 0;
  if (typeof text === 'string') {
    // The fast path: digits, perhaps with an m.
    const milli = text.charCodeAt(text.length - 1) === 109;
    const value = plainInteger(text, milli ? text.length - 1 : text.length);
    if (value >= 0) return milli ? value : value * 1000;
  }
  return parseQuantity(text).toMilli();
}

const unitBytes: Readonly<Record<string, number>> = { Ki: 1024, Mi: 1_048_576, Gi: 1_073_741_824 };

/** Whole units, rounded up: bytes of memory or disk, counts. `undefined` is 0. @throws StatusError BadRequest */
export function unitsOf(text: string | number | undefined): number {
  if (text === undefined) return 0;
  if (typeof text === 'string') {
    const factor = unitBytes[text.slice(-2)];
    const value = plainInteger(text, factor === undefined ? text.length : text.length - 2);
    if (value >= 0) return value * (factor ?? 1);
  }
  return parseQuantity(text).toUnits();
}

/** The digits of `text` up to `end` as a number, or -1 when there is anything else or too many of them. */
function plainInteger(text: string, end: number): number {
  if (end === 0 || end > 9) return -1;
  let value = 0;
  for (let at = 0; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** `250m`, `2`. */
export function formatMilli(milli: number): string {
  return Quantity.ofMilli(milli).toString();
}

/** `64Mi`, `1000`. */
export function formatBytes(bytes: number): string {
  return Quantity.ofBytes(bytes).toString();
}
