/**
 * A revision of the whole store. It grows by one with every successful write. Callers compare
 * revisions for equality and order, and print them; they must not calculate with them.
 */
export type Revision = number & { readonly __brand: 'Revision' };

/** One key as it was at a revision. `value` belongs to the store: never change it. */
export interface StoredItem {
  readonly key: string;
  readonly value: Buffer;
  /** The revision of the write that produced this value. */
  readonly revision: Revision;
}

export interface GetResult {
  /** Undefined when the key does not exist at the revision that was read. */
  readonly item: StoredItem | undefined;
  /** The revision at which the read was made. */
  readonly revision: Revision;
}

export interface ListOptions {
  readonly prefix: string;
  /** At most this many items; unlimited when absent. */
  readonly limit?: number;
  /** Start after this key (exclusive), for the next page. */
  readonly after?: string;
  /** Read as of this revision. Without it the newest. Rejects with `compacted` when it is gone. */
  readonly revision?: Revision;
  readonly signal?: AbortSignal;
}

export interface ListResult {
  /** Ordered by key, bytewise. */
  readonly items: readonly StoredItem[];
  readonly revision: Revision;
  /** How many items of the prefix come after the last one returned. */
  readonly remaining: number;
}

export interface StoreEvent {
  readonly type: 'create' | 'update' | 'delete';
  readonly key: string;
  /** The new value; for `delete`, the last one. */
  readonly value: Buffer;
  /** The value before this write; undefined for `create`. */
  readonly previous: Buffer | undefined;
  readonly revision: Revision;
}

export interface WatchOptions {
  readonly prefix: string;
  /** Deliver every event with a greater revision. Rejects with `compacted` when some are gone. */
  readonly after: Revision;
  readonly signal?: AbortSignal;
}

/**
 * Yields batches, never empty unless progress alone is reported. Events come in order of revision,
 * each exactly once. `revision` of a batch says: every event up to here has been delivered.
 */
export interface WatchBatch {
  readonly events: readonly StoreEvent[];
  readonly revision: Revision;
}

export interface StoreStatus {
  readonly backend: string;
  readonly revision: Revision;
  /** Reads and watches before this revision reject with `compacted`. */
  readonly compactedRevision: Revision;
  readonly sizeBytes: number;
  /** Bytes of `sizeBytes` that hold data; the rest is reused by later writes. */
  readonly usedBytes: number;
  /** What an operator must see to, as a sentence (a full disk, a failed compaction). */
  readonly problem: string | undefined;
}

/**
 * Etcd's semantics, without etcd's API. Every promise rejects with a `StoreError`. A write that
 * resolved is on disk (embedded: flushed; etcd: agreed by a quorum). One that rejects with `timeout`
 * or `unreachable` may or may not have been made: read the key to find out.
 *
 * An empty store is at revision 1. A key is 1 to 1,024 bytes of UTF-8 without NUL (`invalid`
 * otherwise). A value is at most 1.5 MiB with its key (`too-large` otherwise). Reading at a revision
 * that does not exist yet is `invalid`.
 */
export interface Store {
  get(key: string, options?: { readonly revision?: Revision; readonly signal?: AbortSignal }): Promise<GetResult>;
  list(options: ListOptions): Promise<ListResult>;
  /** Rejects with `exists` when the key is there. */
  create(key: string, value: Buffer): Promise<Revision>;
  /** Rejects with `not-found`, or with `conflict` when the key is no longer at `expected`. */
  update(key: string, value: Buffer, expected: Revision): Promise<Revision>;
  /** Rejects with `not-found`, or with `conflict` when the key is no longer at `expected`. */
  delete(key: string, expected: Revision): Promise<Revision>;
  /**
   * Events in order, each once, from history and then live, for one consumer. Nothing is buffered
   * per watcher: one that reads slowly reads history again, and gets `compacted` when it is gone.
   * Ends without an error when the signal aborts; rejects with `closed` when the store closes.
   */
  watch(options: WatchOptions): AsyncIterable<WatchBatch>;
  /**
   * A linearizable read of the newest revision. Every watch soon reports a batch at it or later, so
   * a cache fed by a watch is fresh once it has reached this revision.
   */
  currentRevision(): Promise<Revision>;
  /**
   * Forgets history before `revision`; the newest value of every key stays. Does nothing when that
   * was done before. Rejects with `invalid` for a revision that does not exist yet.
   */
  compact(revision: Revision): Promise<void>;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}
