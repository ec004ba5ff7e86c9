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
  readonly compactedRevision: Revision;
  readonly sizeBytes: number;
}

/**
 * Etcd's semantics, without etcd's API. Every promise rejects with a `StoreError`. A write that
 * resolved is on disk (embedded: flushed; etcd: agreed by a quorum).
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
  /** Starts at once: events after `after` are kept for the caller from the moment this returns. */
  watch(options: WatchOptions): AsyncIterable<WatchBatch>;
  /** A linearizable read of the newest revision. */
  currentRevision(): Promise<Revision>;
  /** Forgets history before `revision`; the newest value of every key stays. */
  compact(revision: Revision): Promise<void>;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}
