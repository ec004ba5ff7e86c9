import { FieldPath, fieldErrorText } from '@bayplan/api';
import { describe, expect, test } from 'vitest';
import type { CelSchema, ValidationRule } from '../src/index.ts';
import { checkSchemaRules, compileSchemaRules, escapeName } from '../src/index.ts';

const rules = (...list: (string | ValidationRule)[]): Pick<CelSchema, 'x-kubernetes-validations'> => ({
  'x-kubernetes-validations': list.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
});
const object = (properties: Record<string, CelSchema>, more: CelSchema = {}): CelSchema => ({ type: 'object', properties, ...more });
const integer: CelSchema = { type: 'integer' };

function faults(schema: CelSchema): string[] {
  return checkSchemaRules(schema, FieldPath.of('schema')).map(fieldErrorText);
}
function errors(schema: CelSchema, value: unknown, old?: unknown, root = true): string[] {
  return compileSchemaRules(schema, { resourceRoot: root })?.validate(value, old).errors.map(fieldErrorText) ?? ['no rules'];
}

describe('the rules of a schema', () => {
  test('that are sound pass', () => {
    const sound = object({ spec: object({ a: integer, b: integer }, rules('self.a < self.b', { rule: 'self.a > 0', message: 'a' })) });
    expect(faults(sound)).toEqual([]);
  });

  test('that do not compile are named with their place', () => {
    const [first, second, third] = faults(object({ spec: object({ a: integer }, rules('self.b > 1', 'self.a + "x" == ""', 'self.a')) }));
    const at = 'schema.properties[spec].x-kubernetes-validations';
    expect(first).toBe(
      `${at}[0].rule: Invalid value: {"rule":"self.b > 1","message":"","messageExpression":""}: compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b > 1\n | ....^`,
    );
    expect(second).toContain("found no matching overload for '_+_' applied to '(int, string)'");
    expect(third).toContain('cel expression must evaluate to a bool');
  });

  test('with bad parts are refused', () => {
    const spec = (rule: ValidationRule): string => faults(object({ spec: object({ a: integer }, rules(rule)) }))[0] ?? '';
    const at = 'schema.properties[spec].x-kubernetes-validations[0]';
    expect(spec({ rule: ' ' })).toBe(`${at}.rule: Required value: rule is not specified`);
    expect(spec({ rule: 'true', message: 'two\nlines' })).toContain('must not contain line breaks');
    expect(spec({ rule: 'true\n && true' })).toContain('message must be specified if rule contains line breaks');
    expect(spec({ rule: 'true', reason: 'Nope' })).toContain(`${at}.reason: Unsupported value: "Nope"`);
    expect(spec({ rule: 'true', fieldPath: '.b' })).toBe(`${at}.fieldPath: Invalid value: ".b": must be a valid path`);
    expect(spec({ rule: 'true', fieldPath: '.a' })).toBe('');
    expect(spec({ rule: 'true', optionalOldSelf: true })).toContain('may not be set if oldSelf is not used in rule');
    expect(spec({ rule: 'true', messageExpression: '1' })).toContain('messageExpression must evaluate to a string');
  });

  test('whose cost has no bound are refused, and those with bounds are not', () => {
    const text: CelSchema = { type: 'string' };
    const loose = object({ list: { type: 'array', items: { ...text, ...rules("self.contains('foobar')") } } });
    expect(faults(loose)[0]).toBe(
      'schema.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
    );
    const bound = { type: 'array', maxItems: 10, items: { ...text, maxLength: 100, ...rules("self.contains('foobar')") } };
    expect(faults(object({ list: bound }))).toEqual([]);
    const unbound = object({ list: { type: 'array', items: integer, ...rules('self.all(a, self.all(b, a == b))') } });
    expect(faults(unbound)[0]).toContain('exceeds budget by factor of more than 100x');
  });

  test('cannot compare with what has no counterpart', () => {
    const list: CelSchema = { type: 'array', maxItems: 3, items: object({ k: integer }, rules('self.k >= oldSelf.k')) };
    expect(faults(object({ list }))[0]).toContain(
      'oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[list]',
    );
    expect(faults(object({ list: { ...list, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] } }))).toEqual([]);
  });
});

