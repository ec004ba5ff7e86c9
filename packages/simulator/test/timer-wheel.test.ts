import { FakeClock } from '@bayplan/component-base';
import { expect, it } from 'vitest';
import { TimerWheel } from '../src/hollow/timer-wheel.ts';

it('runs every entry once, in order, and never early', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const start = clock.monotonic();
  const ran: { readonly wantedMs: number; readonly afterMs: number }[] = [];
  // Beyond 512 slots of 50 ms = 25.6 s an entry goes around more than once.
  const delays = [0, 1, 49, 50, 51, 1000, 25_599, 25_600, 25_601, 51_234, 100_000];
  for (const wantedMs of delays) wheel.after(wantedMs, () => ran.push({ wantedMs, afterMs: clock.monotonic() - start }));
  for (let step = 0; step < 3000; step += 1) await clock.advance(37);
  expect(ran.map((one) => one.wantedMs)).toEqual(delays);
  for (const { wantedMs, afterMs } of ran) {
    expect(afterMs).toBeGreaterThanOrEqual(wantedMs);
    // One slot, and one step of the test's clock.
    expect(afterMs).toBeLessThanOrEqual(wantedMs + 50 + 37 + 50);
  }
});

it('takes entries while it runs, and after a long sleep', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let count = 0;
  const again = (): void => {
    count += 1;
    wheel.after(1000, again);
  };
  wheel.after(1000, again);
  for (let step = 0; step < 100; step += 1) await clock.advance(100);
  expect(count).toBeGreaterThanOrEqual(9);
  const idle = new TimerWheel(clock);
  await clock.advance(1_000_000);
  let ran = false;
  idle.after(100, () => (ran = true));
  await clock.advance(60);
  expect(ran).toBe(false);
  await clock.advance(100);
  expect(ran).toBe(true);
});

it('forgets what was cancelled', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let ran = false;
  wheel.after(100, () => (ran = true))();
  wheel.after(200, () => undefined);
  await clock.advance(1000);
  expect(ran).toBe(false);
});
