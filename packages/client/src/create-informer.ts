import type { KubeObject, ResourceRef, WatchEvent } from '@bayplan/api';
import { isExpired, retryAfterSecondsOf } from '@bayplan/api';
import { setMaxListeners } from 'node:events';
import { IndexedCache } from './indexed-cache.ts';
import type { IndexFunction, Informer, InformerHandlers, InformerOptions, Lister } from './informer.ts';
import { keyOf } from './object-key.ts';

const firstBackoffMs = 250;
const maxBackoffMs = 30_000;
/** Servers end watches after this long, spread over resources so that they are not renewed together. */
const minWatchSeconds = 300;

/** Makes an informer; nothing is read before `start`. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  return new ListWatchInformer(options);
}

class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly ref: ResourceRef<T>;
  readonly synced: Promise<void>;
  readonly #options: InformerOptions<T>;
  readonly #cache = new IndexedCache<T>();
  readonly #handlers = new Set<InformerHandlers<T>>();
  readonly #resolveSynced: () => void;
  #hasSynced = false;
  #started = false;
  /** Empty when the next step is a list. */
  #resourceVersion = '';

  constructor(options: InformerOptions<T>) {
    this.ref = options.ref;
    this.#options = options;
    let resolveSynced = (): void => undefined;
    this.synced = new Promise((resolve) => (resolveSynced = resolve));
    this.#resolveSynced = resolveSynced;
    if (options.indexers) this.addIndexers(options.indexers);
  }

  get lister(): Lister<T> {
    return this.#cache;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  addHandlers(handlers: InformerHandlers<T>): () => void {
    if (handlers.onAdd) for (const object of this.#cache.list()) handlers.onAdd(object);
    this.#handlers.add(handlers);
    return () => void this.#handlers.delete(handlers);
  }

  addIndexers(indexers: Readonly<Record<string, IndexFunction<T>>>): void {
    for (const [name, valuesOf] of Object.entries(indexers)) this.#cache.addIndex(name, valuesOf);
  }

  start(signal: AbortSignal): void {
    if (this.#started) return;
    this.#started = true;
    // One signal ends the watches of many informers.
    setMaxListeners(0, signal);
    void this.#run(signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    let backoffMs = firstBackoffMs;
    while (!signal.aborted) {
      const startedMs = clock.monotonic();
      try {
        if (this.#resourceVersion === '') await this.#list(signal);
        await this.#watch(signal);
        // A server that ends every watch at once must not be asked again at once.
        if (clock.monotonic() - startedMs >= 1000) {
          backoffMs = firstBackoffMs;
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) {
          this.#resourceVersion = '';
          logger.debug('Relisted because the watch had expired', { resource: this.ref.resource });
        } else {
          logger.warn('Failed to list and watch', { resource: this.ref.resource, group: this.ref.group, err: error });
        }
        backoffMs = Math.max(backoffMs, (retryAfterSecondsOf(error) ?? 0) * 1000);
      }
      try {
        await clock.sleep(backoffMs, signal);
      } catch {
        return; // aborted
      }
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  #scope(): { namespace?: string; labelSelector?: string; fieldSelector?: string; metadataOnly?: boolean } {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    return {
      ...(namespace ? { namespace } : {}),
      ...(labelSelector ? { labelSelector } : {}),
      ...(fieldSelector ? { fieldSelector } : {}),
      ...(metadataOnly ? { metadataOnly } : {}),
    };
  }

  async #list(signal: AbortSignal): Promise<void> {
    // The first list may come from the server's cache; after an expiry the newest state is needed.
    const freshness = this.#hasSynced ? {} : { resourceVersion: '0' };
    const list = await this.#options.client.list(this.ref, { ...this.#scope(), ...freshness, signal });
    const gone = new Set(this.#cache.keys());
    for (const item of list.items) {
      gone.delete(keyOf(item));
      this.#store(item);
    }
    for (const key of gone) this.#remove(key);
    this.#resourceVersion = list.metadata.resourceVersion ?? '';
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const spread = [...this.ref.resource].reduce((sum, character) => sum + character.charCodeAt(0) * 7, 0) % minWatchSeconds;
    const events = this.#options.client.watch(this.ref, {
      ...this.#scope(),
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: minWatchSeconds + spread,
      signal,
    });
    for await (const event of events) this.#apply(event);
  }

  #apply(event: WatchEvent<T>): void {
    if (event.type === 'DELETED') this.#remove(keyOf(event.object), event.object);
    else if (event.type !== 'BOOKMARK') this.#store(event.object);
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  #store(raw: T): void {
    const known = this.#cache.get(keyOf(raw));
    if (known !== undefined && known.metadata.resourceVersion === raw.metadata.resourceVersion && raw.metadata.resourceVersion) return;
    const object = this.#options.transform ? this.#options.transform(raw) : raw;
    const previous = this.#cache.set(object);
    for (const handlers of this.#handlers) {
      if (previous === undefined) this.#deliver(() => handlers.onAdd?.(object));
      else if (previous.metadata.uid === object.metadata.uid) this.#deliver(() => handlers.onUpdate?.(object, previous));
      else {
        // Deleted and created again between two lists: tell both.
        this.#deliver(() => handlers.onDelete?.(previous));
        this.#deliver(() => handlers.onAdd?.(object));
      }
    }
  }

  #remove(key: string, last?: T): void {
    const previous = this.#cache.delete(key);
    if (previous === undefined) return;
    const object = last ?? previous;
    for (const handlers of this.#handlers) this.#deliver(() => handlers.onDelete?.(object));
  }

  #deliver(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.error('An informer handler threw', { resource: this.ref.resource, err: error });
    }
  }
}
