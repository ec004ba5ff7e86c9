import { crc32 } from 'node:zlib';
import { StoreError } from './store-error.ts';
import type { Revision, Store, StoredItem } from './store.ts';

/** Everything in a store at one revision. */
export interface Snapshot {
  readonly revision: Revision;
  /** In order of key. Can be read once. */
  readonly items: AsyncIterable<Pick<StoredItem, 'key' | 'value'>>;
}

const firstPageItems = 100;
const maxPageItems = 10_000;
/** Every page of a list costs a count of what remains, so pages are as large as memory allows. */
const pageBytes = 8 * 1024 * 1024;
const chunkBytes = 256 * 1024;
const writesAtOnce = 64;
const magic = 'bayplan-snapshot/1';
const endMark = 0;

/** Takes a snapshot without keeping others from writing. Reading its items must not take longer than history is kept. */
export async function takeSnapshot(store: Store, signal?: AbortSignal): Promise<Snapshot> {
  const revision = await store.currentRevision();
  const abort = signal === undefined ? {} : { signal };
  async function* items(): AsyncGenerator<StoredItem> {
    let after: string | undefined;
    let limit = firstPageItems;
    for (;;) {
      const page = await store.list({ prefix: '', limit, revision, ...(after === undefined ? {} : { after }), ...abort });
      yield* page.items;
      if (page.remaining === 0) return;
      after = page.items.at(-1)?.key;
      limit = itemsThatFit(page.items);
    }
  }
  return { revision, items: items() };
}

function itemsThatFit(items: readonly StoredItem[]): number {
  let bytes = 1;
  for (const { value } of items) bytes += value.length;
  return Math.min(Math.max(Math.floor((pageBytes * items.length) / bytes), 1), maxPageItems);
}

/**
 * Writes a snapshot's items into an empty store, and returns how many there were. Revisions are given
 * anew; to keep them growing across a restore, open an embedded store with `firstRevision`, or call
 * `raiseRevision`. Rejects with `exists` when the store is not empty.
 */
export async function restoreSnapshot(store: Store, snapshot: Snapshot, signal?: AbortSignal): Promise<number> {
  const { items: present } = await store.list({ prefix: '', limit: 1 });
  if (present.length > 0) throw new StoreError('exists', 'A snapshot can only be restored into an empty store');
  let count = 0;
  const writes = new Set<Promise<void>>();
  let failure: unknown;
  for await (const { key, value } of snapshot.items) {
    signal?.throwIfAborted();
    if (failure !== undefined) break;
    const write: Promise<void> = store.create(key, value).then(
      () => void writes.delete(write),
      (error: unknown) => {
        writes.delete(write);
        failure ??= error;
      },
    );
    writes.add(write);
    count += 1;
    if (writes.size >= writesAtOnce) await Promise.race(writes);
  }
  await Promise.all(writes);
  if (failure !== undefined) throw failure;
  return count;
}

const raisePrefix = '/cluster/raise-revision/';

/**
 * Writes and deletes keys of no meaning until the store is at `target`, then forgets history: for
 * etcd, whose revisions cannot be set. Resolves with the store's revision.
 */
export async function raiseRevision(store: Store, target: Revision, signal?: AbortSignal): Promise<Revision> {
  let reached = await store.currentRevision();
  const writeUntilReached = async (key: string): Promise<void> => {
    while (reached < target) {
      signal?.throwIfAborted();
      const created = await store.create(key, Buffer.alloc(0));
      reached = Math.max(reached, await store.delete(key, created)) as Revision;
    }
  };
  await Promise.all(Array.from({ length: writesAtOnce }, (_, index) => writeUntilReached(`${raisePrefix}${String(index)}`)));
  reached = await store.currentRevision();
  await store.compact(reached);
  return reached;
}

/**
 * A snapshot as bytes: a line of JSON, then for each item the lengths of key and value (u32 each) and
 * both, then a zero, the number of items and the CRC-32 of everything before.
 */
