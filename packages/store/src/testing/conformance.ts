import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { maxKeyBytes, maxWriteBytes } from '../limits.ts';
import type { StoreErrorReason } from '../store-error.ts';
import { openMemoryStore } from '../memory/memory-store.ts';
import { decodeSnapshot, encodeSnapshot, raiseRevision, restoreSnapshot, takeSnapshot } from '../snapshot.ts';
import { isStoreError } from '../store-error.ts';
import type { Revision, Store } from '../store.ts';
import type { StoreSubject } from './subject.ts';

/** One sentence about every store, and the code that checks it. */
export interface ConformanceCase {
  readonly name: string;
  run(subject: StoreSubject): Promise<void>;
}

export const readAndWriteCases: readonly ConformanceCase[] = [
  {
    name: 'an empty store has a revision, and nothing else',
    async run({ store }) {
      const { items, remaining, revision } = await store.list({ prefix: '' });
      assert.deepEqual(items, []);
      assert.equal(remaining, 0);
      assert.ok(revision >= 1);
      assert.equal((await store.get('/a')).item, undefined);
      assert.ok((await store.currentRevision()) >= revision);
    },
  },
  {
    name: 'create stores a value at the revision it returns, and only once',
    async run({ store }) {
      const before = await store.currentRevision();
      const revision = await store.create('/a', Buffer.from('one'));
      assert.ok(revision > before);
      assert.deepEqual((await store.get('/a')).item, { key: '/a', value: Buffer.from('one'), revision });
      assert.ok((await store.currentRevision()) >= revision);
      await rejects(store.create('/a', Buffer.from('two')), 'exists');
      assert.equal(await text(store, '/a'), 'one');
    },
  },
  {
    name: 'update replaces a value only when the key is at the expected revision',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('one'));
      const second = await store.update('/a', Buffer.from('two'), first);
      assert.ok(second > first);
      await rejects(store.update('/a', Buffer.from('three'), first), 'conflict');
      await rejects(store.update('/b', Buffer.from('x'), first), 'not-found');
      assert.equal(await text(store, '/a'), 'two');
    },
  },
  {
    name: 'delete removes a key only when it is at the expected revision',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('one'));
      const second = await store.update('/a', Buffer.from('two'), first);
      await rejects(store.delete('/a', first), 'conflict');
      await rejects(store.delete('/b', first), 'not-found');
      const third = await store.delete('/a', second);
      assert.ok(third > second);
      assert.equal((await store.get('/a')).item, undefined);
      await rejects(store.delete('/a', second), 'not-found');
      await rejects(store.update('/a', Buffer.from('x'), second), 'not-found');
    },
  },
  {
    name: 'a deleted key can be created again, and its past stays readable',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('one'));
      const second = await store.delete('/a', first);
      const third = await store.create('/a', Buffer.from('three'));
      assert.equal(await text(store, '/a', first), 'one');
      assert.equal(await text(store, '/a', second), undefined);
      assert.equal(await text(store, '/a', third), 'three');
      await rejects(store.update('/a', Buffer.from('x'), first), 'conflict');
    },
  },
  {
    name: 'get and list answer as of an old revision',
    async run({ store }) {
      const first = await store.create('/p/a', Buffer.from('a1'));
      const second = await store.create('/p/b', Buffer.from('b1'));
      const third = await store.update('/p/a', Buffer.from('a2'), first);
      const fourth = await store.delete('/p/b', second);
      assert.deepEqual(await contents(store, '/p/', first), ['/p/a=a1']);
      assert.deepEqual(await contents(store, '/p/', second), ['/p/a=a1', '/p/b=b1']);
      assert.deepEqual(await contents(store, '/p/', third), ['/p/a=a2', '/p/b=b1']);
      assert.deepEqual(await contents(store, '/p/', fourth), ['/p/a=a2']);
      assert.equal((await store.list({ prefix: '/p/', revision: second })).revision, second);
      const far = ((await store.currentRevision()) + 1000) as Revision;
      await rejects(store.get('/p/a', { revision: far }), 'invalid');
      await rejects(store.list({ prefix: '/p/', revision: far }), 'invalid');
    },
  },
  {
    name: 'list orders keys bytewise and stops at the end of the prefix',
    async run({ store }) {
      const keys = ['/p', '/p-', '/p/', '/p/a', '/p/a/b', '/p/aa', '/p/b', '/p/é', '/p/\uffff', '/p/\u{1f680}', '/p0', '/q'];
      await Promise.all([...keys].reverse().map((key) => store.create(key, Buffer.from(key))));
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const list = await store.list({ prefix: '' });
      assert.deepEqual(
        list.items.map((item) => item.key),
        sorted,
      );
      const inside = sorted.filter((key) => key.startsWith('/p/'));
      assert.deepEqual(
        (await store.list({ prefix: '/p/' })).items.map((item) => item.key),
        inside,
      );
    },
  },
  {
    name: 'pages of one revision join to the whole list while others write',
    async run({ store }) {
      const keys = Array.from({ length: 25 }, (_, index) => `/p/${String(index).padStart(3, '0')}`);
      for (const key of keys) await store.create(key, Buffer.from(key));
      const found: string[] = [];
      let page = await store.list({ prefix: '/p/', limit: 10 });
      const { revision } = page;
      assert.equal(page.remaining, 15);
      for (;;) {
        found.push(...page.items.map((item) => item.key));
        await store.create(`/p/${String(found.length).padStart(3, '0')}-new`, Buffer.from('new'));
        const last = found.at(-1);
        if (page.remaining === 0 || last === undefined) break;
        page = await store.list({ prefix: '/p/', limit: 10, after: last, revision });
        assert.equal(page.revision, revision);
      }
      assert.deepEqual(found, keys);
    },
  },
  {
    name: 'a long list is complete, and counts what a limit leaves out',
    async run({ store }) {
      const keys = Array.from({ length: 1234 }, (_, index) => `/p/${String(index).padStart(5, '0')}`);
      await Promise.all(keys.map((key) => store.create(key, Buffer.from(key))));
      await store.create('/q', Buffer.from('q'));
      assert.deepEqual(
        (await store.list({ prefix: '/p/' })).items.map((item) => item.key),
        keys,
      );
      const page = await store.list({ prefix: '/p/', limit: 700, after: '/p/00099' });
      assert.deepEqual(
        page.items.map((item) => item.key),
        keys.slice(100, 800),
      );
      assert.equal(page.remaining, 434);
    },
  },
  {
    name: 'of many concurrent updates from one revision exactly one succeeds',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('0'));
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) => store.update('/a', Buffer.from(String(index)), first)),
      );
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      assert.equal(won.length, 1);
      for (const result of results)
        if (result.status === 'rejected') assert.ok(isStoreError(result.reason, 'conflict'), String(result.reason));
      assert.equal((await store.get('/a')).item?.revision, won[0]);
    },
  },
  {
    name: 'concurrent writes get different revisions, and each is found at its own',
    async run({ store }) {
      const revisions = await Promise.all(
        Array.from({ length: 200 }, (_, index) => store.create(`/k/${String(index)}`, Buffer.from(String(index)))),
      );
      assert.equal(new Set(revisions).size, 200);
      const { items } = await store.list({ prefix: '/k/' });
      for (const item of items) assert.equal(item.revision, revisions[Number(item.value.toString())]);
    },
  },
  {
    name: 'values are kept to the byte, from none to the largest',
    async run({ store }) {
      const sizes = [0, 1, 2000, 2048, 4096, 100_000, maxWriteBytes - 4];
      for (const size of sizes) {
        const value = Buffer.alloc(size, Buffer.from([size % 251, 0, 255]));
        await store.create(`/v/${String(size)}`, value).catch((error: unknown) => {
          if (size + `/v/${String(size)}`.length <= maxWriteBytes) throw error;
        });
      }
      await store.create('/b', Buffer.alloc(maxWriteBytes - 2, 7));
      assert.equal((await store.get('/b')).item?.value.length, maxWriteBytes - 2);
      for (const size of sizes.slice(0, -1)) {
        const { item } = await store.get(`/v/${String(size)}`);
        assert.ok(item?.value.equals(Buffer.alloc(size, Buffer.from([size % 251, 0, 255]))), String(size));
      }
      await rejects(store.create('/c', Buffer.alloc(maxWriteBytes - 1)), 'too-large');
    },
  },
  {
    name: 'several large values are listed together',
    async run({ store }) {
      for (let index = 0; index < 8; index += 1) await store.create(`/big/${String(index)}`, Buffer.alloc(1_000_000, index));
      const { items } = await store.list({ prefix: '/big/' });
      assert.deepEqual(
        items.map((item) => item.value.length),
        Array.from({ length: 8 }, () => 1_000_000),
      );
    },
  },
  {
    name: 'keys that no backend takes are refused',
    async run({ store }) {
      for (const key of ['', 'a\0b', 'x'.repeat(maxKeyBytes + 1)]) {
        await rejects(store.create(key, Buffer.from('v')), 'invalid');
        await rejects(store.get(key), 'invalid');
      }
      await store.create('x'.repeat(maxKeyBytes), Buffer.from('v'));
    },
  },
  {
    name: 'the caller may reuse its buffer once a write has resolved',
    async run({ store }) {
      const value = Buffer.from('before');
      await store.create('/a', value);
      value.write('after!');
      assert.equal(await text(store, '/a'), 'before');
    },
  },
  {
    name: 'an aborted read rejects with the reason of its signal',
    async run({ store }) {
      const reason = new Error('Enough');
      await assert.rejects(store.list({ prefix: '', signal: AbortSignal.abort(reason) }), reason);
      await assert.rejects(store.get('/a', { signal: AbortSignal.abort(reason) }), reason);
    },
  },
  {
    name: 'after compaction old revisions are refused, and the newest values stay',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('a1'));
      const gone = await store.create('/gone', Buffer.from('g'));
      await store.delete('/gone', gone);
      const second = await store.update('/a', Buffer.from('a2'), first);
      const third = await store.create('/b', Buffer.from('b1'));
      const fourth = await store.update('/a', Buffer.from('a3'), second);
      await store.compact(third);
      await rejects(store.get('/a', { revision: second }), 'compacted');
      await rejects(store.list({ prefix: '', revision: first }), 'compacted');
      assert.deepEqual(await contents(store, '/', third), ['/a=a2', '/b=b1']);
      assert.deepEqual(await contents(store, '/', fourth), ['/a=a3', '/b=b1']);
      assert.equal((await store.status()).compactedRevision, third);
      await store.compact(first);
      await store.compact(third);
      await rejects(store.compact(((await store.currentRevision()) + 1000) as Revision), 'invalid');
      const again = await store.create('/gone', Buffer.from('back'));
      assert.equal(await text(store, '/gone', again), 'back');
    },
  },
  {
    name: 'what was written is there after the store is opened again',
    async run(subject) {
      if (subject.reopen === undefined) return;
      const first = await subject.store.create('/a', Buffer.from('a1'));
      const second = await subject.store.update('/a', Buffer.from('a2'), first);
      const third = await subject.store.create('/b', Buffer.from('b1'));
      await subject.store.compact(second);
      const store = await subject.reopen();
      assert.deepEqual(await contents(store, '/', third), ['/a=a2', '/b=b1']);
      await rejects(store.get('/a', { revision: first }), 'compacted');
      const fourth = await store.update('/a', Buffer.from('a4'), second);
      assert.ok(fourth > third);
    },
  },
  {
    name: 'a snapshot holds one revision, and restores into an empty store only',
    async run({ store }) {
      for (let index = 0; index < 700; index += 1) await store.create(`/k/${String(index)}`, Buffer.from(`v${String(index)}`));
      const snapshot = await takeSnapshot(store);
      const later = await store.create('/later', Buffer.from('x'));
      await rejects(restoreSnapshot(store, snapshot), 'exists');
      const bytes: Buffer[] = [];
      for await (const chunk of encodeSnapshot(snapshot)) bytes.push(chunk);
      const whole = Buffer.concat(bytes);
      const restored = openMemoryStore();
      const decoded = await decodeSnapshot(Readable.from([whole.subarray(0, 999), whole.subarray(999)]));
      assert.equal(decoded.revision, snapshot.revision);
      assert.equal(await restoreSnapshot(restored, decoded), 700);
      const before = await store.list({ prefix: '', revision: (later - 1) as Revision });
      const after = await restored.list({ prefix: '' });
      assert.deepEqual(
        after.items.map(({ key, value }) => [key, value]),
        before.items.map(({ key, value }) => [key, value]),
      );
      const cut = await decodeSnapshot(Readable.from([whole.subarray(0, -5)]));
      await rejects(restoreSnapshot(openMemoryStore(), cut), 'corrupt');
      const other = Buffer.from(whole);
      other.writeUInt8(other.readUInt8(5000) ^ 1, 5000);
      const changed = await decodeSnapshot(Readable.from([other]));
      await rejects(restoreSnapshot(openMemoryStore(), changed), 'corrupt');
      const longer = await decodeSnapshot(Readable.from([whole, Buffer.from('x')]));
      await rejects(restoreSnapshot(openMemoryStore(), longer), 'corrupt');
    },
  },
  {
    name: 'the revision can be raised, after which history is gone and nothing else is there',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('a'));
      const reached = await raiseRevision(store, (first + 500) as Revision);
      assert.ok(reached >= first + 500);
      assert.deepEqual(await contents(store, '/', reached), ['/a=a']);
      await rejects(store.list({ prefix: '/', revision: first }), 'compacted');
      assert.ok((await raiseRevision(store, first)) >= reached);
    },
  },
  {
    name: 'a closed store refuses everything',
    async run({ store }) {
      const revision = await store.create('/a', Buffer.from('a'));
      await store.close();
      await rejects(store.get('/a'), 'closed');
      await rejects(store.list({ prefix: '' }), 'closed');
      await rejects(store.create('/b', Buffer.from('b')), 'closed');
      await rejects(store.update('/a', Buffer.from('b'), revision), 'closed');
      await rejects(store.delete('/a', revision), 'closed');
      await rejects(store.currentRevision(), 'closed');
      await rejects(store.compact(revision), 'closed');
      await store.close();
    },
  },
];

export async function rejects(promise: Promise<unknown>, reason: StoreErrorReason): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isStoreError(error, reason), `wanted ${reason}, got ${String(error)}`);
    return true;
  });
}

async function text(store: Store, key: string, revision?: Revision): Promise<string | undefined> {
  const { item } = await store.get(key, revision === undefined ? {} : { revision });
  return item?.value.toString();
}

async function contents(store: Store, prefix: string, revision: Revision): Promise<string[]> {
  const { items } = await store.list({ prefix, revision });
  return items.map((item) => `${item.key}=${item.value.toString()}`);
}
