import { CelDuration, CelError, CelTimestamp } from './value.ts';

const second = 1_000_000_000n;
const maxInt = 2n ** 63n - 1n;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z. */
const minTimestamp = -62_135_596_800n * second;
const maxTimestamp = 253_402_300_799n * second + 999_999_999n;

/** A timestamp in the range of years 1 to 9999. */
export function timestampOf(nanos: bigint): CelTimestamp | CelError {
  return nanos < minTimestamp || nanos > maxTimestamp ? new CelError('timestamp overflow') : new CelTimestamp(nanos);
}

export function durationOf(nanos: bigint): CelDuration | CelError {
  return nanos < -maxInt - 1n || nanos > maxInt ? new CelError('integer overflow') : new CelDuration(nanos);
}

/** RFC 3339, with nanoseconds. */
export function parseTimestamp(text: string): CelTimestamp | CelError {
  const match = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const bad = new CelError(`invalid timestamp ${JSON.stringify(text)}`);
  if (match === null) return bad;
  const part = (index: number): number => Number(match[index]);
  const [year, month, day] = [part(1), part(2), part(3)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(part(4), part(5), part(6));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || part(4) > 23 || part(5) > 59 || part(6) > 59) return bad;
  const zone = match[8] ?? 'Z';
  const offset = /^[Zz]$/.test(zone) ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const seconds = BigInt(date.getTime() / 1000 - offset * 60);
  return timestampOf(seconds * second + BigInt((match[7] ?? '').padEnd(9, '0').slice(0, 9)));
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};

/** `1h30m`, `-1.5s`, `0`, as Go reads durations. */
export function parseDuration(text: string): CelDuration | CelError {
  const bad = new CelError(`time: invalid duration ${JSON.stringify(text)}`);
  const signed = /^([+-]?)(.*)$/s.exec(text);
  const body = signed?.[2] ?? '';
  if (body === '0') return new CelDuration(0n);
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body) || body.length > 200) return bad;
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = 's'] of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = units[unit] ?? 1n;
    nanos += BigInt(whole === '' ? 0 : whole) * scale;
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const total = signed?.[1] === '-' ? -nanos : nanos;
  return total > maxInt || total < -maxInt - 1n ? bad : new CelDuration(total);
}

function fractionText(nanos: bigint): string {
  const digits = nanos.toString().padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

/** RFC 3339 in UTC with as many fraction digits as needed. */
export function timestampText(value: CelTimestamp): string {
  const fraction = ((value.nanos % second) + second) % second;
  const date = new Date(Number((value.nanos - fraction) / second) * 1000);
  return `${date.toISOString().slice(0, 19)}${fractionText(fraction)}Z`;
}

/** Seconds with `s`: `5400s`, `1.5s`. */
export function durationText(value: CelDuration): string {
  const nanos = value.nanos < 0n ? -value.nanos : value.nanos;
  return `${value.nanos < 0n ? '-' : ''}${(nanos / second).toString()}${fractionText(nanos % second)}s`;
}
