/** What a clock on the wall shows. `month` is 1 to 12, `weekday` 0 (Sunday) to 6. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly weekday: number;
}

/** Local time of a zone of the IANA database. */
export interface TimeZone {
  readonly name: string;
  wallTime(ms: number): WallTime;
  /** The first moment at which the wall shows at least this; where clocks jump over it, the moment after the jump. */
  momentOf(year: number, month: number, day: number): number;
}

const cache = new Map<string, TimeZone>();

/** The zone of this name, or undefined when there is none. Without a name that of this machine. */
export function findTimeZone(name?: string): TimeZone | undefined {
  const known = name ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const before = cache.get(known);
  if (before !== undefined) return before;
  // `Local` would be the server's own zone by another name, which the API refuses.
  if (known === '' || known === 'Local' || /^[+-]/.test(known)) return undefined;
  try {
    const zone = makeZone(known);
    cache.set(known, zone);
    return zone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function makeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsetMs = (ms: number): number => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  };
  return {
    name,
    wallTime(ms) {
      const wall = new Date(ms + offsetMs(ms));
      return {
        year: wall.getUTCFullYear(),
        month: wall.getUTCMonth() + 1,
        day: wall.getUTCDate(),
        hour: wall.getUTCHours(),
        minute: wall.getUTCMinutes(),
        weekday: wall.getUTCDay(),
      };
    },
    momentOf(year, month, day) {
      const wanted = Date.UTC(year, month - 1, day);
      // The offset an hour or so before and after differ where clocks change: the later moment is past the jump.
      const first = wanted - offsetMs(wanted);
      const second = wanted - offsetMs(first);
      return second + offsetMs(second) === wanted ? second : Math.max(first, second);
    },
  };
}
