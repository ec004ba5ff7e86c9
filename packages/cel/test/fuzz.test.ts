import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { baseEnvironment, compile, dynType, perCallCostLimit } from '../src/index.ts';

const environment = baseEnvironment().extend({ variables: { x: dynType, self: dynType } });

/** What no step may cost more than, above the limit: one call is charged before it runs. */
const slack = perCallCostLimit;

function run(expression: string, self: unknown, costLimit = 20_000): void {
  const compiled = compile(expression, environment);
  if (!compiled.ok) {
    expect(compiled.issues.length).toBeGreaterThan(0);
    return;
  }
  const before = JSON.stringify(self);
  const { program } = compiled;
  const { min, max } = program.estimateCost();
  expect(min).toBeLessThanOrEqual(max);
  const result = program.evaluate({ self, x: 1 }, { costLimit });
  if (result.ok || !result.exceeded) expect(result.cost).toBeLessThanOrEqual(costLimit);
  else expect(result.cost).toBeLessThanOrEqual(costLimit + slack);
  expect(JSON.stringify(self)).toBe(before);
}

const json = fc.jsonValue({ maxDepth: 4 });
const pieces = fc.constantFrom(
  ...'1 2u 1.5 "a" b"x" true null [] [1,2] {"a":1} self x self.a self.b[0] ( ) [ ] { } , . ? : && || ! == != < in + - * / %'.split(' '),
  ...'.size() .map(e,e) .all(e,e) .filter(i,true) .exists(k,v,true) .matches("a+") .replace("","xx") .split("") .join() .contains("a")'.split(
    ' ',
  ),
  ...'.?a .orValue(1) [?0] has(self.a) duration("1s") timestamp("2024-01-01T00:00:00Z") quantity("1Mi") ip("::1") int( string( dyn('.split(
    ' ',
  ),
  ...'.sort() .distinct() .flatten() lists.range(5) .sum() .format([1]) .transformMap(k,v,v) sets.contains([1],[2]) type( \\ \' " 😀 # @ //'.split(
    ' ',
  ),
);

/** Expressions that mostly compile. */
const sound = fc.letrec<{ any: string; bool: string; list: string; text: string; number: string }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -9, max: 9 }).map((value) => `(${value.toString()})`),
    fc.constantFrom('9223372036854775807', 'int(self)', 'self.a'),
    fc.tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('list').map((list) => `${list}.size()`),
    tie('text').map((text) => `${text}.size()`),
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text.replaceAll(/[^ -~]|[\\"]/g, '_'))),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie('text'), tie('text'), tie('text')).map(([a, b, c]) => `${a}.replace(${b}, ${c})`),
    tie('list').map((list) => `${list}.map(e, string(e)).join("-")`),
    tie('number').map((number) => `string(${number})`),
  ),
  list: fc.oneof(
    { depthSize: 'small' },
    fc.array(tie('number'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie('list'), tie('bool')).map(([list, test]) => `${list}.filter(e, ${test})`),
    fc.tuple(tie('list'), tie('list')).map(([a, b]) => `${a}.map(e, ${b}.size() + e)`),
    tie('list').map((list) => `${list}.sort().reverse()`),
  ),
  bool: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('true', 'false', 'has(self.a)', 'self == x'),
    fc.tuple(tie('number'), fc.constantFrom('<', '>=', '=='), tie('number')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool')).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('list'), tie('bool')).map(([list, test]) => `${list}.all(e, ${test})`),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a}.contains(${b})`),
  ),
  any: fc.oneof(tie('number'), tie('text'), tie('list'), tie('bool')),
})).any;

/** These run long on a busy machine; nothing depends on how long. */
vi.setConfig({ testTimeout: 120_000 });

describe('whatever the expression', () => {
  test('of random pieces, compiling and evaluating never throw and never overspend', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), json, (parts, self) => {
        run(parts.join(''), self);
        run(parts.join(' '), self);
      }),
      { numRuns: 600 },
    );
  });

  test('of any characters, compiling never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        run(text, {});
      }),
      { numRuns: 300 },
    );
  });

  test('that makes sense, evaluating never throws, never overspends and leaves its input alone', () => {
    fc.assert(
      fc.property(sound, json, (expression, self) => {
        run(expression, self);
      }),
      { numRuns: 600 },
    );
  });
});

describe('the cost limit', () => {
  const ten = '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]';
  const grown = (steps: number): string => Array.from({ length: steps }).reduce<string>((text) => `(${text} + ${text})`, 'self');
  test.each([
    [
      'nested loops',
      `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${ten}.all(e, ${ten}.all(f, a + b + c + d + e + f >= 0))))))`,
    ],
    [
      'a string made longer and longer',
      `["x"].map(a, a.replace("", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")).map(a, a.replace("", a)).map(a, a.replace("", a)).map(a, a.replace("", a)).size() > 0`,
    ],
    [
      'a list made longer and longer',
      `[${ten}].map(a, a + a).map(a, a + a + a + a + a + a).map(a, ${'a + '.repeat(60)}a).map(a, ${'a + '.repeat(60)}a).map(a, ${'a + '.repeat(60)}a).size() > 0`,
    ],
    ['a range', 'lists.range(9223372036854775807).size() > 0'],
    [
      'a pattern that others backtrack on',
      `${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${ten}.all(e, !"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$"))))))`,
    ],
  ])('ends %s', (_, expression) => {
    const compiled = compile(expression, environment);
    if (!compiled.ok) throw new Error(compiled.text);
    const result = compiled.program.evaluate({ self: ['x'], x: 1 });
    expect(result).toMatchObject({ ok: false, exceeded: true, error: 'operation cancelled: actual cost limit exceeded' });
  });

  test.each([
    ['the size of a long string, again and again', 'self.text.size() >= 0'],
    ['a comparison of large objects, again and again', 'self.big == self.same'],
    ['a pass over many short strings, again and again', 'self.words.isSorted()'],
    ['the size of a large map, again and again', 'self.map.size() >= 0'],
    ['a number of a million digits, again and again', 'int(self.digits) > 0 || true'],
  ])('ends %s, though it costs little', (_, expression) => {
    const many = Array.from({ length: 20_000 }, (_unused, position) => position);
    const self = {
      text: 'é'.repeat(1_000_000),
      digits: '9'.repeat(1_000_000),
      words: many.map(() => 'a'),
      big: { many },
      same: { many: [...many] },
      map: Object.fromEntries(many.map((key) => [key.toString(), key])),
    };
    const compiled = compile(`${ten}.all(a, ${ten}.all(b, ${ten}.all(c, ${ten}.all(d, ${expression}))))`, environment);
    if (!compiled.ok) throw new Error(compiled.text);
    expect(compiled.program.evaluate({ self, x: 1 })).toMatchObject({ ok: false, exceeded: true });
  });

  test('refuses expressions nested deeper than 250', () => {
    const nested = compile(`${'('.repeat(300)}1${')'.repeat(300)}`, environment);
    expect(nested).toMatchObject({ ok: false, issues: [{ message: 'expression recursion limit exceeded: 250' }] });
    expect(compile(grown(12), environment).ok).toBe(true);
    const long = compile(`true${' && true'.repeat(5000)}`, environment);
    expect(long.ok && long.program.evaluate({}).ok).toBe(true);
  });
});
