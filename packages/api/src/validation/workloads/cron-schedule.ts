interface Part {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const parts: readonly Part[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];
const shorthands = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

function numberOf(text: string, part: Part): number | undefined {
  const named = part.names.indexOf(text.toLowerCase());
  if (named >= 0) return named + part.min;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function partFault(text: string, part: Part): string | undefined {
  const match = /^(\*|\?|[^-/]+(?:-[^-/]+)?)(?:\/(\d+))?$/.exec(text);
  if (match === null) return `failed to parse int from ${text}`;
  const [, range = '', step] = match;
  if (step === '0') return `step of range should be a positive number: ${text}`;
  if (range === '*' || range === '?') return undefined;
  const [low = '', high = low] = range.split('-');
  const from = numberOf(low, part);
  const to = numberOf(high, part);
  if (from === undefined) return `failed to parse int from ${low}`;
  if (to === undefined) return `failed to parse int from ${high}`;
  if (from < part.min) return `beginning of range (${from.toString()}) below minimum (${part.min.toString()}): ${text}`;
  if (to > part.max) return `end of range (${to.toString()}) above maximum (${part.max.toString()}): ${text}`;
  return from > to ? `beginning of range (${from.toString()}) beyond end of range (${to.toString()}): ${text}` : undefined;
}

/** Why a text is no five-field cron schedule or shorthand; undefined when it is one. */
export function scheduleFault(schedule: string): string | undefined {
  if (schedule.includes('TZ')) return 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
  if (schedule.startsWith('@')) {
    return shorthands.has(schedule) || /^@every \S+$/.test(schedule) ? undefined : `unrecognized descriptor: ${schedule}`;
  }
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== parts.length) return `expected exactly 5 fields, found ${fields.length.toString()}: [${fields.join(' ')}]`;
  for (const [at, part] of parts.entries()) {
    for (const piece of (fields[at] ?? '').split(',')) {
      const fault = partFault(piece, part);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}
