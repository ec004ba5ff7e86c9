import { compactedError } from '../limits.ts';
import type { StoreError } from '../store-error.ts';
import type { Revision, StoreEvent, WatchBatch, WatchOptions } from '../store.ts';

/** Where a feed finds events that have left its memory. */
export interface EventHistory {
  /** A watch must not start before this revision, even if memory still has the events. */
  readonly compacted: Revision;
  /**
   * Yields the events of `prefix` after `after`, in order, in batches that say how far they reach,
   * at least up to `until`. Throws `compacted` when some are gone.
   */
  replay(prefix: string, after: Revision, until: Revision, signal: AbortSignal): AsyncIterable<WatchBatch>;
}

export interface EventFeedOptions {
  readonly history: EventHistory;
  /** Everything up to here is found in history only. */
  readonly start: Revision;
  /** The most events, and bytes of their values, kept in memory for watchers that lag. */
  readonly maxEvents?: number;
  readonly maxBytes?: number;
}

interface Waiter {
  /** Without a result the consumer looks again for itself. */
  resolve(result?: IteratorResult<WatchBatch, undefined>): void;
  reject(error: StoreError): void;
}

interface Cursor {
  readonly prefix: string;
  /** Every event up to here has been handed to the consumer, or is not of its prefix. */
  after: Revision;
  /** The revision of the last batch that the consumer saw. */
  reported: Revision;
  /** The consumer wants a batch, even an empty one, that reaches this revision. */
  wanted: Revision;
  waiter: Waiter | undefined;
}

const done = { done: true, value: undefined } as const;
const maxBatchEvents = 1000;

/**
 * Hands published events to any number of watchers. A watcher is a cursor, not a queue: one that
 * waits gets an event directly, one that lags a little finds it in the ring of recent events, and
 * one that lags more reads history. Memory is bounded by the ring, whatever consumers do.
 */
export class EventFeed {
  readonly #history: EventHistory;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #cursors = new Set<Cursor>();
  readonly #closing = new AbortController();
  #ring: StoreEvent[] = [];
  #ringBytes = 0;
  /** Events after this revision are in the ring. */
  #ringAfter: Revision;
  #revision: Revision;
  #failure: StoreError | undefined;

  constructor(options: EventFeedOptions) {
    this.#history = options.history;
    this.#maxEvents = options.maxEvents ?? 2000;
    this.#maxBytes = options.maxBytes ?? 2 * 1024 * 1024;
    this.#ringAfter = options.start;
    this.#revision = options.start;
  }

  /** The newest revision that was published. */
  get revision(): Revision {
    return this.#revision;
  }

  get watchers(): number {
    return this.#cursors.size;
  }

  /** Adds `events`, in order and newer than all before, after which the store is at `revision`. */
  publish(events: readonly StoreEvent[], revision: Revision): void {
    if (revision < this.#revision) throw new Error(`Published revision ${String(revision)} after ${String(this.#revision)}`);
    this.#revision = revision;
    for (const event of events) {
      this.#ring.push(event);
      this.#ringBytes += sizeOf(event);
    }
    this.#trim();
    for (const cursor of this.#cursors) {
      if (cursor.waiter === undefined || cursor.after >= revision) continue;
      const matching = events.filter((event) => event.revision > cursor.after && event.key.startsWith(cursor.prefix));
      cursor.after = revision;
      if (matching.length > 0 || (cursor.wanted > cursor.reported && revision >= cursor.wanted))
        this.#deliver(cursor, { events: matching, revision });
    }
  }

  /** The store is at `revision`: whoever wants the events since the last one finds them in history. */
  skip(revision: Revision): void {
    this.#revision = revision;
    this.#ringAfter = revision;
    this.#ring = [];
    this.#ringBytes = 0;
    for (const cursor of this.#cursors) {
      const waiter = cursor.waiter;
      cursor.waiter = undefined;
      waiter?.resolve();
    }
  }

  /** Makes every watcher report a batch that reaches `revision`, once that has been published. */
  requestProgress(revision: Revision): void {
    for (const cursor of this.#cursors) {
      cursor.wanted = revision;
      if (cursor.waiter !== undefined && cursor.after >= revision && cursor.reported < revision)
        this.#deliver(cursor, { events: [], revision: cursor.after });
    }
  }

  watch(options: WatchOptions): AsyncIterableIterator<WatchBatch> {
    const cursor: Cursor = {
      prefix: options.prefix,
      after: options.after,
      reported: options.after,
      wanted: 0 as Revision,
      waiter: undefined,
    };
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closing.signal]);
    let replay: AsyncIterator<WatchBatch> | undefined;

