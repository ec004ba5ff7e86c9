import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isStoreError } from '../src/index.ts';
import type { Revision, Store } from '../src/index.ts';
import { collectWatch, openMemoryStore } from '../src/testing/index.ts';
import type { CollectedWatch, OpenSubject, StoreSubject } from '../src/testing/index.ts';

const keys = ['/a/1', '/a/2', '/a/3', '/a', '/b/1', '/b/2'] as const;
const prefixes = ['', '/', '/a', '/a/', '/b/', '/c/'] as const;

const key = fc.constantFrom(...keys);
const prefix = fc.constantFrom(...prefixes);
/** How many of the revisions known so far to go back; more than there are means the oldest. */
const back = fc.nat({ max: 12 });

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('create'), key, value: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('update'), key, value: fc.nat(), stale: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete'), key, stale: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('get'), key, back }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('list'), prefix, back, limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('watch'), prefix, back }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('burst'), count: fc.integer({ min: 2, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact'), back }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface WatchPair {
  readonly real: CollectedWatch;
  readonly twin: CollectedWatch;
}

/**
 * Runs random histories against the subject and the naive twin, and compares every answer. A failure
 * prints the seed and the shortest history found that shows it.
 */
export async function checkRandomHistories(
  open: OpenSubject,
  options: { readonly runs: number; readonly operations: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: options.operations, size: 'max' }), async (operations) => {
      const subject = await open();
      try {
        await new History(subject).run(operations);
      } finally {
        await subject.dispose();
      }
    }),
    {
      numRuns: options.runs,
      ...(process.env['BAYPLAN_TEST_SEED'] === undefined ? {} : { seed: Number(process.env['BAYPLAN_TEST_SEED']) }),
    },
  );
}

class History {
  readonly #subject: StoreSubject;
  #store: Store;
  readonly #twin = openMemoryStore();
  /** Revisions of the real store and of the twin that mean the same state. */
  readonly #revisions: { readonly real: Revision; readonly twin: Revision }[] = [];
  readonly #watches: WatchPair[] = [];
  #bursts = 0;

  constructor(subject: StoreSubject) {
    this.#subject = subject;
    this.#store = subject.store;
  }

  async run(operations: readonly Operation[]): Promise<void> {
    this.#revisions.push({ real: await this.#store.currentRevision(), twin: await this.#twin.currentRevision() });
    try {
      for (const step of operations) await this.#step(step);
      await this.#settleWatches();
      await this.#compareList('', undefined, 0);
    } finally {
      for (const { real, twin } of this.#watches) {
        await real.stop();
        await twin.stop();
      }
    }
  }

