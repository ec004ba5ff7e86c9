import { createMetricsRegistry, FakeClock, silentLogger } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { createWorkQueue, runReconciler } from '../src/index.ts';

function queueOn(clock: FakeClock) {
  return createWorkQueue({ name: 'test', clock });
}

describe('a work queue', () => {
  it('holds a key once however often it is added', async () => {
    const queue = queueOn(new FakeClock());
    for (const key of ['a', 'b', 'a']) queue.add(key);
    expect(queue.length).toBe(2);
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b']);
  });

  it('keeps a key that is added while worked on until it is done', async () => {
    const queue = queueOn(new FakeClock());
    queue.add('a');
    await queue.take();
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
  });

  it('hands a key to a waiting taker and nothing to the next', async () => {
    const queue = queueOn(new FakeClock());
    const first = queue.take();
    const abort = new AbortController();
    const second = queue.take(abort.signal);
    queue.add('a');
    expect(await first).toBe('a');
    abort.abort();
    expect(await second).toBeUndefined();
  });

  it('adds a delayed key at the earliest of its times', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 70);
    await clock.advance(49);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('doubles the delay of a failing key until it is forgotten', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const delays: number[] = [];
    for (let failure = 0; failure < 4; failure++) {
      queue.addRateLimited('a');
      const startMs = clock.now();
      while (queue.length === 0) await clock.advance(1);
      delays.push(clock.now() - startMs);
      queue.done((await queue.take()) ?? '');
    }
    expect(delays).toEqual([5, 10, 20, 40]);
    expect(queue.retries('a')).toBe(4);
    queue.forget('a');
    expect(queue.retries('a')).toBe(0);
  });

  it('limits the retries of all keys together', async () => {
    const clock = new FakeClock();
    const queue = createWorkQueue({ name: 'test', clock, retriesPerSecond: 10, retryBurst: 3 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.addRateLimited(key);
    await clock.advance(5);
    expect(queue.length).toBe(3); // the burst
    await clock.advance(95);
    expect(queue.length).toBe(4); // one more after 100 ms
    await clock.advance(100);
    expect(queue.length).toBe(5);
  });

  it('answers nothing once it is shut down', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const waiting = queue.take();
    queue.addAfter('a', 10);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    expect(await queue.take()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('keeps its order over many keys', async () => {
    const queue = queueOn(new FakeClock());
    const taken: string[] = [];
    for (let index = 0; index < 5000; index++) queue.add(String(index));
    for (let index = 0; index < 5000; index++) taken.push((await queue.take()) ?? '');
    expect(taken).toEqual(Array.from({ length: 5000 }, (_, index) => String(index)));
  });

  it('reports its work under its name', async () => {
    const metrics = createMetricsRegistry({ processMetrics: false });
    const clock = new FakeClock();
    const queue = createWorkQueue({ name: 'test', clock, metrics });
    queue.add('a');
    queue.add('b');
    await queue.take();
    await clock.advance(2000);
    const text = await metrics.metrics();
    expect(text).toContain('workqueue_depth{name="test"} 1');
    expect(text).toContain('workqueue_adds_total{name="test"} 2');
    expect(text).toContain('workqueue_unfinished_work_seconds{name="test"} 2');
    expect(text.match(/^# TYPE workqueue_\S+/gm)?.sort()).toEqual([
      '# TYPE workqueue_adds_total',
      '# TYPE workqueue_depth',
      '# TYPE workqueue_longest_running_processor_seconds',
      '# TYPE workqueue_queue_duration_seconds',
      '# TYPE workqueue_retries_total',
      '# TYPE workqueue_unfinished_work_seconds',
      '# TYPE workqueue_work_duration_seconds',
    ]);
  });
});

describe('a reconciler', () => {
  it('retries a failing key and asks again when told to', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const abort = new AbortController();
    const seen: string[] = [];
    const stopped = runReconciler({
      queue,
      logger: silentLogger,
      signal: abort.signal,
      reconcile: async (key) => {
        seen.push(`${key} ${String(clock.now() - startMs)}`);
        if (seen.length === 1) throw new Error('first time');
        if (seen.length === 2) return { requeueAfterMs: 1000 };
        return undefined;
      },
    });
    const startMs = clock.now();
    queue.add('a');
    await clock.advance(5000);
    expect(seen).toEqual(['a 0', 'a 5', 'a 1005']);
    expect(queue.retries('a')).toBe(0);
    abort.abort();
    await stopped;
  });

  it('never works on one key twice at once', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const abort = new AbortController();
    let running = 0;
    let most = 0;
    let runs = 0;
    const reconcile = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await clock.sleep(10);
      running--;
      runs++;
    };
    const stopped = runReconciler({ queue, workers: 4, logger: silentLogger, signal: abort.signal, reconcile });
    for (let index = 0; index < 5; index++) {
      queue.add('a');
      await clock.advance(3);
    }
    await clock.advance(100);
    expect(most).toBe(1);
    expect(runs).toBe(3); // at 0, at 10 for what came meanwhile, at 20 for what came then
    abort.abort();
    await stopped;
  });
});