    const end = (): void => {
      this.#cursors.delete(cursor);
      options.signal?.removeEventListener('abort', end);
      if (!stop.signal.aborted) stop.abort();
      const waiter = cursor.waiter;
      cursor.waiter = undefined;
      waiter?.resolve(done);
    };
    const refusal = options.after < this.#history.compacted ? compactedError(options.after, this.#history.compacted) : undefined;
    if (options.signal?.aborted) stop.abort();
    else if (refusal === undefined) {
      options.signal?.addEventListener('abort', end, { once: true });
      this.#cursors.add(cursor);
    }

    const next = async (): Promise<IteratorResult<WatchBatch, undefined>> => {
      for (;;) {
        if (stop.signal.aborted) return done;
        if (this.#failure !== undefined) throw this.#failure;
        if (refusal !== undefined) throw refusal;
        if (cursor.after < this.#ringAfter) {
          replay ??= this.#history.replay(cursor.prefix, cursor.after, this.#revision, signal)[Symbol.asyncIterator]();
          const step = await replay.next();
          if (step.done) {
            replay = undefined;
            continue;
          }
          cursor.after = step.value.revision > cursor.after ? step.value.revision : cursor.after;
          if (step.value.events.length === 0) continue;
          cursor.reported = cursor.after;
          return { done: false, value: { events: step.value.events, revision: cursor.after } };
        }
        if (replay !== undefined) {
          const finished = replay;
          replay = undefined;
          await finished.return?.();
          continue;
        }
        const batch = this.#recent(cursor);
        if (batch !== undefined) return { done: false, value: batch };
        const delivered = await new Promise<IteratorResult<WatchBatch, undefined> | undefined>((resolve, reject) => {
          cursor.waiter = { resolve, reject };
        });
        if (delivered !== undefined) return delivered;
      }
    };
    const iterator: AsyncIterableIterator<WatchBatch> = {
      next: async () => {
        if (cursor.waiter !== undefined) throw new Error('A watch has one consumer: next() was called before the last call settled');
        try {
          return await next();
        } catch (error) {
          if (stop.signal.aborted) return done;
          end();
          throw error;
        }
      },
      return: async () => {
        end();
        const unfinished = replay;
        replay = undefined;
        await unfinished?.return?.();
        return done;
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Ends every watch, present and future, with `error`. */
  close(error: StoreError): void {
    this.#failure ??= error;
    this.#closing.abort();
    for (const cursor of this.#cursors) {
      const waiter = cursor.waiter;
      cursor.waiter = undefined;
      waiter?.reject(this.#failure);
    }
    this.#cursors.clear();
    this.#ring = [];
  }

  #deliver(cursor: Cursor, batch: WatchBatch): void {
    const waiter = cursor.waiter;
    cursor.waiter = undefined;
    cursor.reported = batch.revision;
    waiter?.resolve({ done: false, value: batch });
  }

  /** The next batch from the ring; undefined when the consumer has to wait. */
  #recent(cursor: Cursor): WatchBatch | undefined {
    const matching: StoreEvent[] = [];
    let reached: Revision = this.#revision > cursor.after ? this.#revision : cursor.after;
    for (let index = this.#firstAfter(cursor.after); index < this.#ring.length; index += 1) {
      const event = this.#ring[index];
      if (event === undefined) break;
      const previous = matching.at(-1);
      if (matching.length >= maxBatchEvents && previous !== undefined && previous.revision < event.revision) {
        reached = (this.#ring[index - 1] ?? previous).revision;
        break;
      }
      if (event.key.startsWith(cursor.prefix)) matching.push(event);
    }
    cursor.after = reached;
    if (matching.length === 0 && !(cursor.wanted > cursor.reported && reached >= cursor.wanted)) return undefined;
    cursor.reported = reached;
    return { events: matching, revision: reached };
  }

  /** The place in the ring of the first event newer than `revision`. */
  #firstAfter(revision: Revision): number {
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#ring[middle];
      if (event !== undefined && event.revision > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops the oldest revisions, whole, until the ring is within its bounds; it halves at once so that the cost per event is constant. */
  #trim(): void {
    if (this.#ring.length <= this.#maxEvents && this.#ringBytes <= this.#maxBytes) return;
    let drop = 0;
    let bytes = this.#ringBytes;
    while (drop < this.#ring.length && (this.#ring.length - drop > this.#maxEvents / 2 || bytes > this.#maxBytes / 2)) {
      const event = this.#ring[drop];
      if (event === undefined) break;
      bytes -= sizeOf(event);
      this.#ringAfter = event.revision;
      drop += 1;
    }
    while (this.#ring[drop]?.revision === this.#ringAfter) {
      const event = this.#ring[drop];
      if (event !== undefined) bytes -= sizeOf(event);
      drop += 1;
    }
    this.#ring = this.#ring.slice(drop);
    this.#ringBytes = bytes;
  }
}

function sizeOf(event: StoreEvent): number {
  return (
    200 +
    event.key.length +
    event.value.length +
    (event.previous === undefined || event.previous === event.value ? 0 : event.previous.length)
  );
}
