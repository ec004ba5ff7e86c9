import { FakeClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { sameTemplate, templateHash } from '../../src/deployment/pod-template.ts';
import { Expectations } from '../../src/runtime/expectations.ts';
import { canonicalJson, semanticallyEqual } from '../../src/runtime/semantic-equality.ts';
import { slowStart } from '../../src/runtime/slow-start.ts';

describe('expectations', () => {
  it('hold a key back until what was written is seen, or five minutes pass', async () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expectCreations('a', 2);
    expectations.creationSeen('a');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.creationSeen('a');
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expectDeletions('a', ['x', 'y']);
    expectations.deletionSeen('a', 'x');
    expect(expectations.satisfied('a')).toBe(false);
    await clock.advance(5 * 60_000 + 1);
    expect(expectations.satisfied('a')).toBe(true);
  });
});

describe('a slow start', () => {
  it('doubles its batches and stops at the first with an error', async () => {
    const batches: number[] = [];
    let running = 0;
    const run = async (index: number): Promise<void> => {
      running++;
      await Promise.resolve();
      if (running > 0) batches.push(running);
      running = 0;
      if (index === 4) throw new Error('quota');
    };
    const result = await slowStart(100, run);
    expect(batches).toEqual([1, 2, 4]);
    expect(result.succeeded).toBe(6); // 1 + 2 + 3 of 4
    expect((result.error as Error).message).toBe('quota');
    expect(await slowStart(0, run)).toEqual({ succeeded: 0, error: undefined });
  });
});

describe('semantic equality', () => {
  it('ignores order of fields and empty lists', () => {
    expect(semanticallyEqual({ a: 1, b: [] }, { a: 1 })).toBe(true);
    expect(semanticallyEqual({ a: 1 }, { a: 1, b: undefined })).toBe(true);
    expect(semanticallyEqual({ emptyDir: {} }, {})).toBe(false);
    expect(semanticallyEqual([1, 2], [2, 1])).toBe(false);
    expect(canonicalJson({ b: 1, a: [], c: { y: null, x: 2 } })).toBe('{"b":1,"c":{"x":2}}');
  });

  it('compares templates without their hash label', () => {
    const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const hashed = { metadata: { labels: { app: 'a', 'pod-template-hash': 'x' } }, spec: { containers: [{ image: 'i', name: 'c' }] } };
    expect(sameTemplate(template, hashed)).toBe(true);
    expect(templateHash(template, undefined)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(templateHash(template, undefined)).not.toBe(templateHash(template, 1));
  });
});
