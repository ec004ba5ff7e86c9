import { expect, test } from 'vitest';
import { FakeClock, microTimestamp, seededRandom, timestamp } from '../src/index.ts';

test('timers of a fake clock fire in order of their due time', async () => {
  const clock = new FakeClock();
  const fired: string[] = [];
  clock.after(20, () => fired.push('b'));
  clock.after(10, () => fired.push('a'));
  clock.after(15, () => fired.push('cancelled')).cancel();
  void clock.sleep(30).then(() => fired.push('c'));
  await clock.advance(25);
  expect(fired).toEqual(['a', 'b']);
  await clock.advance(5);
  expect(fired).toEqual(['a', 'b', 'c']);
  expect(clock.pending).toBe(0);
});

test('a sleep rejects with the reason of its signal', async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(1000, controller.signal);
  controller.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  expect(clock.pending).toBe(0);
});

test('timestamps are printed as Kubernetes prints them', () => {
  expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05Z');
  expect(microTimestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05.678000Z');
});

test('a seed repeats its values', () => {
  expect(seededRandom(7).suffix(5)).toBe(seededRandom(7).suffix(5));
  expect(seededRandom(7).uuid()).not.toBe(seededRandom(8).uuid());
});
