import { FakeClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { Limiter } from '../src/pods/limiter.ts';
import { formatDelay, nextAttempt } from '../src/pods/restart-backoff.ts';
import { TimerWheel } from '../src/probes/timer-wheel.ts';
import { attempt } from './support/pods.ts';

describe('Timer wheel', () => {
  it('runs tasks in their second, and has no timer without tasks', async () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const ran: string[] = [];
    wheel.add(1, () => ran.push('one'));
    const cancelled = wheel.add(2, () => ran.push('cancelled'));
    wheel.add(3, () => ran.push('three'));
    wheel.cancel(cancelled);
    await clock.advance(1_500);
    expect(ran).toEqual(['one']);
    await clock.advance(2_000);
    expect(ran).toEqual(['one', 'three']);
    expect(wheel.size).toBe(0);
  });
});

describe('Limiter', () => {
  it('runs no more than it may, in order', async () => {
    const limiter = new Limiter(2);
    const { signal } = new AbortController();
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3, 4].map((index) =>
        limiter.run(async () => {
          most = Math.max(most, ++running);
          await Promise.resolve();
          order.push(index);
          running -= 1;
        }, signal),
      ),
    );
    expect([most, order]).toEqual([2, [0, 1, 2, 3, 4]]);
  });

  it('lets a waiting one give up', async () => {
    const limiter = new Limiter(1);
    let release: () => void = () => undefined;
    const first = limiter.run(() => new Promise<void>((resolve) => (release = resolve)), new AbortController().signal);
    const abort = new AbortController();
    const second = limiter.run(() => Promise.resolve('never'), abort.signal);
    abort.abort(new Error('changed its mind'));
    await expect(second).rejects.toThrow('changed its mind');
    release();
    await first;
    await expect(limiter.run(() => Promise.resolve('free'), new AbortController().signal)).resolves.toBe('free');
  });
});

describe('Restart backoff', () => {
  it('doubles from ten seconds to five minutes', () => {
    const delays: string[] = [];
    let delayMs = 0;
    for (let restart = 0; restart < 8; restart++) {
      const next = nextAttempt(attempt('main', { state: 'exited', restartDelayMs: delayMs }));
      delays.push(formatDelay(next.delayMs));
      delayMs = next.delayAfterNextMs;
    }
    expect(delays).toEqual(['0s', '10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s']);
  });
});
