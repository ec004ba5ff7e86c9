import type { KubeObject } from '@bayplan/api';
import { expired, serviceUnavailable } from '@bayplan/api';
import type { Logger } from '@bayplan/component-base';
import { isStoreError } from '@bayplan/store';
import type { Revision, Store, StoreEvent } from '@bayplan/store';
import type { CacheEntry, CacheEvent, Selection } from './cache-event.ts';
import { NamespaceEntries } from './namespace-entries.ts';
import type { HubListener, StoreHub } from './store-hub.ts';
import { StoredObject } from './stored-object.ts';
import type { EventType, TypeName } from './stored-object.ts';
import { select, Watcher } from './watcher.ts';
import type { SelectedEvent } from './watcher.ts';

const historyEvents = 2048;
const listPageSize = 1000;
/** How long a read waits for a revision that this server has not seen. */
const patienceMs = 3_000;

/** What the cache must know of a resource. */
export interface CachedResource extends TypeName {
  /** `/registry/GROUP/RESOURCE/` */
  readonly prefix: string;
  readonly namespaced: boolean;
  /** The fields that field selectors may name, besides name and namespace. */
  readonly fieldsOf: (object: KubeObject) => Readonly<Record<string, string>>;
  /** One of those fields, if watchers and lists are often narrowed to one value of it. */
  readonly indexField?: string | undefined;
  /** Of resources whose objects may be stored in several versions: which one a value is in. */
  readonly typeOf?: ((value: Buffer) => TypeName) | undefined;
  /** At least so many changes are remembered, at most twice as many; fewer than usual for resources of large objects. */
  readonly historyEvents?: number | undefined;
  /** Undoes encryption at rest. */
  readonly open: (key: string, value: Buffer) => Buffer;
}

/**
 * Every object of one resource, kept true by the hub; started on first use. Lists and watches are
 * served from here and never wait for the store, except to be caught up with it.
 */
export class ResourceCache implements HubListener {
  readonly resource: CachedResource;
  private readonly store: Store;
  private readonly hub: StoreHub;
  private readonly logger: Logger;
  private readonly namespaces = new Map<string, NamespaceEntries>();
  private readonly index = new Map<string, Map<string, CacheEntry>>();
  private readonly watchers = new Set<Watcher>();
  private readonly indexedWatchers = new Map<string, Set<Watcher>>();
  private readonly ownWrites = new Map<string, StoredObject>();
  private history: CacheEvent[] = [];
  /** Events up to here are no longer in `history`. */
  private forgotten = 0;
  private listed = 0;
  private starting: Promise<void> | undefined;
  private early: StoreEvent[] | undefined;
  private live = false;
  /** How often history was lost: a load that one of them interrupted begins again. */
  private resets = 0;
  private closed = false;
  private objects = 0;
  private changeCount = 0;
  private changed = 0;

  constructor(resource: CachedResource, store: Store, hub: StoreHub, logger: Logger) {
    this.resource = resource;
    this.store = store;
    this.hub = hub;
    this.logger = logger;
  }

