import { describe, expect, it } from 'vitest';
import { LoopHealth } from '../../src/cluster/loop-health.ts';

const fault = (health: LoopHealth): Promise<unknown> =>
  health.check().then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
function later(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: () => resolve() };
}

const never = new Promise<void>(() => undefined);

describe('the health of a loop', () => {
  it('is bad before it has begun', async () => {
    expect(await fault(new LoopHealth('scheduler'))).toBe('scheduler has not started');
  });

  it('is good once it is ready, until it ends', async () => {
    const health = new LoopHealth('scheduler');
    const ready = later();
    const stopped = later();
    health.follow({ ready: ready.promise, stopped: stopped.promise });
    expect(await fault(health)).toBe('scheduler is filling its caches');
    ready.resolve();
    await ready.promise;
    expect(await fault(health)).toBeUndefined();
    stopped.resolve();
    await stopped.promise;
    expect(await fault(health)).toBe('scheduler has stopped');
  });

  it('tells why it ended', async () => {
    const health = new LoopHealth('controller-manager');
    health.follow({ stopped: never });
    expect(await fault(health)).toBeUndefined();
    const failing = Promise.reject(new Error('no lease'));
    health.follow({ stopped: failing });
    await failing.catch(() => undefined);
    expect(await fault(health)).toBe('controller-manager has stopped: no lease');
  });
});
