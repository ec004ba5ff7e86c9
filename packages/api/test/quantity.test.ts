import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalQuantity, formatBytes, formatMilli, isQuantity, milliOf, parseQuantity, Quantity, unitsOf } from '../src/index.ts';

describe('quantities', () => {
  it.each([
    ['0', '0'],
    ['1', '1'],
    ['1000', '1k'],
    ['1500m', '1500m'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.5Gi', '1536Mi'],
    ['1024Ki', '1Mi'],
    ['1023', '1023'],
    ['0.5Ki', '512'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['1E', '1E'],
    ['1.0001m', '1000100n'],
    ['-5Mi', '-5Mi'],
    ['+2', '2'],
    ['0.1n', '1n'],
    ['100000000000000000000', '9223372036854775807'],
  ])('prints %s as %s', (text, canonical) => {
    expect(parseQuantity(text).toString()).toBe(canonical);
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each(['', 'a', '1x', '1.2.3', '--1', '1 Gi', 'Mi', '1e', '.'])('refuses %j', (text) => {
    expect(isQuantity(text)).toBe(false);
    expect(() => parseQuantity(text)).toThrow(/quantities must match/);
  });

  it('rounds up to whole thousandths and units', () => {
    expect(milliOf('1.0001')).toBe(1001);
    expect(milliOf('2')).toBe(2000);
    expect(milliOf('250m')).toBe(250);
    expect(unitsOf('1500m')).toBe(2);
    expect(unitsOf('64Mi')).toBe(67_108_864);
    expect(unitsOf('1G')).toBe(1_000_000_000);
    expect(milliOf(undefined)).toBe(0);
    expect(formatMilli(250)).toBe('250m');
    expect(formatBytes(67_108_864)).toBe('64Mi');
  });

  it('reads back what it prints, and adds and compares as whole numbers do', () => {
    const nanos = fc.bigInt(-(10n ** 24n), 10n ** 24n);
    const format = fc.constantFrom('DecimalSI' as const, 'BinarySI' as const, 'DecimalExponent' as const);
    fc.assert(
      fc.property(nanos, nanos, format, (left, right, how) => {
        const one = new Quantity(left, how);
        const other = new Quantity(right, how);
        expect(parseQuantity(one.toString()).nanos).toBe(left);
        expect(one.add(other).nanos).toBe(left + right);
        expect(one.subtract(other).nanos).toBe(left - right);
        expect(one.compare(other)).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
    );
  });

  it('takes the same value by the fast path as by the exact one', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi');
    fc.assert(
      fc.property(fc.nat(9_999_999), suffix, (digits, end) => {
        const text = `${digits.toString()}${end}`;
        expect(milliOf(text)).toBe(parseQuantity(text).toMilli());
        expect(unitsOf(text)).toBe(parseQuantity(text).toUnits());
      }),
    );
  });
});