  /** Resolves when the cache holds a whole state. Cheap when it already does. */
  start(): Promise<void> {
    if (this.live) return Promise.resolve();
    this.starting ??= this.load().finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** Resolves when the cache holds everything that was written before this call. */
  async fresh(): Promise<void> {
    await this.start();
    await this.hub.caughtUp();
    if (!this.live) await this.start();
  }

  /** Resolves once `revision` has been reached; false when that takes longer than a client should wait. */
  reaches(revision: number): Promise<boolean> {
    return this.hub.reaches(revision, patienceMs);
  }

  /** Nothing has changed between this revision and `revision`. */
  get lastChange(): number {
    return this.changed;
  }

  /** The revision that the present contents are at. */
  get revision(): number {
    return Math.max(this.listed, this.hub.revision);
  }

  /** Grows with every change: for those who keep something that follows from the contents. */
  get changes(): number {
    return this.changeCount;
  }

  get size(): number {
    return this.objects;
  }

  get(namespace: string, name: string): CacheEntry | undefined {
    return this.namespaces.get(namespace)?.get(name);
  }

  /** The entries that match, in order of namespace and name. */
  list(selection: Selection): CacheEntry[] {
    const found: CacheEntry[] = [];
    if (selection.name !== undefined && (selection.namespace !== undefined || !this.resource.namespaced)) {
      const entry = this.get(selection.namespace ?? '', selection.name);
      if (entry !== undefined && selection.matches(entry)) found.push(entry);
      return found;
    }
    if (selection.indexValue !== undefined && this.resource.indexField !== undefined) {
      const indexed = [...(this.index.get(selection.indexValue)?.values() ?? [])];
      return indexed.filter((entry) => inScope(selection, entry) && selection.matches(entry)).sort(byKey);
    }
    const namespaces = selection.namespace === undefined ? [...this.namespaces.keys()].sort() : [selection.namespace];
    for (const namespace of namespaces) {
      const entries = this.namespaces.get(namespace);
      if (entries === undefined) continue;
      for (const entry of entries.inOrder) if (inScope(selection, entry) && selection.matches(entry)) found.push(entry);
    }
    return found;
  }

  /**
   * Registers a watcher for what happens after `after` (default: from now on). Of what is longer ago than the
   * history in memory it must be told first, by `recall` up to `watcher.recallTo`.
   */
  watch(selection: Selection, after?: number): Watcher {
    const recallTo = after !== undefined && after < this.forgotten ? this.forgotten : undefined;
    const watcher: Watcher = new Watcher(selection, after ?? 0, recallTo, () => this.unregister(watcher));
    if (after !== undefined && after < this.revision) for (const event of this.history) if (event.revision > after) watcher.offer(event);
    if (selection.indexValue === undefined || this.resource.indexField === undefined) this.watchers.add(watcher);
    else {
      const same = this.indexedWatchers.get(selection.indexValue);
      if (same === undefined) this.indexedWatchers.set(selection.indexValue, new Set([watcher]));
      else same.add(watcher);
    }
    return watcher;
  }

  /**
   * What `selection` shows of the changes after `after` and up to `to`, from the store's history. Throws `Expired`
   * when the store has forgotten them too.
   */
  async *recall(selection: Selection, after: number, to: number, signal: AbortSignal): AsyncGenerator<readonly SelectedEvent[]> {
    try {
      const batches = this.store.watch({ prefix: this.resource.prefix, after: after as Revision, signal });
      // Asks for a batch that reaches `to` even if nothing more happens.
      await this.store.currentRevision();
      for await (const batch of batches) {
        const shown: SelectedEvent[] = [];
        for (const event of batch.events) {
          if (event.revision > to) break;
          const selected = select(selection, this.recalled(event));
          if (selected !== undefined) shown.push(selected);
        }
        if (shown.length > 0) yield shown;
        if (batch.revision >= to) return;
      }
    } catch (error) {
      if (!isStoreError(error, 'compacted')) throw error;
      throw expired(`too old resource version: ${after.toString()} (${to.toString()})`);
    }
  }

  /** An object this process has just written: its event need not be parsed again. */
  expect(stored: StoredObject): void {
    if (this.live && stored.revision > this.hub.revision) this.ownWrites.set(stored.key, stored);
  }

  /** Stops following the store and ends every watch: the resource is no longer served. */
  close(): void {
    this.closed = true;
    this.hub.forget(this.resource.prefix, this);
    this.endWatches();
    this.live = false;
    this.resets++;
    this.namespaces.clear();
    this.index.clear();
    this.history = [];
    this.ownWrites.clear();
  }

  /** Ends every watch, as when the server stops. */
  endWatches(): void {
    for (const watcher of this.allWatchers()) watcher.end();
  }

  get watcherCount(): number {
    let count = this.watchers.size;
    for (const same of this.indexedWatchers.values()) count += same.size;
    return count;
  }

  onEvent(event: StoreEvent): void {
    if (this.early !== undefined) this.early.push(event);
    else if (this.live && event.revision > this.listed) this.apply(event);
  }

  onProgress(): void {
    // Progress is the hub's: `revision` reads it.
  }

  onReset(): void {
    this.resets++;
    if (!this.live) return;
    this.live = false;
    this.endWatches();
    this.ownWrites.clear();
    this.start().catch((error: unknown) =>
      this.logger.warn('Watch cache could not be listed again', { err: error, resource: this.resource.prefix }),
    );
  }

  private async load(): Promise<void> {
    if (this.closed) throw serviceUnavailable('the resource is no longer served', 1);
    this.hub.listen(this.resource.prefix, this);
    let resets: number;
    do {
      resets = this.resets;
      this.early = [];
      try {
        const { entries, revision } = await this.readAll();
        if (resets === this.resets) this.install(entries, revision);
      } finally {
        this.early = undefined;
      }
    } while (resets !== this.resets && !this.closed);
  }

  private async readAll(): Promise<{ entries: CacheEntry[]; revision: Revision }> {
    const entries: CacheEntry[] = [];
    let revision: Revision | undefined;
    let after: string | undefined;
    for (;;) {
      const page = await this.store.list({
        prefix: this.resource.prefix,
        limit: listPageSize,
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
      });
      revision ??= page.revision;
      for (const item of page.items) entries.push(this.entryOf(this.fromStore(item.key, item.revision, item.value, 'ADDED')));
      after = page.items.at(-1)?.key;
      if (page.remaining === 0 || after === undefined) return { entries, revision };
    }
  }

  /** Everything of a load takes effect in one step, so that nobody sees half of it. */
  private install(entries: readonly CacheEntry[], revision: number): void {
    // A watch that began between the loss of history and now would miss what happened in between.
    this.endWatches();
    this.namespaces.clear();
    this.index.clear();
    this.objects = 0;
    for (const entry of entries) this.put(entry, undefined);
    this.history = [];
    this.listed = revision;
    this.forgotten = revision;
    this.live = true;
    this.changeCount++;
    this.changed = revision;
    for (const event of this.early ?? []) if (event.revision > revision) this.apply(event);
  }

  private apply(event: StoreEvent): void {
    const { namespace, name } = this.splitKey(event.key);
    const previous = this.get(namespace, name);
    const entry = this.entryOf(this.storedOf(event));
    if (event.type === 'delete') this.remove(entry, previous);
    else this.put(entry, previous);
    const change: CacheEvent = {
      revision: event.revision,
      current: event.type === 'delete' ? undefined : entry,
      previous,
      deleted: event.type === 'delete' ? entry.stored : undefined,
    };
    this.changeCount++;
    this.changed = event.revision;
    this.history.push(change);
    const kept = this.resource.historyEvents ?? historyEvents;
    if (this.history.length > 2 * kept) {
      const surplus = this.history.length - kept;
      this.forgotten = this.history[surplus - 1]?.revision ?? this.forgotten;
      this.history = this.history.slice(surplus);
    }
    for (const watcher of this.watchers) watcher.offer(change);
    this.offerIndexed(change);
  }

  private recalled(event: StoreEvent): CacheEvent {
    const { key, revision, previous, type, value } = event;
    const entry = this.entryOf(
      this.fromStore(key, revision, value, type === 'create' ? 'ADDED' : type === 'update' ? 'MODIFIED' : 'DELETED'),
    );
    return {
      revision,
      current: type === 'delete' ? undefined : entry,
      // Selectors look at what was there before; its own revision is not shown.
      previous: previous === undefined ? undefined : this.entryOf(this.fromStore(key, revision, previous, 'DELETED')),
      deleted: type === 'delete' ? entry.stored : undefined,
    };
  }

  private offerIndexed(change: CacheEvent): void {
    if (this.indexedWatchers.size === 0 || this.resource.indexField === undefined) return;
    const now = change.current?.fields[this.resource.indexField];
    const before = change.previous?.fields[this.resource.indexField];
    if (now !== undefined) for (const watcher of this.indexedWatchers.get(now) ?? []) watcher.offer(change);
    if (before !== undefined && before !== now) for (const watcher of this.indexedWatchers.get(before) ?? []) watcher.offer(change);
  }

  private storedOf(event: StoreEvent): StoredObject {
    const own = this.ownWrites.get(event.key);
    if (own !== undefined && own.revision <= event.revision) this.ownWrites.delete(event.key);
    if (own?.revision === event.revision && event.type !== 'delete') return own;
    const type: EventType = event.type === 'create' ? 'ADDED' : event.type === 'update' ? 'MODIFIED' : 'DELETED';
    return this.fromStore(event.key, event.revision, event.value, type);
  }

  /** A value of the store as an object of this resource. */
  fromStore(key: string, revision: number, value: Buffer, type?: EventType): StoredObject {
    const opened = this.resource.open(key, value);
    return StoredObject.fromStore(this.resource.typeOf?.(opened) ?? this.resource, key, revision, opened, type);
  }

  /** What selectors look at, of an object of this resource. */
  entryOf(stored: StoredObject): CacheEntry {
    const { object } = stored;
    const { namespace, name } = this.splitKey(stored.key);
    return { stored, namespace, name, labels: object.metadata.labels ?? noLabels, fields: this.resource.fieldsOf(object) };
  }

  private splitKey(key: string): { namespace: string; name: string } {
    const rest = key.slice(this.resource.prefix.length);
    if (!this.resource.namespaced) return { namespace: '', name: rest };
    const slash = rest.indexOf('/');
    return { namespace: rest.slice(0, slash), name: rest.slice(slash + 1) };
  }

  private put(entry: CacheEntry, previous: CacheEntry | undefined): void {
    let entries = this.namespaces.get(entry.namespace);
    if (entries === undefined) this.namespaces.set(entry.namespace, (entries = new NamespaceEntries()));
    if (entries.put(entry)) this.objects++;
    this.reindex(entry, previous);
  }

  private remove(entry: CacheEntry, previous: CacheEntry | undefined): void {
    const entries = this.namespaces.get(entry.namespace);
    if (entries?.remove(entry.name)) {
      this.objects--;
      if (entries.size === 0) this.namespaces.delete(entry.namespace);
    }
    this.reindex(undefined, previous);
  }

  private reindex(entry: CacheEntry | undefined, previous: CacheEntry | undefined): void {
    const field = this.resource.indexField;
    if (field === undefined) return;
    const before = previous?.fields[field];
    const now = entry?.fields[field];
    if (previous !== undefined && before !== undefined && before !== now) {
      const same = this.index.get(before);
      same?.delete(previous.stored.key);
      if (same?.size === 0) this.index.delete(before);
    }
    if (entry === undefined || now === undefined) return;
    const same = this.index.get(now);
    if (same === undefined) this.index.set(now, new Map([[entry.stored.key, entry]]));
    else same.set(entry.stored.key, entry);
  }

  private unregister(watcher: Watcher): void {
    this.watchers.delete(watcher);
    const value = watcher.selection.indexValue;
    if (value === undefined) return;
    const same = this.indexedWatchers.get(value);
    same?.delete(watcher);
    if (same?.size === 0) this.indexedWatchers.delete(value);
  }

  private *allWatchers(): Generator<Watcher> {
    yield* [...this.watchers];
    for (const same of [...this.indexedWatchers.values()]) yield* [...same];
  }
}

const noLabels: Readonly<Record<string, string>> = Object.freeze({});

function inScope(selection: Selection, entry: CacheEntry): boolean {
  return (
    (selection.namespace === undefined || selection.namespace === entry.namespace) &&
    (selection.name === undefined || selection.name === entry.name)
  );
}

function byKey(a: CacheEntry, b: CacheEntry): number {
  return a.stored.key < b.stored.key ? -1 : a.stored.key > b.stored.key ? 1 : 0;
}
