import type { KubeList, KubeObject, ResourceRef, WatchEvent } from '@bayplan/api';

export interface ObjectKey {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Such as `status`, `scale`, `binding`, `token`, `eviction`. */
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  /** More of the query of a `get`, such as the selectors that the metrics APIs take. */
  readonly query?: Readonly<Record<string, string>>;
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  /** Asks for `PartialObjectMetadata` where the transport has to encode objects. A loopback ignores it. */
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * A typed client for every resource of the API. Throws `StatusError` from `@bayplan/api`. What it
 * returns may be shared with others: copy before changing.
 */
export interface Client {
  get<T extends KubeObject>(ref: ResourceRef<T>, key: ObjectKey, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef<T>, options?: ListOptions): Promise<KubeList<T>>;
  watch<T extends KubeObject>(ref: ResourceRef<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The namespace is taken from the object's metadata. */
  create<T extends KubeObject>(ref: ResourceRef<T>, object: T, options?: CallOptions): Promise<T>;
  /** POST to a subresource of an object, such as `pods/binding` or `serviceaccounts/token`. */
  createSubresource<T>(ref: ResourceRef, key: ObjectKey, subresource: string, body: T, options?: CallOptions): Promise<T>;
  update<T extends KubeObject>(ref: ResourceRef<T>, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef<T>,
    key: ObjectKey,
    type: PatchType,
    patch: unknown,
    options?: CallOptions & { readonly force?: boolean },
  ): Promise<T>;
  delete(ref: ResourceRef, key: ObjectKey, options?: DeleteOptions): Promise<void>;
}
