import type { KubeObject, ResourceRef } from '@bayplan/api';
import { notFound, sameJson } from '@bayplan/api';
import { isStoreError } from '@bayplan/store';
import type { Revision, Store } from '@bayplan/store';
import type { CacheEntry } from './cache-event.ts';
import type { ResourceCache } from './resource-cache.ts';
import { statusOfStoreError } from './store-failure.ts';
import { encodeForStore, StoredObject } from './stored-object.ts';
import type { EventType, TypeName } from './stored-object.ts';

/** Of writers that race for one object each round lets one win, so this is how many may race. */
const maxUpdateAttempts = 1000;

/** How values become unreadable at rest; both directions are given the key, so values cannot be swapped. */
export interface Sealing {
  seal(key: string, value: Buffer): Buffer;
  open(key: string, value: Buffer): Buffer;
  /** Whether a value as it is in the store should be written again, because it would now be sealed otherwise. Absent: never. */
  isStale?(value: Buffer): boolean;
}

/**
 * Reads and writes of one resource's objects. Failures are `StatusError`s. Objects given to it are
 * taken over: they are shared from then on.
 */
export class ResourceStorage {
  readonly resource: ResourceRef & { readonly apiVersion: string };
  readonly cache: ResourceCache;
  private readonly store: Store;
  private readonly sealing: Sealing;

  constructor(resource: ResourceRef & { readonly apiVersion: string }, store: Store, cache: ResourceCache, sealing: Sealing) {
    this.resource = resource;
    this.store = store;
    this.cache = cache;
    this.sealing = sealing;
  }

  /** The newest state. Throws `NotFound`. */
  async get(namespace: string, name: string): Promise<StoredObject> {
    const found = await this.find(namespace, name);
    if (found === undefined) throw notFound(this.resource, name);
    return found;
  }

  async find(namespace: string, name: string): Promise<StoredObject | undefined> {
    return this.translate('get', name, async () => {
      await this.cache.fresh();
      return this.cache.get(namespace, name)?.stored;
    });
  }

  /** Throws `AlreadyExists`. */
  async create(object: KubeObject): Promise<StoredObject> {
    const name = object.metadata.name ?? '';
    const key = this.keyOf(object.metadata.namespace ?? '', name);
    const value = Buffer.from(encodeForStore(this.storedType, object));
    return this.translate('create', name, async () => {
      const revision = await this.store.create(key, this.sealing.seal(key, value));
      return this.written(key, revision, value, 'ADDED', object);
    });
  }

  /**
   * Replaces an object by what `change` makes of its present state, again if another write came
   * between. `change` may run several times; returning the argument itself writes nothing. An object
   * that waited only for its finalizers is removed instead, once they are gone. Throws `NotFound`, and
   * whatever `change` throws.
   */
  async update(
    namespace: string,
    name: string,
    change: (current: StoredObject) => Promise<KubeObject | StoredObject>,
  ): Promise<StoredObject> {
    return this.translate('update', name, async () => {
      const cached = this.cache.get(namespace, name)?.stored;
      let current = cached ?? (await this.readStored(namespace, name));
      let mayBeStale = cached !== undefined;
      for (let attempt = 0; ; attempt++) {
        const result = await this.attempt(current, change);
        if (result.kind === 'written') return result.stored;
        const lost = result.kind === 'failed' && isStoreError(result.error, 'conflict');
        const newest = (lost || mayBeStale) && attempt < maxUpdateAttempts ? await this.readStored(namespace, name) : current;
        if (newest.revision === current.revision && !(lost && attempt < maxUpdateAttempts)) {
          if (result.kind === 'failed') throw result.error;
          return current;
        }
        current = newest;
        mayBeStale = false;
      }
    });
  }

  /** Removes the object if it is still at `current`'s revision. Throws a store `conflict` otherwise. Returns its last state. */
  async remove(current: StoredObject): Promise<StoredObject> {
    const revision = await this.store.delete(current.key, current.revision as Revision);
    return current.deletedAt(revision);
  }

