import type { Value } from '../values/value.ts';
import { CelDuration, CelError, CelList, CelMap, CelTimestamp, CelTypeValue, CelUint, BudgetExceeded } from '../values/value.ts';
import { runtimeType } from '../values/fits.ts';
import { typeName } from '../types/types.ts';
import { maxMade } from './arithmetic.ts';
import { toText } from './conversions.ts';

type Formatted = string | CelError;
const maxPrecision = 1000;

const failure = (clause: string, allowed: string, value: Value): CelError =>
  new CelError(`error during formatting: ${clause} clause can only be used on ${allowed}, was given ${typeName(runtimeType(value))}`);

/** A value inside a list or map: strings quoted, doubles with six digits. */
function nested(value: Value): Formatted {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return JSON.stringify(Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf');
    return value.toFixed(6);
  }
  if (value instanceof Uint8Array) {
    const text = toText(value);
    return text instanceof CelError ? text : `b${JSON.stringify(text)}`;
  }
  const text = formatString(value);
  if (text instanceof CelError) return text;
  if (value instanceof CelTimestamp) return `timestamp(${JSON.stringify(text)})`;
  return value instanceof CelDuration ? `duration(${JSON.stringify(text)})` : text;
}

function formatList(list: CelList): Formatted {
  const parts: string[] = [];
  for (const item of list) {
    const text = nested(item);
    if (text instanceof CelError) return text;
    parts.push(text);
  }
  return `[${parts.join(', ')}]`;
}

function formatMap(map: CelMap): Formatted {
  const parts: (readonly [string, string])[] = [];
  for (const key of map.keys()) {
    const held = map.get(key) ?? null;
    const name = typeof key === 'string' ? JSON.stringify(key) : toText(key);
    const text = held instanceof CelError ? held : nested(held);
    if (name instanceof CelError) return name;
    if (text instanceof CelError) return text;
    parts.push([name, text]);
  }
  parts.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${parts.map(([name, text]) => `${name}:${text}`).join(', ')}}`;
}

function formatString(value: Value): Formatted {
  if (value === null) return 'null';
  if (value instanceof CelList) return formatList(value);
  if (value instanceof CelMap) return formatMap(value);
  const basic = typeof value !== 'object' || value instanceof Uint8Array || value instanceof CelUint || value instanceof CelTimestamp;
  if (basic || value instanceof CelDuration || value instanceof CelTypeValue) return toText(value);
  return failure('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value);
}

const integerOf = (value: Value): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof CelUint ? value.value : undefined;

function floating(value: Value, clause: string, make: (value: number) => string): Formatted {
  const specials: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity };
  const number = typeof value === 'string' ? specials[value] : value;
  if (typeof number !== 'number') return failure(clause, 'doubles', value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '-∞';
  return make(number);
}

function fixedPoint(value: number, precision: number): string {
  const [whole = '', fraction] = toFixed(value, precision).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** JavaScript's toFixed stops at 100 digits and at 1e21. */
function toFixed(value: number, precision: number): string {
  const shown = Math.abs(value) >= 1e21 ? BigInt(value).toString() : rounded(value, Math.min(precision, 100));
  if (Math.abs(value) >= 1e21) return precision === 0 ? shown : `${shown}.${'0'.repeat(precision)}`;
  return precision > 100 ? shown + '0'.repeat(precision - 100) : shown;
}

/** Go rounds halves to the even digit, JavaScript away from zero. */
function rounded(value: number, precision: number): string {
  const shown = value.toFixed(precision);
  const [, digits = ''] = value.toFixed(100).split('.');
  if (!/^50*$/.test(digits.slice(precision)) || !/[13579]$/.test(shown)) return shown;
  const step = 10 ** -precision;
  return (value - (Math.sign(value) * step) / 2).toFixed(precision);
}

const raised = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** `3.140000×10⁰⁰` */
function scientific(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(Math.min(precision, 100)).split('e');
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  const shown = [...digits].map((digit) => raised[Number(digit)] ?? '').join('');
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${shown}`;
}

function inRadix(value: Value, radix: number, clause: string, allowed: string): Formatted {
  if (typeof value === 'boolean' && radix === 2) return value ? '1' : '0';
  const integer = integerOf(value);
  return integer === undefined ? failure(clause, allowed, value) : integer.toString(radix);
}

function hexadecimal(value: Value): Formatted {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (bytes instanceof Uint8Array) return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return inRadix(value, 16, 'hex', 'integers, byte buffers, and strings');
}

function formatOne(verb: string, precision: number, value: Value): Formatted {
  switch (verb) {
    case 's':
      return formatString(value);
    case 'd': {
      const integer = integerOf(value);
      return integer === undefined ? failure('decimal', 'integers', value) : integer.toString();
    }
    case 'f':
      return floating(value, 'fixed-point', (number) => fixedPoint(number, precision));
    case 'e':
      return floating(value, 'scientific', (number) => scientific(number, precision));
    case 'b':
      return inRadix(value, 2, 'binary', 'integers and bools');
    case 'o':
      return inRadix(value, 8, 'octal', 'integers');
    case 'x':
      return hexadecimal(value);
    case 'X': {
      const text = hexadecimal(value);
      return text instanceof CelError ? text : text.toUpperCase();
    }
    default:
      return new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`);
  }
}

/** `text.format(args)` */
export function formatText(text: string, args: CelList): Formatted {
  let out = '';
  let used = 0;
  for (let at = 0; at < text.length;) {
    if (text[at] !== '%') {
      const next = text.indexOf('%', at);
      const end = next < 0 ? text.length : next;
      out += text.slice(at, end);
      at = end;
      continue;
    }
    const clause = /^%(?:(%)|(?:\.(\d+))?(.))/su.exec(text.slice(at, at + 16));
    if (clause === null) return new CelError('unexpected end of string');
    at += clause[0].length;
    if (clause[1] !== undefined) {
      out += '%';
      continue;
    }
    if (used >= args.size) return new CelError(`index ${used.toString()} out of range`);
    const precision = clause[2] === undefined ? 6 : Number(clause[2]);
    if (precision > maxPrecision)
      return new CelError(`precision ${precision.toString()} exceeds maximum allowed precision ${maxPrecision.toString()}`);
    const formatted = formatOne(clause[3] ?? '', precision, args.at(used));
    if (formatted instanceof CelError) return formatted;
    out += formatted;
    if (out.length > maxMade) throw new BudgetExceeded();
    used += 1;
  }
  return out;
}
