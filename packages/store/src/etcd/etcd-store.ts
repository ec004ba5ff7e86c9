import { systemClock } from '@bayplan/component-base';
import type { IRequestOp } from 'etcd3';
import { checkReadable, checkWriteSize } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { ListOptions, ListResult, Revision, Store, StoredItem } from '../store.ts';
import { EtcdClient } from './etcd-client.ts';
import type { EtcdStoreOptions } from './etcd-client.ts';
import { EtcdEvents } from './etcd-events.ts';
import { EtcdMaintenance } from './etcd-maintenance.ts';
import { KeySpace } from './keys.ts';

/** Items in one request for a part of a list. */
const itemsPerRequest = 1000;
const modTarget = 2;
const equal = 0;

/** Connects to etcd. Rejects with `unreachable` or `timeout` when no member answers, `invalid` when it refuses the caller. */
export async function connectEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const keys = new KeySpace(options.prefix ?? '/bayplan');
  const client = new EtcdClient(options);
  try {
    const maintenance = new EtcdMaintenance(
      client,
      keys,
      options.clock ?? systemClock,
      options.compactionIntervalMs ?? 5 * 60_000,
      options.logger,
    );
    const events = new EtcdEvents(client, keys, await maintenance.start(), () => maintenance.compacted);
    return createStore(client, keys, events, maintenance);
  } catch (error) {
    client.close();
    throw error;
  }
}

function createStore(client: EtcdClient, keys: KeySpace, events: EtcdEvents, maintenance: EtcdMaintenance): Store {
  const check = (): void => {
    if (client.closed) throw new StoreError('closed', 'The store is closed');
  };
  const currentRevision = async (): Promise<Revision> => {
    const { header } = await client.range({ key: keys.progress, keys_only: true });
    return Number(header.revision) as Revision;
  };

  /** One write, made only while the key is at `expected`; 0 for a key that does not exist. */
  const write = async (key: string, expected: number, change: IRequestOp): Promise<Revision> => {
    const encoded = keys.encode(key);
    const answer = await client.txn({
      compare: [{ key: encoded, target: modTarget, result: equal, mod_revision: expected }],
      success: [change],
      failure: [{ request_range: { key: encoded, keys_only: true } }],
    });
    if (answer.succeeded) return Number(answer.header.revision) as Revision;
    const current = answer.responses[0]?.response_range.kvs[0];
    if (expected === 0) throw new StoreError('exists', `${key} exists`, { key });
    if (current === undefined) throw new StoreError('not-found', `${key} does not exist`, { key });
    throw new StoreError('conflict', `${key} is at revision ${current.mod_revision}, not ${String(expected)}`, { key });
  };

  return {
    async get(key, { revision, signal } = {}) {
      check();
      const { header, kvs } = await client.range({ key: keys.encode(key), ...atRevision(revision) }, signal);
      const [found] = kvs;
      return {
        item: found === undefined ? undefined : { key, value: found.value, revision: Number(found.mod_revision) as Revision },
        revision: revision ?? (Number(header.revision) as Revision),
      };
    },
    list: (options) => list(client, keys, options),
    async create(key, value) {
      check();
      const encoded = keys.encode(key);
      checkWriteSize(key, Buffer.byteLength(key), value.length);
      return await write(key, 0, { request_put: { key: encoded, value } });
    },
    async update(key, value, expected) {
      check();
      const encoded = keys.encode(key);
      checkWriteSize(key, Buffer.byteLength(key), value.length);
      if (expected <= 0) throw new StoreError('conflict', `${String(expected)} is not the revision of a key`, { key });
      return await write(key, expected, { request_put: { key: encoded, value } });
    },
    async delete(key, expected) {
      check();
      if (expected <= 0) throw new StoreError('conflict', `${String(expected)} is not the revision of a key`, { key });
      return await write(key, expected, { request_delete_range: { key: keys.encode(key) } });
    },
    watch: (options) => events.watch(options),
    async currentRevision() {
      check();
      const revision = await currentRevision();
      events.requestProgress(revision);
      return revision;
    },
    async compact(revision) {
      check();
      if (revision <= maintenance.compacted) return;
      checkReadable(revision, await currentRevision(), maintenance.compacted);
      await maintenance.compact(revision);
    },
    async status() {
      check();
      const [revision, health] = await Promise.all([currentRevision(), maintenance.health()]);
      return { backend: 'etcd', revision, compactedRevision: maintenance.compacted, ...health };
    },
    async close() {
      if (client.closed) return;
      events.close(new StoreError('closed', 'The store is closed'));
      await maintenance.stop();
      client.close();
    },
  };
}

/** A whole list is read in parts, all at the revision of the first. */
async function list(client: EtcdClient, keys: KeySpace, options: ListOptions): Promise<ListResult> {
  options.signal?.throwIfAborted();
  if (client.closed) throw new StoreError('closed', 'The store is closed');
  const items: StoredItem[] = [];
  const limit = options.limit ?? Infinity;
  let { after, revision } = options;
  let total: number | undefined;
  for (;;) {
    const wanted = Math.min(limit - items.length, itemsPerRequest);
    const { header, kvs, count, more } = await client.range(
      wanted > 0
        ? { ...keys.range(options.prefix, after), limit: wanted, ...atRevision(revision) }
        : { ...keys.range(options.prefix, after), count_only: true, ...atRevision(revision) },
      options.signal,
    );
    revision ??= Number(header.revision) as Revision;
    total ??= Number(count);
    for (const { key, value, mod_revision } of kvs)
      items.push({ key: keys.decode(key) ?? '', value, revision: Number(mod_revision) as Revision });
    after = items.at(-1)?.key ?? after;
    if (!more || items.length >= limit || wanted <= 0) return { items, revision, remaining: total - items.length };
  }
}

/** Negative revisions would mean "now" to etcd. */
function atRevision(revision: Revision | undefined): { revision?: number } {
  if (revision === undefined) return {};
  if (!Number.isSafeInteger(revision) || revision < 0) throw new StoreError('invalid', `${String(revision)} is not a revision`);
  return { revision: Math.max(revision, 1) };
}
