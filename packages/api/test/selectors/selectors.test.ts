import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFieldLabels, isBadRequest, parseFieldSelector, parseLabelSelector, selectorOf } from '../../src/index.ts';

describe('label selectors', () => {
  const labels = { a: '1', b: 'two', n: '5' };
  it.each([
    ['', true],
    ['a=1', true],
    ['a==1,b=two', true],
    ['a!=1', false],
    ['c!=1', true],
    ['a', true],
    ['!a', false],
    ['!c', true],
    ['b in (one, two)', true],
    ['b notin (one,two)', false],
    ['c notin (x)', true],
    ['n>4', true],
    ['n<4', false],
    ['b>4', false],
    ['a=', false],
    ['a in ()', false],
    ['a in (1,)', true],
    ['x.io/y=z', false],
    ['in in (in)', false],
  ])('matches %j: %s', (text, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected);
  });

  it.each(['a=1,', ',a', 'a b', 'a in 1', 'a in (1', '=', 'a=b=c', '!', 'a=$', '-a=1', 'n>x'])('refuses %j', (text) => {
    let error: unknown;
    try {
      parseLabelSelector(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(isBadRequest(error)).toBe(true);
  });

  it('prints what parses to the same', () => {
    const key = fc.constantFrom('a', 'b', 'x.io/c');
    const value = fc.constantFrom('1', 'two', '');
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom('=', '!='), value).map((parts) => parts.join('')),
      fc
        .tuple(key, fc.constantFrom(' in ', ' notin '), fc.uniqueArray(fc.constantFrom('1', '2'), { minLength: 1 }))
        .map(([one, how, all]) => `${one}${how}(${all.join(',')})`),
      key,
      key.map((one) => `!${one}`),
    );
    const map = fc.dictionary(key, value);
    fc.assert(
      fc.property(fc.array(term), map, (terms, object) => {
        const selector = parseLabelSelector(terms.join(','));
        const again = parseLabelSelector(selector.toString());
        expect(again.toString()).toBe(selector.toString());
        expect(again.matches(object)).toBe(selector.matches(object));
      }),
    );
  });

  it('takes an absent object for nothing and an empty one for everything', () => {
    expect(selectorOf(undefined).matches({})).toBe(false);
    expect(selectorOf({}).matches(undefined)).toBe(true);
    const selector = selectorOf({ matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'NotIn', values: ['x'] }] });
    expect(selector.matches(labels)).toBe(true);
    expect(selector.toString()).toBe('a=1,b notin (x)');
    expect(selector.exactValue('a')).toBe('1');
  });
});

describe('field selectors', () => {
  const get = (field: string): string => ({ 'spec.nodeName': 'n', 'status.phase': 'Running', odd: 'a,b=c\\' })[field] ?? '';
  it.each([
    ['', true],
    ['spec.nodeName=n', true],
    ['spec.nodeName==n,status.phase!=Failed', true],
    ['spec.nodeName!=n', false],
    ['spec.nodeName=', false],
    ['odd=a\\,b\\=c\\\\', true],
  ])('matches %j: %s', (text, expected) => {
    const selector = parseFieldSelector(text);
    expect(selector.matches(get)).toBe(expected);
    expect(parseFieldSelector(selector.toString())).toEqual(selector);
  });

  it('refuses what it cannot read or does not know', () => {
    expect(() => parseFieldSelector('a')).toThrow("invalid selector: 'a'; can't understand 'a'");
    expect(() => parseFieldSelector('a=b=c')).toThrow(/can't understand/);
    expect(() => checkFieldLabels(parseFieldSelector('x=1'), new Set(['a']))).toThrow('field label not supported: x');
    expect(() => checkFieldLabels(parseFieldSelector('x=1'), new Set(['metadata.name', 'metadata.namespace']))).toThrow(
      '"x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  });
});
