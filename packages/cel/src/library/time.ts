import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, member } from '../check/declarations.ts';
import { durationType, intType, stringType, timestampType } from '../types/types.ts';
import type { EvalValue, Value, CelDuration, CelTimestamp } from '../values/value.ts';
import { CelError } from '../values/value.ts';

const second = 1_000_000_000n;
const dayMs = 86_400_000;

/** Milliseconds since 1970 on the wall clock of a zone: `Europe/Paris`, `UTC`, `+02:00`, `-3:30`. */
function wallClock(at: CelTimestamp, zone: string): number | CelError {
  const fraction = ((at.nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const utc = Number((at.nanos - fraction) / 1_000_000n);
  if (zone === '' || zone === 'UTC') return utc;
  const fixed = /^([+-]?)(\d{1,2}):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const offset = Number(fixed[2]) * 60 + Number(fixed[3]);
    return utc + (fixed[1] === '-' ? -offset : offset) * 60_000;
  }
  return namedZone(utc, zone);
}

function namedZone(utc: number, zone: string): number | CelError {
  let parts: Intl.DateTimeFormatPart[];
  try {
    const options = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', era: 'short', ...options }).formatToParts(new Date(utc));
  } catch (error) {
    if (error instanceof RangeError) return new CelError(`unknown time zone ${zone}`);
    throw error;
  }
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  date.setUTCHours(part('hour'), part('minute'), part('second'), ((utc % 1000) + 1000) % 1000);
  return date.getTime();
}

function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / dayMs);
}

function ofTimestamp(read: (date: Date) => number): (at: Value, zone?: Value) => EvalValue {
  return (at, zone) => {
    const wall = wallClock(at as CelTimestamp, typeof zone === 'string' ? zone : '');
    return wall instanceof CelError ? wall : BigInt(read(new Date(wall)));
  };
}

function accessor(name: string, id: string, read: (date: Date) => number, ofDuration?: (nanos: bigint) => bigint): FunctionDeclaration {
  const run = ofTimestamp(read);
  const overloads = [
    member(`timestamp_to_${id}`, [timestampType], intType, run),
    member(`timestamp_to_${id}_with_tz`, [timestampType, stringType], intType, run),
  ];
  if (ofDuration !== undefined) {
    overloads.push(member(`duration_to_${id}`, [durationType], intType, (value) => ofDuration((value as CelDuration).nanos)));
  }
  return declare(name, ...overloads);
}

/** Parts of timestamps and durations. */
export const timeFunctions: readonly FunctionDeclaration[] = [
  accessor('getFullYear', 'year', (date) => date.getUTCFullYear()),
  accessor('getMonth', 'month', (date) => date.getUTCMonth()),
  accessor('getDayOfYear', 'day_of_year', dayOfYear),
  accessor('getDayOfMonth', 'day_of_month', (date) => date.getUTCDate() - 1),
  accessor('getDate', 'day_of_month_1_based', (date) => date.getUTCDate()),
  accessor('getDayOfWeek', 'day_of_week', (date) => date.getUTCDay()),
  accessor(
    'getHours',
    'hours',
    (date) => date.getUTCHours(),
    (nanos) => nanos / (3600n * second),
  ),
  accessor(
    'getMinutes',
    'minutes',
    (date) => date.getUTCMinutes(),
    (nanos) => nanos / (60n * second),
  ),
  accessor(
    'getSeconds',
    'seconds',
    (date) => date.getUTCSeconds(),
    (nanos) => nanos / second,
  ),
  accessor(
    'getMilliseconds',
    'milliseconds',
    (date) => date.getUTCMilliseconds(),
    (nanos) => (nanos / 1_000_000n) % 1000n,
  ),
];
