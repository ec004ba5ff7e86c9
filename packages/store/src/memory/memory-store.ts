import { checkReadable, checkWriteSize, compactedError, encodeKey, firstRevision } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { GetResult, ListOptions, ListResult, Revision, Store, StoredItem, StoreEvent, WatchBatch, WatchOptions } from '../store.ts';

/**
 * The naive twin: every event ever written in one array, and every answer computed from it by
 * looking at all of them. It is the definition that the real backends are compared with, so it
 * shares no code with them beyond the limits. For tests only: nothing is ever freed.
 */
export function openMemoryStore(): Store {
  const events: StoreEvent[] = [];
  const newest = new Map<string, StoredItem>();
  const sleeping = new Set<() => void>();
  let revision: Revision = firstRevision;
  let compacted = 0 as Revision;
  let closed = false;

  const check = (): void => {
    if (closed) throw new StoreError('closed', 'The store is closed');
  };
  const wake = (): void => {
    for (const resume of sleeping) resume();
    sleeping.clear();
  };
  const contents = (at: Revision): StoredItem[] => {
    const items = new Map<string, StoredItem>();
    for (const event of events) {
      if (event.revision > at) break;
      if (event.type === 'delete') items.delete(event.key);
      else items.set(event.key, { key: event.key, value: event.value, revision: event.revision });
    }
    return [...items.values()].sort((a, b) => compareKeys(a.key, b.key));
  };
  const append = (type: StoreEvent['type'], key: string, value: Buffer | undefined, expected: Revision | undefined): Revision => {
    check();
    checkWriteSize(key, encodeKey(key).length, value?.length ?? 0);
    const current = newest.get(key);
    if (type === 'create') {
      if (current !== undefined) throw new StoreError('exists', `${key} exists`, { key });
    } else {
      if (current === undefined) throw new StoreError('not-found', `${key} does not exist`, { key });
      if (current.revision !== expected) throw new StoreError('conflict', `${key} is at another revision`, { key });
    }
    revision = (revision + 1) as Revision;
    const kept = value === undefined ? (current?.value ?? Buffer.alloc(0)) : Buffer.from(value);
    events.push({ type, key, value: kept, previous: current?.value, revision });
    if (type === 'delete') newest.delete(key);
    else newest.set(key, { key, value: kept, revision });
    wake();
    return revision;
  };

  async function* watch(options: WatchOptions): AsyncGenerator<WatchBatch> {
    let after: Revision = options.after;
    options.signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        if (options.signal?.aborted) return;
        check();
        if (after < compacted) throw compactedError(after, compacted);
        const found = events.filter((event) => event.revision > after && event.key.startsWith(options.prefix));
        if (found.length > 0 || revision > after) {
          after = Math.max(after, revision) as Revision;
          yield { events: found, revision: after };
        } else {
          await new Promise<void>((resolve) => sleeping.add(resolve));
        }
      }
    } finally {
      options.signal?.removeEventListener('abort', wake);
    }
  }

  return {
    get: async (key: string, options = {}): Promise<GetResult> => {
      await turn(options.signal);
      check();
      encodeKey(key);
      const at = options.revision ?? revision;
      checkReadable(at, revision, compacted);
      return { item: contents(at).find((item) => item.key === key), revision: at };
    },
    list: async (options: ListOptions): Promise<ListResult> => {
      await turn(options.signal);
      check();
      const at = options.revision ?? revision;
      checkReadable(at, revision, compacted);
      const { after, limit } = options;
      const found = contents(at).filter(
        (item) => item.key.startsWith(options.prefix) && (after === undefined || compareKeys(item.key, after) > 0),
      );
      const items = found.slice(0, limit);
      return { items, revision: at, remaining: found.length - items.length };
    },
    create: async (key, value) => {
      await turn();
      return append('create', key, value, undefined);
    },
    update: async (key, value, expected) => {
      await turn();
      return append('update', key, value, expected);
    },
    delete: async (key, expected) => {
      await turn();
      return append('delete', key, undefined, expected);
    },
    watch,
    currentRevision: async () => {
      await turn();
      check();
      return revision;
    },
    compact: async (at) => {
      await turn();
      check();
      if (at <= compacted) return;
      checkReadable(at, revision, compacted);
      compacted = at;
    },
    status: async () => {
      await turn();
      check();
      const sizeBytes = events.reduce((sum, event) => sum + event.value.length, 0);
      return { backend: 'memory', revision, compactedRevision: compacted, sizeBytes, usedBytes: sizeBytes, problem: undefined };
    },
    close: async () => {
      await turn();
      closed = true;
      wake();
    },
  };
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

/** Answers are never given in the caller's own turn. */
async function turn(signal?: AbortSignal): Promise<void> {
  await Promise.resolve();
  signal?.throwIfAborted();
}