  async #step(step: Operation): Promise<void> {
    switch (step.do) {
      case 'create':
        return await this.#write((store) => store.create(step.key, Buffer.from(String(step.value))));
      case 'update':
      case 'delete': {
        const expected = await this.#expected(step.key, step.stale);
        return await this.#write((store, side) =>
          step.do === 'update'
            ? store.update(step.key, Buffer.from(String(step.value)), expected[side])
            : store.delete(step.key, expected[side]),
        );
      }
      case 'get': {
        const at = this.#at(step.back);
        const [real, twin] = await Promise.all([
          outcome(this.#store.get(step.key, { revision: at.real })),
          outcome(this.#twin.get(step.key, { revision: at.twin })),
        ]);
        assert.deepEqual(printItem(real), printItem(twin));
        return;
      }
      case 'list':
        return await this.#compareList(step.prefix, step.limit, step.back);
      case 'watch': {
        const at = this.#at(step.back);
        this.#watches.push({ real: collectWatch(this.#store, step.prefix, at.real), twin: collectWatch(this.#twin, step.prefix, at.twin) });
        return;
      }
      case 'burst':
        return await this.#burst(step.count);
      case 'compact': {
        await this.#settleWatches();
        const at = this.#at(step.back);
        await Promise.all([this.#store.compact(at.real), this.#twin.compact(at.twin)]);
        return;
      }
      case 'reopen': {
        if (this.#subject.reopen === undefined) return;
        await this.#settleWatches();
        this.#store = await this.#subject.reopen();
        for (const pair of this.#watches.splice(0)) {
          assert.ok(isStoreError(await pair.real.failure(), 'closed'));
          await pair.twin.stop();
        }
      }
    }
  }

  async #write(write: (store: Store, side: 'real' | 'twin') => Promise<Revision>): Promise<void> {
    const [real, twin] = await Promise.all([outcome(write(this.#store, 'real')), outcome(write(this.#twin, 'twin'))]);
    if (typeof real === 'number' && typeof twin === 'number') {
      const last = this.#revisions.at(-1);
      assert.ok(last !== undefined && real > last.real, 'revisions grow');
      this.#revisions.push({ real, twin });
    } else assert.deepEqual(real, twin);
  }

  /** Many writes at once; the real store chooses their order, and the twin follows it. */
  async #burst(count: number): Promise<void> {
    this.#bursts += 1;
    const names = Array.from({ length: count }, (_, index) => `/a/burst/${String(this.#bursts)}/${String(index)}`);
    const written = await Promise.all(names.map(async (name) => ({ name, revision: await this.#store.create(name, Buffer.from(name)) })));
    for (const { name, revision } of written.sort((a, b) => a.revision - b.revision)) {
      const twin = await this.#twin.create(name, Buffer.from(name));
      assert.ok(revision > (this.#revisions.at(-1)?.real ?? 0), 'revisions grow');
      this.#revisions.push({ real: revision, twin });
    }
  }

  async #compareList(prefix: string, limit: number | undefined, back: number): Promise<void> {
    const at = this.#at(back);
    let after: string | undefined;
    for (;;) {
      const page = { prefix, ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) };
      const [real, twin] = await Promise.all([
        outcome(this.#store.list({ ...page, revision: at.real })),
        outcome(this.#twin.list({ ...page, revision: at.twin })),
      ]);
      assert.deepEqual(printList(real), printList(twin));
      if (typeof real !== 'object' || real.remaining === 0) return;
      after = real.items.at(-1)?.key;
    }
  }

  /** Every watch that is not refused has delivered the same events as its twin. */
  async #settleWatches(): Promise<void> {
    const real = await this.#store.currentRevision();
    const twin = await this.#twin.currentRevision();
    for (const pair of [...this.#watches]) {
      const [a, b] = await Promise.all([outcome(pair.real.untilReached(real)), outcome(pair.twin.untilReached(twin))]);
      assert.deepEqual(a, b);
      const seen = pair.real.events.map((event) => ({
        ...event,
        revision: this.#revisions.find((known) => known.real === event.revision)?.twin,
      }));
      assert.deepEqual(seen, pair.twin.events);
      if (a !== undefined) this.#watches.splice(this.#watches.indexOf(pair), 1);
    }
  }

  async #expected(name: string, stale: boolean): Promise<{ readonly real: Revision; readonly twin: Revision }> {
    const { item } = await this.#twin.get(name);
    const current = this.#revisions.findIndex((known) => known.twin === item?.revision);
    const wanted = stale ? Math.max(0, current - 1) : current;
    return this.#revisions[wanted] ?? this.#at(0);
  }

  #at(back: number): { readonly real: Revision; readonly twin: Revision } {
    const found = this.#revisions[Math.max(0, this.#revisions.length - 1 - back)];
    assert.ok(found);
    return found;
  }
}

/** The value of a promise, or the reason of its `StoreError`. */
async function outcome<T>(promise: Promise<T>): Promise<T | string> {
  try {
    return await promise;
  } catch (error) {
    if (isStoreError(error)) return error.reason;
    throw error;
  }
}

function printItem(result: Awaited<ReturnType<Store['get']>> | string): unknown {
  return typeof result === 'string' ? result : result.item?.value.toString();
}

function printList(result: Awaited<ReturnType<Store['list']>> | string): unknown {
  return typeof result === 'string'
    ? result
    : { items: result.items.map((item) => `${item.key}=${item.value.toString()}`), remaining: result.remaining };
}
