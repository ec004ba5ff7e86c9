import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';

/** Names the buckets of an index that an object belongs to; empty when it belongs to none. */
export type IndexFunction<T> = (object: T) => readonly string[];

/**
 * Read access to an informer's cache. Objects are shared with every other reader (and on a loopback with
 * the API server): copy before changing. Keys are `namespace/name`, or `name` for cluster-scoped objects.
 */
export interface Lister<T extends KubeObject = KubeObject> {
  readonly size: number;
  get(key: string): T | undefined;
  /** All objects, or those of one namespace; in no particular order. */
  list(namespace?: string): readonly T[];
  /** The objects of one bucket of an index. Throws when the index was never added. */
  byIndex(index: string, value: string): readonly T[];
}

/**
 * Called synchronously in the order of events; must not throw and must not block. `onUpdate` is also
 * called when a relist finds a newer object; equal resourceVersions are not reported.
 */
export interface InformerHandlers<T extends KubeObject = KubeObject> {
  readonly onAdd?: (object: T) => void;
  readonly onUpdate?: (object: T, previous: T) => void;
  /** Gets the last state that is known, which may be old when the deletion was found by a relist. */
  readonly onDelete?: (object: T) => void;
}

export interface InformerOptions<T extends KubeObject = KubeObject> {
  readonly client: Client;
  readonly ref: ResourceRef<T>;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Asks for `PartialObjectMetadata` where the transport has to encode objects. A loopback ignores it. */
  readonly metadataOnly?: boolean | undefined;
  /** Replaces an object before it is stored. Must return a new object when it changes anything. */
  readonly transform?: ((object: T) => T) | undefined;
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A local cache of one resource, kept by one list and one watch. Create, add handlers and indexers,
 * then `start`. A handler added later first gets `onAdd` for everything already cached.
 */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly ref: ResourceRef<T>;
  readonly lister: Lister<T>;
  /** Resolves after the first list is in the cache and was delivered to handlers. Never rejects. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Returns a function that removes the handlers again. */
  addHandlers(handlers: InformerHandlers<T>): () => void;
  /** Adds an index over everything cached now and later. The same function again is fine; another of the same name is an error. */
  addIndexers(indexers: Readonly<Record<string, IndexFunction<T>>>): void;
  /** Begins to list and watch until the signal aborts. Later calls do nothing. */
  start(signal: AbortSignal): void;
}
