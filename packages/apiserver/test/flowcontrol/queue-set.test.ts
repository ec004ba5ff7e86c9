import { FakeClock } from '@bayplan/component-base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueueSet } from '../../src/flowcontrol/queue-set.ts';
import type { Ticket } from '../../src/flowcontrol/queue-set.ts';
import { shareOut } from '../../src/flowcontrol/share-out.ts';
import { deal, hashOf } from '../../src/flowcontrol/shuffle-sharding.ts';

const never = new AbortController().signal;
const limits = { signal: never, maxMs: 1000 };
const settings = { queues: 64, handSize: 6, queueLengthLimit: 50 };

describe('a hand', () => {
  it('has different cards, the same ones for the same flow', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 8 }), (text, deck, hand) => {
        const size = Math.min(hand, deck);
        const cards = deal(hashOf(text), deck, size);
        expect(new Set(cards).size).toBe(size);
        expect(Math.min(...cards)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...cards)).toBeLessThan(deck);
        expect(deal(hashOf(text), deck, size)).toEqual(cards);
      }),
    );
  });

  it('is seldom the same for two flows', () => {
    const hands = new Set(Array.from({ length: 1000 }, (_one, index) => deal(hashOf(`flow ${index.toString()}`), 64, 6).join()));
    expect(hands.size).toBeGreaterThan(995);
  });
});

describe('seats', () => {
  it('are given up to the limit, then in turn', async () => {
    const clock = new FakeClock();
    const set = new QueueSet(clock, 2, settings);
    const first = set.tryAdmit('s', 'a', 1);
    const second = set.tryAdmit('s', 'a', 1);
    expect(set.tryAdmit('s', 'b', 1)).toBeUndefined();
    if (first === undefined || second === undefined) return expect.fail();
    const running: Ticket[] = [first, second];
    const started: string[] = [];
    const ask = (flow: string): void => {
      void set.wait('s', flow, 1, hashOf(flow), limits).then((ticket) => {
        if (typeof ticket === 'string') return;
        started.push(flow);
        running.push(ticket);
      });
    };
    // One flow asks for much before the other asks for a little. Its hand has six queues, so six of its requests may come first.
    for (let count = 0; count < 20; count++) ask('greedy');
    ask('modest');
    for (let turn = 0; turn < 12; turn++) {
      const ticket = running.shift();
      if (ticket !== undefined) set.release(ticket);
      await clock.advance(5);
      expect(set.inUse).toBeLessThanOrEqual(2);
    }
    expect(started.indexOf('modest')).toBeGreaterThanOrEqual(0);
    expect(started.indexOf('modest')).toBeLessThanOrEqual(7);
  });

  it('are refused when a queue is full, when there is none, and after too long', async () => {
    const clock = new FakeClock();
    const set = new QueueSet(clock, 1, { queues: 1, handSize: 1, queueLengthLimit: 2 });
    set.tryAdmit('s', '', 1);
    const waiting = [set.wait('s', '', 1, 0, limits), set.wait('s', '', 1, 0, limits)];
    expect(await set.wait('s', '', 1, 0, limits)).toBe('queue-full');
    const gone = new AbortController();
    await clock.advance(1000);
    expect(await Promise.all(waiting)).toEqual(['time-out', 'time-out']);
    const cancelled = set.wait('s', '', 1, 0, { signal: gone.signal, maxMs: 1000 });
    gone.abort();
    expect(await cancelled).toBe('cancelled');
    expect(set.waiting).toBe(0);
    const rejecting = new QueueSet(clock, 1, undefined);
    rejecting.tryAdmit('s', '', 1);
    expect(await rejecting.wait('s', '', 1, 0, limits)).toBe('concurrency-limit');
  });

  it('are never given twice, whatever comes and goes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ flow: fc.integer({ min: 0, max: 4 }), seats: fc.integer({ min: 1, max: 3 }), stop: fc.boolean() }), {
          maxLength: 60,
        }),
        async (limit, steps) => {
          const clock = new FakeClock();
          const set = new QueueSet(clock, limit, { queues: 8, handSize: 2, queueLengthLimit: 10 });
          const running: Ticket[] = [];
          const check = (): void => {
            const used = running.reduce((sum, { seats }) => sum + seats, 0);
            expect(set.inUse).toBe(used);
            expect(used <= limit || running.length === 1).toBe(true);
          };
          for (const { flow, seats, stop } of steps) {
            const ticket = set.tryAdmit('s', flow.toString(), seats);
            if (ticket !== undefined) running.push(ticket);
            else
              void set.wait('s', flow.toString(), seats, hashOf(flow.toString()), limits).then((found) => {
                if (typeof found !== 'string') running.push(found);
              });
            await clock.advance(1);
            check();
            const ended = stop ? running.shift() : undefined;
            if (ended !== undefined) set.release(ended);
            await clock.advance(1);
            check();
          }
          while (running.length > 0) {
            const ended = running.shift();
            if (ended !== undefined) set.release(ended);
            await clock.advance(1);
          }
          expect([set.inUse, set.executing, set.waiting, set.waitingSeats]).toEqual([0, 0, 0, 0]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('seats that are lent', () => {
  it('go to whoever asks, within the limits of each', () => {
    // 100 seats; one level asks for 200, one is idle and keeps 10, one may have no more than 30.
    const { seats } = shareOut(100, [
      { min: 20, max: 1000, target: 200 },
      { min: 10, max: 1000, target: 10 },
      { min: 5, max: 30, target: 60 },
    ]);
    expect(seats[1]).toBe(10);
    expect(seats[2]).toBeLessThanOrEqual(30);
    expect(seats.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(99);
    expect(seats.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(100);
  });
});