export async function* encodeSnapshot(snapshot: Snapshot): AsyncGenerator<Buffer> {
  const head = Buffer.from(`${JSON.stringify({ format: magic, revision: snapshot.revision })}\n`);
  let checksum = crc32(head);
  let count = 0;
  let pending: Buffer[] = [head];
  let pendingBytes = head.length;
  for await (const { key, value } of snapshot.items) {
    const keyBytes = Buffer.from(key, 'utf8');
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(keyBytes.length, 0);
    lengths.writeUInt32BE(value.length, 4);
    const record = Buffer.concat([lengths, keyBytes, value]);
    checksum = crc32(record, checksum);
    count += 1;
    pending.push(record);
    pendingBytes += record.length;
    if (pendingBytes < chunkBytes) continue;
    yield Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
  }
  const tail = Buffer.alloc(12);
  tail.writeUInt32BE(endMark, 0);
  tail.writeUInt32BE(count, 4);
  checksum = crc32(tail.subarray(0, 8), checksum);
  tail.writeUInt32BE(checksum, 8);
  yield Buffer.concat([...pending, tail]);
}

/** Reads what `encodeSnapshot` wrote. Rejects, at the latest at the end of the items, with `corrupt` when it is not whole. */
export async function decodeSnapshot(bytes: AsyncIterable<Uint8Array>): Promise<Snapshot> {
  const reader = new ChunkReader(bytes);
  const head = await reader.line();
  const parsed = parseHead(head);
  async function* items(): AsyncGenerator<Pick<StoredItem, 'key' | 'value'>> {
    let checksum = crc32(Buffer.concat([head, Buffer.from('\n')]));
    for (let count = 0; ; count += 1) {
      const lengths = await reader.take(8);
      checksum = crc32(lengths, checksum);
      const keyLength = lengths.readUInt32BE(0);
      if (keyLength === endMark) {
        const stored = (await reader.take(4)).readUInt32BE(0);
        if (lengths.readUInt32BE(4) !== count || stored !== checksum) throw damaged('its checksum is wrong');
        await reader.end();
        return;
      }
      const record = await reader.take(keyLength + lengths.readUInt32BE(4));
      checksum = crc32(record, checksum);
      yield { key: record.toString('utf8', 0, keyLength), value: Buffer.from(record.subarray(keyLength)) };
    }
  }
  return { revision: parsed, items: items() };
}

function parseHead(head: Buffer): Revision {
  let value: unknown;
  try {
    value = JSON.parse(head.toString('utf8'));
  } catch (error) {
    throw new StoreError('corrupt', 'This is not a snapshot', { cause: error });
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === magic &&
    'revision' in value &&
    typeof value.revision === 'number'
  )
    return value.revision as Revision;
  throw new StoreError('corrupt', 'This is not a snapshot that this version can read');
}

function damaged(why: string): StoreError {
  return new StoreError('corrupt', `The snapshot is damaged: ${why}`);
}

const maxTakeBytes = 16 * 1024 * 1024;

/** Takes pieces of wanted lengths from chunks of any length. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    if (length > maxTakeBytes) throw damaged('a record is too long');
    while (this.#buffer.length < length) await this.#more();
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async line(): Promise<Buffer> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a);
      if (end >= 0) return (await this.take(end + 1)).subarray(0, end);
      if (this.#buffer.length > 1000) throw damaged('it has no header');
      await this.#more();
    }
  }

  /** Rejects with `corrupt` unless everything was taken. */
  async end(): Promise<void> {
    const step = this.#buffer.length > 0 ? undefined : await this.#chunks.next();
    if (!step?.done) throw damaged('something follows its end');
  }

  async #more(): Promise<void> {
    const step = await this.#chunks.next();
    if (step.done) throw damaged('it ends early');
    this.#buffer = Buffer.concat([this.#buffer, step.value]);
  }
}