describe('an object under rules', () => {
  test('fails with the message, the message expression or the rule, at its field', () => {
    const schema = object({
      spec: object(
        { min: integer, max: integer, name: { type: 'string', ...rules("self != 'x'") } },
        rules(
          { rule: 'self.min <= self.max', message: ' min must not exceed max ' },
          { rule: 'self.min < 5', messageExpression: "'min is ' + string(self.min)", fieldPath: '.min', reason: 'FieldValueForbidden' },
        ),
      ),
    });
    expect(errors(schema, { spec: { min: 1, max: 2 } })).toEqual([]);
    expect(errors(schema, { spec: { min: 9, max: 2, name: 'x' } })).toEqual([
      'spec: Invalid value: min must not exceed max',
      'spec.min: Forbidden: min is 9',
      `spec.name: Invalid value: "x": failed rule: self != 'x'`,
    ]);
  });

  test('names its root as Kubernetes does', () => {
    const schema = object({}, rules("self.metadata.name.startsWith('a')"));
    expect(errors(schema, { metadata: { name: 'b' } })).toEqual(["<nil>: Invalid value: failed rule: self.metadata.name.startsWith('a')"]);
  });

  test('is compared with its old self only when there is one', () => {
    const schema = object({ n: { ...integer, ...rules('self >= oldSelf') } });
    expect(errors(schema, { n: 1 })).toEqual([]);
    expect(errors(schema, { n: 1 }, {})).toEqual([]);
    expect(errors(schema, { n: 1 }, { n: 2 })).toEqual(['n: Invalid value: 1: failed rule: self >= oldSelf']);
    const optional = object({ n: { ...integer, ...rules({ rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true }) } });
    expect(errors(optional, { n: 2 })).toHaveLength(1);
    expect(errors(optional, { n: 2 }, { n: 1 })).toEqual([]);
  });

  test('has elements of lists of type map compared by key', () => {
    const items = object({ k: { type: 'string' }, v: { ...integer, ...rules('self >= oldSelf') } });
    const list: CelSchema = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };
    const [old, next] = [
      [
        { k: 'a', v: 5 },
        { k: 'b', v: 1 },
      ],
      [
        { k: 'b', v: 2 },
        { k: 'a', v: 4 },
        { k: 'c', v: 0 },
      ],
    ];
    expect(errors(object({ list }), { list: next }, { list: old })).toEqual(['list[1].v: Invalid value: 4: failed rule: self >= oldSelf']);
  });

  test('is not held to rules about what did not change', () => {
    const schema = object({ spec: object({ n: { ...integer, ...rules('self < 5') }, m: integer }) });
    const compiled = compileSchemaRules(schema);
    const result = compiled?.validate({ spec: { n: 9, m: 2 } }, { spec: { n: 9, m: 1 } });
    expect(result?.errors).toEqual([]);
    expect(result?.warnings).toEqual(['spec.n: Invalid value: 9: failed rule: self < 5']);
    expect(compiled?.validate({ spec: { n: 8 } }, { spec: { n: 9 } }).errors).toHaveLength(1);
  });

  test('reads formats, escaped names and int-or-string', () => {
    const schema = object(
      {
        at: { type: 'string', format: 'date-time' },
        ttl: { type: 'string', format: 'duration' },
        data: { type: 'string', format: 'byte' },
        'a-b.c': integer,
        namespace: { type: 'string' },
        port: { 'x-kubernetes-int-or-string': true },
        ratio: { type: 'number' },
      },
      rules(
        "self.at > timestamp('2000-01-01T00:00:00Z')",
        "self.ttl == duration('1h')",
        'size(self.data) == 2',
        'self.a__dash__b__dot__c == 1',
        "self.__namespace__ == 'x'",
        "type(self.port) == string ? self.port == 'http' : self.port < 10",
        'self.ratio == 2.0',
      ),
    );
    const value = { at: '2024-01-01T00:00:00Z', ttl: '60m', data: 'aGk=', 'a-b.c': 1, namespace: 'x', port: 'http', ratio: 2 };
    expect(faults(schema).filter((fault) => fault.includes('compilation'))).toEqual([]);
    expect(errors(schema, value)).toEqual([]);
    expect(errors(schema, { ...value, port: 80 })).toHaveLength(1);
  });

  test('treats lists of type set as sets', () => {
    const set: CelSchema = { type: 'array', items: integer, 'x-kubernetes-list-type': 'set' };
    const schema = object({ a: set, b: set }, rules('self.a == self.b', 'self.a + self.b == self.a'));
    expect(errors(schema, { a: [1, 2], b: [2, 1] })).toEqual([]);
    expect(errors(schema, { a: [1, 2], b: [2, 3] })).toHaveLength(2);
  });

  test('says what went wrong in a rule, and stops when the budget is gone', () => {
    const schema = object({ a: integer }, rules('1 / self.a > 0', 'self.a == 0'));
    expect(errors(schema, { a: 0 })).toEqual(['<nil>: Invalid value: "object": division by zero evaluating rule: 1 / self.a > 0']);
    expect(errors(schema, {})[0]).toContain('no such key: a evaluating rule');
    const result = compileSchemaRules(schema)?.validate({ a: 0 }, undefined, { budget: 1 });
    expect(result?.errors.map(fieldErrorText)).toEqual([
      '<nil>: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    ]);
    expect(result?.remaining).toBe(-1);
  });
});

test.each([
  ['a-b', 'a__dash__b'],
  ['a.b/c', 'a__dot__b__slash__c'],
  ['a__b', 'a__underscores__b'],
  ['namespace', '__namespace__'],
  ['in', '__in__'],
  ['plain_1', 'plain_1'],
  ['1a', undefined],
  ['a b', undefined],
])('the property %s is named %s', (name, escaped) => {
  expect(escapeName(name)).toBe(escaped);
});
