import { describe, expect, test } from 'vitest';
import type { CelType } from '../src/index.ts';
import { baseEnvironment, compile, schemaType } from '../src/index.ts';

const type = schemaType(
  {
    type: 'object',
    properties: {
      text: { type: 'string', maxLength: 10 },
      list: { type: 'array', maxItems: 5, items: { type: 'integer' } },
      names: { type: 'array', maxItems: 4, items: { type: 'string', maxLength: 3 } },
      map: { type: 'object', maxProperties: 7, additionalProperties: { type: 'string', maxLength: 2 } },
    },
  },
  false,
) as CelType;
const value = { text: 'abcdefghij', list: [1, 2, 3, 4, 5], names: ['a', 'b'], map: { x: 'y' } };

/** `expression`, what evaluating it costs, the most that it is estimated to cost. Worked out from Kubernetes' tables. */
const cases: readonly (readonly [string, number, number])[] = [
  // A name and each step below it cost 1, literals nothing, most calls 1.
  ['true', 0, 0],
  ['self.list[0] == 1', 4, 3],
  ['size(self.text) == 10', 4, 4],
  ['has(self.text)', 1, 1],
  // One unit for ten characters, of 4 bytes each at most before they are seen.
  ["self.text.startsWith('abc')", 3, 3],
  ["self.text.contains('abcdefghijk')", 4, 10],
  ["(self.text + 'x').size() > 1", 6, 9],
  // Expressions of one character in four, over text of ten a unit.
  ["self.text.matches('^a+$')", 4, 7],
  // A list made of other than literals costs 10; loops cost what their steps cost.
  ['self.list.all(x, x > 0)', 28, 28],
  ['self.list.exists(x, x > 4)', 33, 33],
  ['[self.text].size() == 1', 14, 14],
  ['[1, 2, 3].size() == 3', 2, 12],
  ['self.names.map(n, n.size()).sum() > 0', 34, 74],
  ["self.map.all(k, k != '')", 7, 31],
  // Keys have no bound in a schema, and count as nothing.
  ["self.map.all(k, k.contains('abc'))", 8, 31],
  // The cheaper branch counts when evaluated, the dearer before.
  ['self.list.size() > 0 ? true : self.list.all(x, x > 0)', 4, 32],
  ['self.list.size() > 9 && self.list.all(x, x > 0)', 4, 32],
];

describe('cost', () => {
  test.each(cases)('of %s is %d, at most %d', (expression, actual, estimated) => {
    const compiled = compile(expression, baseEnvironment().extend({ variables: { self: type } }));
    if (!compiled.ok) throw new Error(compiled.text);
    expect(compiled.program.evaluate({ self: value }).cost).toBe(actual);
    expect(compiled.program.estimateCost().max).toBe(estimated);
  });
});
