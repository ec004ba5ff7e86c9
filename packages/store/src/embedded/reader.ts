import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkReadable, compactedError, encodeKey, prefixEnd } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { GetResult, ListOptions, ListResult, Revision, StoredItem, StoreEvent, WatchBatch } from '../store.ts';
import type { Environment } from './environment.ts';
import { toStoreError } from './environment.ts';
import type { IndexEntry, LogRecord } from './record.ts';
import { decodeIndexEntry, decodeRecord, decodeRevision, encodeRevision } from './record.ts';

/** The part of a store's state that reads depend on. */
export interface ReadView {
  /** The newest revision that is on disk. */
  readonly revision: Revision;
  readonly compacted: Revision;
  /** Throws once the store is closed. */
  check(): void;
}

/** How many keys are read before other work gets a turn. */
const keysPerTurn = 500;
const replayBatchBytes = 1024 * 1024;

/**
 * Reads as of a revision. The index may already hold writes that are newer than what is
 * acknowledged, so even a read of the newest state follows a key's chain of writes back to it.
 */
export class Reader {
  readonly #environment: Environment;
  readonly #view: ReadView;

  constructor(environment: Environment, view: ReadView) {
    this.#environment = environment;
    this.#view = view;
  }

  get compacted(): Revision {
    return this.#view.compacted;
  }

  get(key: string, revision: Revision): GetResult {
    checkReadable(revision, this.#view.revision, this.#view.compacted);
    const bytes = this.#environment.index.get(encodeKey(key));
    return { item: bytes === undefined ? undefined : this.#itemAt(key, decodeIndexEntry(bytes), revision), revision };
  }

  async list(options: ListOptions): Promise<ListResult> {
    const revision = options.revision ?? this.#view.revision;
    checkReadable(revision, this.#view.revision, this.#view.compacted);
    const limit = options.limit ?? Infinity;
    const items: StoredItem[] = [];
    let remaining = 0;
    const prefix = Buffer.from(options.prefix, 'utf8');
    const after = options.after === undefined ? undefined : Buffer.from(options.after, 'utf8');
    for await (const { key, entry } of this.#entries(prefix, after, revision, options.signal)) {
      if (items.length < limit) {
        const item = this.#itemAt(key.toString('utf8'), entry, revision);
        if (item !== undefined) items.push(item);
      } else if (this.#exists(entry, revision)) remaining += 1;
    }
    return { items, revision, remaining };
  }

  /** Where the newest write of `key` is, acknowledged or not; for the writer, which decides the order. */
  newest(key: Buffer): IndexEntry | undefined {
    const bytes = this.#environment.index.get(key);
    return bytes === undefined ? undefined : decodeIndexEntry(bytes);
  }

  /** The record of a write; undefined when it was compacted away. */
  record(revision: Revision): LogRecord | undefined {
    const bytes = this.#environment.log.get(encodeRevision(revision));
    return bytes === undefined ? undefined : decodeRecord(bytes, revision);
  }

  /** The value that a write replaced. */
  previousValue(record: LogRecord): Buffer | undefined {
    if (record.kind === 'create' || record.previous === 0) return undefined;
    return this.record(record.previous)?.value;
  }

  async *replay(prefix: string, after: Revision, until: Revision, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    let reached = after;
    while (reached < until) {
      signal.throwIfAborted();
      this.#view.check();
      if (reached < this.#view.compacted) throw compactedError(reached, this.#view.compacted);
      const batch = this.#replayChunk(prefix, reached, until);
      reached = batch.revision;
      yield batch;
      await nextTurn();
    }
  }

  #replayChunk(prefix: string, after: Revision, until: Revision): WatchBatch {
    const events: StoreEvent[] = [];
    let seen = 0;
    let bytes = 0;
    let reached: Revision = after;
    for (const { key, value } of this.#environment.log.getRange({ start: encodeRevision(after + 1), end: encodeRevision(until + 1) })) {
      reached = decodeRevision(key);
      const record = decodeRecord(value, reached);
      if (record.key.startsWith(prefix)) {
        const event = toEvent(record, reached, this.previousValue(record));
        events.push(event);
        bytes += event.value.length * 2;
      }
      seen += 1;
      if (seen >= keysPerTurn || bytes >= replayBatchBytes) return { events, revision: reached };
    }
    return { events, revision: until };
  }

  /** Index entries of a prefix in order, reading a bounded number of them at a time. */
  async *#entries(
    prefix: Buffer,
    after: Buffer | undefined,
    revision: Revision,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ key: Buffer; entry: IndexEntry }> {
    const end = prefixEnd(prefix);
    let start = after !== undefined && Buffer.compare(after, prefix) >= 0 ? after : prefix;
    let exclusive = start === after;
    for (;;) {
      signal?.throwIfAborted();
      this.#view.check();
      if (revision < this.#view.compacted) throw compactedError(revision, this.#view.compacted);
      const range = this.#environment.index.getRange({
        ...(start.length > 0 ? { start } : {}),
        ...(end === undefined ? {} : { end }),
        exclusiveStart: exclusive,
        limit: keysPerTurn,
      });
      const chunk = Array.from(range, ({ key, value }) => ({ key, entry: decodeIndexEntry(value) }));
      yield* chunk;
      const last = chunk.at(-1);
      if (last === undefined || chunk.length < keysPerTurn) return;
      start = last.key;
      exclusive = true;
      await nextTurn();
    }
  }

  #itemAt(key: string, entry: IndexEntry, revision: Revision): StoredItem | undefined {
    if (entry.deleted && entry.revision <= revision) return undefined;
    let at: Revision = entry.revision;
    for (;;) {
      const record = this.record(at);
      if (record === undefined) {
        // An acknowledged newest write is never compacted; older ones may be, and then the key did not exist.
        if (at === entry.revision && !entry.deleted)
          throw new StoreError('corrupt', `Revision ${String(at)} is missing from the log`, { key });
        return undefined;
      }
      if (at <= revision) return record.kind === 'delete' ? undefined : { key, value: record.value, revision: at };
      if (record.previous === 0) return undefined;
      at = record.previous;
    }
  }

  #exists(entry: IndexEntry, revision: Revision): boolean {
    if (entry.revision <= revision) return !entry.deleted;
    return this.#itemAt('', entry, revision) !== undefined;
  }
}

/** The revision of the last record in the log; 0 when it is empty. */
export function newestLogRevision(environment: Environment): number {
  for (const key of environment.log.getKeys({ reverse: true, limit: 1 })) return decodeRevision(key);
  return 0;
}

export function toEvent(record: LogRecord, revision: Revision, previous: Buffer | undefined): StoreEvent {
  const value = record.kind === 'delete' ? (previous ?? record.value) : record.value;
  return { type: record.kind, key: record.key, value, previous, revision };
}

/** Runs a read, turning what LMDB throws into a `StoreError`. An abort passes unchanged. */
export async function readSafely<T>(signal: AbortSignal | undefined, read: () => T | Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await read();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw toStoreError(error, 'A read from the store failed');
  }
}
