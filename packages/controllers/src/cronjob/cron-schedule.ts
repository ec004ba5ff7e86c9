import type { TimeZone } from './time-zone.ts';

/** When something is to happen again and again. */
export interface Schedule {
  /** The first time after `afterMs`, in whole seconds; undefined when there is none within five years. */
  next(afterMs: number): number | undefined;
}

interface FieldRange {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`, so that it leaves the choice to the other day field. */
  readonly isAny: boolean;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const ranges: readonly FieldRange[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** What is wrong with a schedule, as a person should read it. */
export class ScheduleError extends Error {}

/** Reads a schedule of five fields, a descriptor such as `@daily`, or `@every 1h30m`. Throws `ScheduleError`. */
export function parseSchedule(text: string, zone: TimeZone): Schedule {
  if (/(^|\s)(CRON_)?TZ=/.test(text)) throw new ScheduleError('TZ and CRON_TZ are not supported; use the timeZone field');
  if (text.startsWith('@every ')) return every(durationMs(text.slice('@every '.length)));
  const fields = (descriptors[text] ?? text).trim().split(/\s+/);
  if (text.startsWith('@') && descriptors[text] === undefined) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  if (fields.length !== ranges.length)
    throw new ScheduleError(`expected exactly 5 fields, found ${String(fields.length)}: [${fields.join(' ')}]`);
  const [minutes, hours, days, monthsOf, weekdaysOf] = ranges.map((range, index) => parseField(fields[index] ?? '', range));
  return new FieldSchedule({ minutes, hours, days, months: monthsOf, weekdays: weekdaysOf } as Fields, zone);
}

function every(intervalMs: number): Schedule {
  // Shorter intervals are rounded up and all to whole seconds.
  const roundedMs = Math.max(1000, intervalMs - (intervalMs % 1000));
  return { next: (afterMs) => afterMs - (afterMs % 1000) + roundedMs };
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

function durationMs(text: string): number {
  if (!/^\+?(\d+(\.\d*)?(h|ms|m|s|us|µs|ns))+$/.test(text)) throw new ScheduleError(`failed to parse duration @every ${text}`);
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)) total += Number(amount) * (unitMs[unit] ?? 0);
  return total;
}

function parseField(text: string, range: FieldRange): Field {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',').filter(Boolean)) {
    const [span = '', stepText, ...more] = part.split('/');
    const [lowText = '', highText, ...rest] = span.split('-');
    if (more.length > 0 || rest.length > 0) throw new ScheduleError(`too many slashes or hyphens: ${part}`);
    const step = stepText === undefined ? 1 : wholeNumber(stepText);
    if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${part}`);
    const any = lowText === '*' || lowText === '?';
    const low = any ? range.min : valueOf(lowText, range);
    const openEnd = any || (highText === undefined && stepText !== undefined);
    const high = highText !== undefined && !any ? valueOf(highText, range) : openEnd ? range.max : low;
    if (low < range.min) throw new ScheduleError(`beginning of range (${String(low)}) below minimum (${String(range.min)}): ${part}`);
    if (high > range.max) throw new ScheduleError(`end of range (${String(high)}) above maximum (${String(range.max)}): ${part}`);
    if (low > high) throw new ScheduleError(`beginning of range (${String(low)}) beyond end of range (${String(high)}): ${part}`);
    for (let value = low; value <= high; value += step) values.add(value);
    isAny ||= any && step === 1;
  }
  if (values.size === 0) throw new ScheduleError(`empty field: ${text}`);
  return { values, isAny };
}

function valueOf(text: string, range: FieldRange): number {
  const named = range.names.indexOf(text.toLowerCase());
  return named >= 0 ? named + range.min : wholeNumber(text);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new ScheduleError(`failed to parse int from ${text}`);
  return Number(text);
}

type Fields = Readonly<Record<'minutes' | 'hours' | 'days' | 'months' | 'weekdays', Field>>;

const minuteMs = 60_000;
const maxYears = 5;

class FieldSchedule implements Schedule {
  readonly #fields: Fields;
  readonly #zone: TimeZone;

  constructor(fields: Fields, zone: TimeZone) {
    this.#fields = fields;
    this.#zone = zone;
  }

  next(afterMs: number): number | undefined {
    const { minutes, hours, months: inMonths } = this.#fields;
    let ms = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
    const lastYear = this.#zone.wallTime(ms).year + maxYears;
    for (;;) {
      const { year, month, day, hour, minute, weekday } = this.#zone.wallTime(ms);
      if (year > lastYear) return undefined;
      if (!inMonths.values.has(month)) ms = this.#zone.momentOf(month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1, 1);
      else if (!this.#matchesDay(day, weekday)) {
        const tomorrow = new Date(Date.UTC(year, month - 1, day + 1));
        ms = this.#zone.momentOf(tomorrow.getUTCFullYear(), tomorrow.getUTCMonth() + 1, tomorrow.getUTCDate());
      } else if (!hours.values.has(hour)) ms += (60 - minute) * minuteMs;
      else if (!minutes.values.has(minute)) ms += minuteMs;
      else return ms;
    }
  }

  /** Either day field is enough, unless one of them leaves the choice to the other. */
  #matchesDay(day: number, weekday: number): boolean {
    const { days, weekdays: onWeekdays } = this.#fields;
    const [byDay, byWeekday] = [days.values.has(day), onWeekdays.values.has(weekday)];
    return days.isAny || onWeekdays.isAny ? byDay && byWeekday : byDay || byWeekday;
  }
}
