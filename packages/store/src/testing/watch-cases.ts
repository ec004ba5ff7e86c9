import assert from 'node:assert/strict';
import { isStoreError } from '../store-error.ts';
import type { Revision, Store, StoreEvent } from '../store.ts';
import type { ConformanceCase } from './conformance.ts';
import { collectWatch } from './subject.ts';

export const watchCases: readonly ConformanceCase[] = [
  {
    name: 'a watch reports creations, updates and deletions with what they replaced',
    async run({ store }) {
      const start = await store.currentRevision();
      const watch = collectWatch(store, '/p/', start);
      const first = await store.create('/p/a', Buffer.from('a1'));
      const second = await store.update('/p/a', Buffer.from('a2'), first);
      const third = await store.delete('/p/a', second);
      const fourth = await store.create('/p/a', Buffer.from('a4'));
      await watch.untilReached(fourth);
      assert.deepEqual(watch.events.map(print), [
        `create /p/a=a1 was nothing at ${String(first)}`,
        `update /p/a=a2 was a1 at ${String(second)}`,
        `delete /p/a=a2 was a2 at ${String(third)}`,
        `create /p/a=a4 was nothing at ${String(fourth)}`,
      ]);
      await watch.stop();
      assert.ok(watch.ended);
    },
  },
  {
    name: 'a watch reports its prefix only',
    async run({ store }) {
      const watch = collectWatch(store, '/p/', await store.currentRevision());
      await store.create('/o', Buffer.from('x'));
      await store.create('/p', Buffer.from('x'));
      const wanted = await store.create('/p/a', Buffer.from('x'));
      await store.create('/p0', Buffer.from('x'));
      const last = await store.create('/p/b', Buffer.from('x'));
      await watch.untilReached(last);
      assert.deepEqual(
        watch.events.map((event) => event.revision),
        [wanted, last],
      );
      await watch.stop();
    },
  },
  {
    name: 'a watch from an old revision replays history and goes on live',
    async run({ store }) {
      const revisions: Revision[] = [];
      for (let index = 0; index < 30; index += 1) revisions.push(await store.create(`/p/${String(index)}`, Buffer.from('x')));
      const after = revisions[9] ?? (0 as Revision);
      const watch = collectWatch(store, '/p/', after);
      for (let index = 30; index < 60; index += 1) revisions.push(await store.create(`/p/${String(index)}`, Buffer.from('x')));
      await watch.untilReached(revisions.at(-1) ?? after);
      assert.deepEqual(
        watch.events.map((event) => event.revision),
        revisions.slice(10),
      );
      await watch.stop();
    },
  },
  {
    name: 'a watch of a quiet prefix reports progress up to the current revision when asked for it',
    async run({ store }) {
      const watch = collectWatch(store, '/quiet/', await store.currentRevision());
      const revision = await store.create('/busy/a', Buffer.from('x'));
      assert.ok((await store.currentRevision()) >= revision);
      await watch.untilReached(revision);
      assert.deepEqual(watch.events, []);
      await watch.stop();
    },
  },
  {
    name: 'a watch from a revision that is still to come leaves out what comes before it',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('x'));
      const watch = collectWatch(store, '/', (first + 2) as Revision);
      const revisions = [];
      for (let index = 0; index < 5; index += 1) revisions.push(await store.create(`/b/${String(index)}`, Buffer.from('x')));
      await watch.untilReached(revisions.at(-1) ?? first);
      assert.deepEqual(
        watch.events.map((event) => event.revision),
        revisions.filter((revision) => revision > first + 2),
      );
      await watch.stop();
    },
  },
  {
    name: 'watchers that start at any time see every write once, in order, under concurrent writers',
    async run({ store }) {
      const start = await store.currentRevision();
      const watches = [collectWatch(store, '/k/', start)];
      let known: Revision = start;
      const writer = async (name: number): Promise<void> => {
        for (let index = 0; index < 40; index += 1) {
          const key = `/k/${String(name)}`;
          known =
            index === 0
              ? await store.create(key, Buffer.from('0'))
              : await store.update(key, Buffer.from(String(index)), (await store.get(key)).item?.revision ?? start);
          if (name < 4 && index % 10 === 5) watches.push(collectWatch(store, '/k/', index === 5 ? start : known));
        }
      };
      await Promise.all(Array.from({ length: 10 }, (_, name) => writer(name)));
      const end = await store.currentRevision();
      const [all] = watches;
      assert.ok(all);
      for (const watch of watches) await watch.untilReached(end);
      assert.equal(all.events.length, 400);
      const revisions = all.events.map((event) => event.revision);
      assert.deepEqual(
        revisions,
        [...new Set(revisions)].sort((a, b) => a - b),
      );
      for (const watch of watches) {
        const first = watch.events[0];
        const expected: readonly StoreEvent[] =
          first === undefined ? [] : all.events.slice(all.events.findIndex((event) => event.revision === first.revision));
        assert.deepEqual(watch.events.map(print), expected.map(print));
        await watch.stop();
      }
    },
  },
  {
    name: 'a consumer that reads slowly loses nothing',
    async run({ store }) {
      const start = await store.currentRevision();
      const abort = new AbortController();
      const iterator = store.watch({ prefix: '/k/', after: start, signal: abort.signal })[Symbol.asyncIterator]();
      const revisions: Revision[] = [];
      const seen: StoreEvent[] = [];
      for (let round = 0; round < 6; round += 1) {
        const written = await Promise.all(
          Array.from({ length: 700 }, (_, index) => store.create(`/k/${String(round)}/${String(index)}`, Buffer.alloc(300))),
        );
        revisions.push(...written.sort((a, b) => a - b));
        const step = await iterator.next();
        if (!step.done) seen.push(...step.value.events);
      }
      while (seen.length < revisions.length) {
        const step = await iterator.next();
        if (step.done) break;
        seen.push(...step.value.events);
      }
      assert.deepEqual(
        seen.map((event) => event.revision),
        revisions,
      );
      abort.abort();
      assert.equal((await iterator.next()).done, true);
    },
  },
  {
    name: 'a watch from before the compacted revision is refused; one from it is complete',
    async run({ store }) {
      const first = await store.create('/a', Buffer.from('a1'));
      const second = await store.update('/a', Buffer.from('a2'), first);
      const third = await store.delete('/a', second);
      const fourth = await store.create('/b', Buffer.from('b'));
      await store.compact(second);
      const old = collectWatch(store, '/', first);
      assert.ok(isStoreError(await old.failure(), 'compacted'));
      const watch = collectWatch(store, '/', second);
      await watch.untilReached(fourth);
      assert.deepEqual(watch.events.map(print), [
        `delete /a=a2 was a2 at ${String(third)}`,
        `create /b=b was nothing at ${String(fourth)}`,
      ]);
      await watch.stop();
    },
  },
  {
    name: 'a watch that is up to date survives compaction',
    async run({ store }) {
      const watch = collectWatch(store, '/', await store.currentRevision());
      const first = await store.create('/a', Buffer.from('a1'));
      await watch.untilReached(first);
      await store.compact(first);
      const second = await store.update('/a', Buffer.from('a2'), first);
      await watch.untilReached(second);
      assert.deepEqual(
        watch.events.map((event) => event.revision),
        [first, second],
      );
      await watch.stop();
    },
  },
  {
    name: 'aborting ends a watch that waits, one that was never read, and leaves others alone',
    async run({ store }) {
      const start = await store.currentRevision();
      const stopped = collectWatch(store, '/', start);
      const other = collectWatch(store, '/', start);
      const unread = new AbortController();
      const iterator = store.watch({ prefix: '/', after: start, signal: unread.signal })[Symbol.asyncIterator]();
      await stopped.stop();
      assert.ok(stopped.ended);
      unread.abort();
      assert.equal((await iterator.next()).done, true);
      await other.untilReached(await store.create('/a', Buffer.from('x')));
      await other.stop();
    },
  },
  {
    name: 'closing the store ends its watches with an error',
    async run({ store }) {
      const watch = collectWatch(store, '/', await store.currentRevision());
      await closeAfterTurn(store);
      assert.ok(isStoreError(await watch.failure(), 'closed'));
    },
  },
];

async function closeAfterTurn(store: Store): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  await store.close();
}

/** An event as text, for comparing and for reading in a failed assertion. */
export function print(event: StoreEvent): string {
  return `${event.type} ${event.key}=${event.value.toString()} was ${event.previous?.toString() ?? 'nothing'} at ${String(event.revision)}`;
}
