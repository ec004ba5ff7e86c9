import type { StoredObject } from './stored-object.ts';

/** An object in a cache, with what selectors look at. */
export interface CacheEntry {
  readonly stored: StoredObject;
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
}

/** One change. `deleted` is the last state at the revision of the deletion; `current` is then undefined. */
export interface CacheEvent {
  readonly revision: number;
  readonly current: CacheEntry | undefined;
  readonly previous: CacheEntry | undefined;
  readonly deleted: StoredObject | undefined;
}

/** What a list or a watch asks for. */
export interface Selection {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** The value of the resource's index field that a field selector demands. */
  readonly indexValue?: string | undefined;
  /** Label and field selectors; namespace and name are checked by the cache. */
  matches(entry: CacheEntry): boolean;
}