  /** Writes `next`, which is taken over, if the object is still at `current`'s revision. Throws a store `conflict` otherwise. */
  replaceAt(current: StoredObject, next: KubeObject): Promise<StoredObject> {
    return this.replaceStored(current, next);
  }

  protected async replaceStored(current: StoredObject, next: KubeObject): Promise<StoredObject> {
    const value = Buffer.from(encodeForStore(this.storedType, next));
    const revision = await this.store.update(current.key, this.sealing.seal(current.key, value), current.revision as Revision);
    return this.written(current.key, revision, value, 'MODIFIED', next);
  }

  /** The newest state from the store itself, past the cache. Throws `NotFound`. */
  read(namespace: string, name: string): Promise<StoredObject> {
    return this.readStored(namespace, name);
  }

  /** The type that objects are written as. */
  protected get storedType(): TypeName {
    return this.cache.resource;
  }

  protected async readStored(namespace: string, name: string): Promise<StoredObject> {
    const key = this.keyOf(namespace, name);
    const { item } = await this.store.get(key);
    if (item === undefined) throw notFound(this.resource, name);
    const cached = this.cache.get(namespace, name)?.stored;
    if (cached?.revision === item.revision) return cached;
    return this.cache.fromStore(key, item.revision, item.value);
  }

  /** A page of the state at `revision`, from the store's history. Rejects with the store's own errors. */
  async listAt(
    namespace: string,
    revision: Revision,
    after: string | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<{ entries: CacheEntry[]; remaining: number }> {
    const prefix = namespace === '' ? this.cache.resource.prefix : `${this.cache.resource.prefix}${namespace}/`;
    const page = await this.store.list({
      prefix,
      revision,
      limit,
      ...(after === undefined ? {} : { after }),
      ...(signal === undefined ? {} : { signal }),
    });
    const entries = page.items.map((item) => this.cache.entryOf(this.cache.fromStore(item.key, item.revision, item.value)));
    return { entries, remaining: page.remaining };
  }

  /** Runs `work` with the store's failures as statuses about `name`. */
  async translate<T>(verb: string, name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isStoreError(error)) throw statusOfStoreError(error, this.resource, name, verb);
      throw error;
    }
  }

  keyOf(namespace: string, name: string): string {
    return this.resource.namespaced ? `${this.cache.resource.prefix}${namespace}/${name}` : `${this.cache.resource.prefix}${name}`;
  }

  private async attempt(current: StoredObject, change: (current: StoredObject) => Promise<KubeObject | StoredObject>): Promise<Attempt> {
    try {
      const next = await change(current);
      if (next instanceof StoredObject) return { kind: 'unchanged' };
      next.metadata.resourceVersion = current.revision.toString();
      if (isReadyToGo(next, current.object)) return { kind: 'written', stored: await this.remove(current) };
      if (sameJson(next, current.object) && !(await this.isSealedOtherwise(current))) return { kind: 'unchanged' };
      return { kind: 'written', stored: await this.replaceStored(current, next) };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  /** A write that changes nothing still seals a value with the key of today: that is how keys are rotated. */
  private async isSealedOtherwise(current: StoredObject): Promise<boolean> {
    if (this.sealing.isStale === undefined) return false;
    const { item } = await this.store.get(current.key);
    return item !== undefined && item.revision === current.revision && this.sealing.isStale(item.value);
  }

  private written(key: string, revision: number, value: Buffer, event: EventType, object: KubeObject): StoredObject {
    const stored = StoredObject.fromWrite(this.storedType, key, revision, value, event, object);
    this.cache.expect(stored);
    return stored;
  }
}

type Attempt =
  | { readonly kind: 'written'; readonly stored: StoredObject }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Deletion was asked for, its grace is over, and this update takes the last finalizer away. */
function isReadyToGo(next: KubeObject, current: KubeObject): boolean {
  if (current.metadata.deletionTimestamp === undefined) return false;
  if ((next.metadata.finalizers?.length ?? 0) > 0 || (current.metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const { spec } = next as { spec?: { finalizers?: unknown } };
  return next.kind !== 'Namespace' || !Array.isArray(spec?.finalizers) || spec.finalizers.length === 0;
}
