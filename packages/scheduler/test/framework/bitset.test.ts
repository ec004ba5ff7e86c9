import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitset } from '../../src/framework/bitset.ts';

const members = fc.uniqueArray(fc.nat(200), { maxLength: 60 });
const setOf = (bits: readonly number[]): Bitset => {
  const set = new Bitset();
  for (const bit of bits) set.add(bit);
  return set;
};
const sorted = (bits: Iterable<number>) => [...bits].sort((left, right) => left - right);

describe('Bitset', () => {
  it('does what a Set does, for sets of any two lengths', () => {
    fc.assert(
      fc.property(members, members, (left, right) => {
        const rightSet = new Set(right);
        expect(sorted(setOf(left).intersect(setOf(right)))).toEqual(sorted(left.filter((bit) => rightSet.has(bit))));
        expect(sorted(setOf(left).subtract(setOf(right)))).toEqual(sorted(left.filter((bit) => !rightSet.has(bit))));
        expect(sorted(setOf(left).union(setOf(right)))).toEqual(sorted(new Set([...left, ...right])));
        expect(sorted(setOf(left).copyFrom(setOf(right)))).toEqual(sorted(right));
        expect(setOf(left).size).toBe(left.length);
        expect(setOf(left).isEmpty).toBe(left.length === 0);
        const visited: number[] = [];
        setOf(left).forEach((bit) => visited.push(bit));
        expect(visited).toEqual(sorted(left));
      }),
    );
  });

  it('forgets what is deleted and ignores what it never had', () => {
    const set = setOf([1, 31, 32, 63, 64]);
    set.delete(31);
    set.delete(5000);
    expect([...set]).toEqual([1, 32, 63, 64]);
    expect([31, 32, 5000].map((bit) => set.has(bit))).toEqual([false, true, false]);
  });
});
