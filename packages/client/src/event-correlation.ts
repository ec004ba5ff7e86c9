/** One thing to report, before it is decided whether and how. */
export interface Occurrence {
  /** Identifies the object (kind, namespace, name, uid, field path). */
  readonly objectKey: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly nowMs: number;
}

/** What is remembered of an Event that was written, to raise its count instead of writing it again. */
export interface EventSeries {
  name: string | undefined;
  count: number;
  firstMs: number;
}

export interface Verdict {
  /** May differ from the occurrence's own: many similar ones are combined. */
  readonly message: string;
  readonly series: EventSeries;
}

/** Similar occurrences within the window before they are combined into one Event. */
const maxSimilar = 10;
const similarWindowMs = 600_000;
/** Events of one object at once, and how long one more takes to be allowed. */
const burst = 25;
const refillMs = 300_000;
/** Entries of each table; the least recently used go first. */
const maxEntries = 4096;

/** A map that forgets what was not used for longest. */
class RecentMap<V> {
  readonly #entries = new Map<string, V>();

  use(key: string, make: () => V): V {
    const value = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > maxEntries) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return value;
  }
}

/**
 * Decides, as Kubernetes' recorders do, whether an occurrence is written: an object that reports too much is
 * cut, the same text raises a count, and many texts for one reason are combined.
 */
export class EventCorrelator {
  readonly #buckets = new RecentMap<{ fullMs: number }>();
  readonly #similar = new RecentMap<{ readonly messages: Set<string>; lastMs: number }>();
  readonly #series = new RecentMap<EventSeries>();

  /** Undefined when the occurrence is to be dropped. Raises the count of the series otherwise. */
  correlate(occurrence: Occurrence): Verdict | undefined {
    const { objectKey, type, reason, nowMs } = occurrence;
    const groupKey = `${objectKey}\0${type}\0${reason}`;
    const similar = this.#similar.use(groupKey, () => ({ messages: new Set(), lastMs: nowMs }));
    if (nowMs - similar.lastMs > similarWindowMs) similar.messages.clear();
    similar.lastMs = nowMs;
    let message = occurrence.message;
    let seriesKey = `${groupKey}\0${message}`;
    if (similar.messages.has(message) || similar.messages.size < maxSimilar - 1) similar.messages.add(message);
    else {
      message = `(combined from similar events): ${message}`;
      seriesKey = groupKey;
    }
    const bucket = this.#buckets.use(objectKey, () => ({ fullMs: 0 }));
    const fullMs = Math.max(bucket.fullMs, nowMs) + refillMs;
    if (fullMs - nowMs > burst * refillMs) return undefined;
    bucket.fullMs = fullMs;
    const series = this.#series.use(seriesKey, () => ({ name: undefined, count: 0, firstMs: nowMs }));
    series.count++;
    return { message, series };
  }
}
