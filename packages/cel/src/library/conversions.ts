import type { FunctionDeclaration, Overload } from '../check/declarations.ts';
import { declare, global } from '../check/declarations.ts';
import { scan } from '../cost/call-costs.ts';
import { spend } from '../eval/work.ts';
import type { CelType } from '../types/types.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  intType,
  stringType,
  timestampType,
  typeName,
  typeOf,
  uintType,
} from '../types/types.ts';
import { durationText, parseDuration, parseTimestamp, timestampOf, timestampText } from '../values/time-text.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelDuration, CelError, CelTimestamp, CelTypeValue, CelUint } from '../values/value.ts';
import { maxInt, maxUint, minInt } from './arithmetic.ts';

const second = 1_000_000_000n;
const range = (kind: string): CelError => new CelError(`${kind === 'uint' ? 'unsigned ' : ''}integer overflow`);

function toInt(value: Value): EvalValue {
  if (typeof value === 'bigint') return value;
  if (value instanceof CelUint) return value.value > maxInt ? range('int') : value.value;
  if (typeof value === 'number') {
    return Number.isFinite(value) && value > Number(minInt) && value < Number(maxInt) ? BigInt(Math.trunc(value)) : range('int');
  }
  if (typeof value === 'string') {
    spend(value.length);
    if (!/^[+-]?\d+$/.test(value)) return new CelError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    const parsed = digitsOf(value);
    return parsed > maxInt || parsed < minInt
      ? new CelError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`)
      : parsed;
  }
  if (value instanceof CelTimestamp) return (value.nanos - (((value.nanos % second) + second) % second)) / second;
  return value instanceof CelDuration ? value.nanos : new CelError('no such overload: int');
}

function toUint(value: Value): EvalValue {
  if (value instanceof CelUint) return value;
  if (typeof value === 'bigint') return value < 0n ? range('uint') : new CelUint(value);
  if (typeof value === 'number') {
    return Number.isFinite(value) && value >= 0 && value < Number(maxUint) ? new CelUint(BigInt(Math.trunc(value))) : range('uint');
  }
  const text = value as string;
  if (!/^\d+$/.test(text)) return new CelError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  const parsed = digitsOf(text);
  return parsed > maxUint ? new CelError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`) : new CelUint(parsed);
}

/** An integer; of more digits than any range has, one that is out of every range. */
function digitsOf(text: string): bigint {
  const digits = text.replace(/^[+-]?0*/, '');
  if (digits.length > 20) return text.startsWith('-') ? minInt * 4n : maxUint * 2n;
  return BigInt(text.replace(/^\+/, ''));
}

const specialDoubles: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '+infinity': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
};

function toDouble(value: Value): EvalValue {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelUint) return Number(value.value);
  const text = value as string;
  spend(text.length);
  const special = specialDoubles[text.toLowerCase()];
  if (special !== undefined) return special;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    return new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

/** A double as the shortest text that reads back, exponents as Go's %g writes them. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 21) return plainText(value);
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const magnitude = power.replace(/^[+-]/, '').padStart(2, '0');
  return `${digits}e${power.startsWith('-') ? '-' : '+'}${magnitude}`;
}

function plainText(value: number): string {
  const text = value.toString();
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text;
}

/** The text of `string(x)`; an error for bytes that are no UTF-8. */
export function toText(value: Value): string | CelError {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return doubleText(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return value.toString();
  if (value instanceof CelUint) return value.value.toString();
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof CelDuration) return durationText(value);
  if (value instanceof CelTypeValue) return typeName(value.of);
  if (value instanceof Uint8Array) {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(value);
    return text.includes('�') && !isUtf8(value) ? new CelError('invalid UTF-8 in bytes, cannot convert to string') : text;
  }
  return new CelError('no such overload: string');
}

function isUtf8(bytes: Uint8Array): boolean {
  const again = new TextEncoder().encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  return again.length === bytes.length && again.every((byte, position) => byte === bytes[position]);
}

function toBool(value: Value): EvalValue {
  if (typeof value === 'boolean') return value;
  const text = value as string;
  if (['true', 'True', 'TRUE', 't', '1'].includes(text)) return true;
  if (['false', 'False', 'FALSE', 'f', '0'].includes(text)) return false;
  return new CelError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function conversion(name: string, result: CelType, from: readonly CelType[], run: (value: Value) => EvalValue): FunctionDeclaration {
  const overloads = from.map((type): Overload => {
    const walks = (name === 'string' && type === bytesType) || (name === 'bytes' && type === stringType);
    return global(`${type.kind}_to_${name}`, [type], result, run, walks ? scan(0) : {});
  });
  return declare(name, ...overloads);
}

/** `int(x)`, `string(x)` and so on. */
export const conversionFunctions: readonly FunctionDeclaration[] = [
  conversion('int', intType, [intType, uintType, doubleType, stringType, timestampType, durationType], toInt),
  conversion('uint', uintType, [uintType, intType, doubleType, stringType], toUint),
  conversion('double', doubleType, [doubleType, intType, uintType, stringType], toDouble),
  conversion('bool', boolType, [boolType, stringType], toBool),
  conversion(
    'string',
    stringType,
    [stringType, boolType, intType, uintType, doubleType, bytesType, timestampType, durationType, typeOf(undefined)],
    toText,
  ),
  conversion('bytes', bytesType, [bytesType, stringType], (value) => (typeof value === 'string' ? new TextEncoder().encode(value) : value)),
  conversion('timestamp', timestampType, [timestampType, stringType, intType], (value) => {
    if (typeof value === 'string') return parseTimestamp(value);
    return typeof value === 'bigint' ? timestampOf(value * second) : value;
  }),
  conversion('duration', durationType, [durationType, stringType, intType], (value) => {
    if (typeof value === 'string') return parseDuration(value);
    return typeof value === 'bigint' ? new CelDuration(value) : value;
  }),
];
