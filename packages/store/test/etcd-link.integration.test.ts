import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '@bayplan/component-base';
import { isStoreError, openEtcdStore } from '../src/index.ts';
import type { Revision, Store } from '../src/index.ts';
import { collectWatch, etcdMissing, startEtcd } from '../src/testing/index.ts';
import type { EtcdServer } from '../src/testing/index.ts';

/** A TCP proxy in front of etcd whose connections can be cut. */
class Link {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #refusing = false;

  constructor(endpoint: string) {
    this.#target = Number(new URL(endpoint).port);
    this.#server = createServer((client) => {
      if (this.#refusing) {
        client.destroy();
        return;
      }
      const upstream = connect(this.#target, '127.0.0.1');
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  refuse(refusing: boolean): void {
    this.#refusing = refusing;
    if (refusing) this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe.skipIf(etcdMissing !== undefined)('the link to etcd', () => {
  let server: EtcdServer;
  let link: Link;
  let url: string;
  let direct: Store;
  let distant: Store;
  let prefix: string;
  let tests = 0;

  beforeAll(async () => {
    server = await startEtcd();
    link = new Link(server.endpoint);
    url = await link.open();
  });
  afterAll(async () => {
    await link.close();
    await server.dispose();
  });

  async function withStores(run: () => Promise<void>): Promise<void> {
    tests += 1;
    prefix = `/link/${String(tests)}`;
    direct = await openEtcdStore({ endpoints: [server.endpoint], prefix });
    distant = await openEtcdStore({ endpoints: [url], prefix, requestTimeoutMs: 2000 });
    try {
      await run();
    } finally {
      await direct.close();
      await distant.close();
    }
  }

  it('may be cut at any time: watches lose nothing and repeat nothing', { timeout: 60_000 }, () =>
    withStores(async () => {
      const start = await direct.currentRevision();
      const watches = [collectWatch(distant, '/k/', start), collectWatch(distant, '/k/1', start)];
      const revisions: Revision[] = [];
      for (let round = 0; round < 15; round += 1) {
        revisions.push(
          ...(
            await Promise.all(
              Array.from({ length: 20 }, (_, index) => direct.create(`/k/${String(round)}/${String(index)}`, Buffer.from('x'))),
            )
          ).sort((a, b) => a - b),
        );
        if (round % 3 === 1) watches.push(collectWatch(distant, '/k/', start));
        await sleep(Math.random() * 40);
        link.cut();
      }
      for (const watch of watches) {
        await watch
          .until(() => watch.reached >= (revisions.at(-1) ?? start) || watch.events.length >= revisions.length, 20_000)
          .catch(() => undefined);
        await distant.currentRevision();
        await watch.untilReached(revisions.at(-1) ?? start);
      }
      const [all, part] = watches;
      expect(all?.events.map((event) => event.revision)).toEqual(revisions);
      expect(part?.events.length).toBe(all?.events.filter((event) => event.key.startsWith('/k/1')).length);
      for (const watch of watches.slice(2)) expect(watch.events.map((event) => event.revision)).toEqual(revisions);
      for (const watch of watches) await watch.stop();
    }),
  );

  it('may be down for a while: reads and writes fail in time, and work again afterwards', { timeout: 60_000 }, () =>
    withStores(async () => {
      const watch = collectWatch(distant, '/', await distant.currentRevision());
      const revision = await distant.create('/a', Buffer.from('1'));
      await watch.untilReached(revision);
      link.refuse(true);
      const before = performance.now();
      const failures = await Promise.all(
        [distant.get('/a'), distant.update('/a', Buffer.from('2'), revision), distant.currentRevision()].map((promise) =>
          promise.then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
      expect(performance.now() - before).toBeLessThan(6000);
      for (const failure of failures) expect(isStoreError(failure, 'unreachable') || isStoreError(failure, 'timeout')).toBe(true);
      const missed = await direct.create('/b', Buffer.from('missed'));
      link.refuse(false);
      await watch.untilReached(missed);
      await expect
        .poll(
          () =>
            distant.get('/b').then(
              ({ item }) => item?.value.toString(),
              () => undefined,
            ),
          { timeout: 10_000 },
        )
        .toBe('missed');
      expect(watch.events.map((event) => event.key)).toEqual(['/a', '/b']);
      await watch.stop();
    }),
  );

  it('may be down over a compaction: watches learn that history is gone', { timeout: 60_000 }, () =>
    withStores(async () => {
      const first = await direct.create('/a', Buffer.from('1'));
      const watch = collectWatch(distant, '/', first);
      await distant.currentRevision();
      await direct.create('/b', Buffer.from('2'));
      await watch.until(() => watch.events.length === 1);
      link.refuse(true);
      let last = first;
      for (let index = 0; index < 5; index += 1) last = await direct.update('/a', Buffer.from(String(index)), last);
      await direct.compact(last);
      link.refuse(false);
      expect(isStoreError(await watch.failure(20_000), 'compacted')).toBe(true);
      const again = collectWatch(distant, '/', last);
      await again.untilReached(await direct.create('/c', Buffer.from('3')));
      expect(again.events.map((event) => event.key)).toEqual(['/c']);
      await again.stop();
    }),
  );

  it('is shared by servers of which one compacts at every interval', { timeout: 60_000 }, async () => {
    const clocks = [new FakeClock(), new FakeClock(), new FakeClock()];
    const stores = await Promise.all(
      clocks.map((clock) => openEtcdStore({ endpoints: [server.endpoint], prefix: '/maintained', clock, compactionIntervalMs: 60_000 })),
    );
    const [store] = stores;
    if (store === undefined) throw new Error('No store');
    const first = await store.create('/a', Buffer.from('1'));
    await store.update('/a', Buffer.from('2'), first);
    // The first turn marks the revision, the second compacts up to the mark.
    for (let turn = 0; turn < 3; turn += 1) {
      for (const clock of clocks) await clock.advance(60_000);
      await sleep(300);
    }
    await expect
      .poll(() =>
        store.get('/a', { revision: first }).then(
          () => 'there',
          (error: unknown) => (isStoreError(error) ? error.reason : error),
        ),
      )
      .toBe('compacted');
    expect((await store.get('/a')).item?.value.toString()).toBe('2');
    for (const one of stores) expect((await one.status()).problem).toBeUndefined();
    for (const one of stores) await one.close();
  });
});
