import { describe, expect, it } from 'vitest';
import { fieldErrorText, listFaults, SchemaCheck } from '../../src/index.ts';
import type { JSONSchemaProps } from '../../src/index.ts';

const check = new SchemaCheck((pattern, text) => new RegExp(pattern).test(text));
const under = (schema: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { x: schema } });
const texts = (schema: JSONSchemaProps, value: unknown, old?: unknown): string[] =>
  check.faults(under(schema), { x: value }, '', old === undefined ? undefined : { value: { x: old } }).map(fieldErrorText);

describe('a value is checked against its schema', () => {
  const list: JSONSchemaProps = { type: 'array', items: { type: 'string' } };
  const cases: readonly [string, JSONSchemaProps, unknown, readonly string[]][] = [
    ['a type', { type: 'integer' }, 'a', ['x: Invalid value: "string": x in body must be of type integer: "string"']],
    ['a fraction', { type: 'integer' }, 1.5, ['x: Invalid value: "number": x in body must be of type integer: "number"']],
    ['an integer for a number', { type: 'number' }, 1, []],
    ['null', { type: 'string' }, null, ['x: Invalid value: "null": x in body must be of type string: "null"']],
    ['null where it may be', { type: 'string', nullable: true }, null, []],
    ['either of two types', { 'x-kubernetes-int-or-string': true }, '5%', []],
    [
      'neither',
      { 'x-kubernetes-int-or-string': true },
      [],
      ['x: Invalid value: "array": x in body must be of type integer,string: "array"'],
    ],
    ['an item', list, ['a', 1], ['x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer"']],
    ['a closed set', { type: 'string', enum: ['a', 'b'] }, 'c', ['x: Unsupported value: "c": supported values: "a", "b"']],
    ['a closed set of numbers', { type: 'integer', enum: [1, 2] }, 3, ['x: Unsupported value: 3: supported values: "1", "2"']],
    ['a length', { type: 'string', maxLength: 2 }, 'äöü', ['x: Too long: may not be more than 2 bytes']],
    ['a short text', { type: 'string', minLength: 2 }, 'ä', ['x: Invalid value: "ä": x in body should be at least 2 chars long']],
    ['a pattern', { type: 'string', pattern: '^a$' }, 'b', [`x: Invalid value: "b": x in body should match '^a$'`]],
    ['a maximum', { type: 'integer', maximum: 3 }, 4, ['x: Invalid value: 4: x in body should be less than or equal to 3']],
    [
      'an open minimum',
      { type: 'number', minimum: 0, exclusiveMinimum: true },
      0,
      ['x: Invalid value: 0: x in body should be greater than 0'],
    ],
    ['a multiple', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    ['no multiple', { type: 'integer', multipleOf: 5 }, 7, ['x: Invalid value: 7: x in body should be a multiple of 5']],
    ['many items', { ...list, maxItems: 1 }, ['a', 'b'], ['x: Too many: 2: must have at most 1 item']],
    ['few items', { ...list, minItems: 1 }, [], ['x: Invalid value: 0: x in body should have at least 1 items']],
    ['many members', { type: 'object', maxProperties: 0 }, { a: 1 }, ['x: Too many: 1: must have at most 0 items']],
    ['what is required', { type: 'object', required: ['a'] }, {}, ['x.a: Required value']],
    [
      'additional members',
      { type: 'object', additionalProperties: { type: 'integer' } },
      { a: 'b' },
      ['x.a: Invalid value: "string": x.a in body must be of type integer: "string"'],
    ],
    [
      'alternatives',
      { type: 'object', properties: { a: {}, b: {} }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid', 'x.a: Required value'],
    ],
    [
      'two of the alternatives',
      { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: 1, b: 1 },
      ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      'at least one',
      { type: 'string', anyOf: [{ pattern: '^a' }, { pattern: '^b' }] },
      'c',
      ['<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)', `x: Invalid value: "c": x in body should match '^a'`],
    ],
    ['not', { type: 'string', not: { enum: ['a'] } }, 'a', ['<nil>: Invalid value: "": "x" must not validate the schema (not)']],
    [
      'all of them',
      { type: 'integer', allOf: [{ minimum: 1 }, { maximum: 5 }] },
      0,
      [
        'x: Invalid value: 0: x in body should be greater than or equal to 1',
        '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)',
      ],
    ],
    [
      'an int32',
      { type: 'integer', format: 'int32' },
      2 ** 31,
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x'],
    ],
    ['a format', { type: 'string', format: 'date-time' }, 'now', ['x: Invalid value: "now": x in body must be of type date-time: "now"']],
    ['an unknown format', { type: 'string', format: 'colour' }, 'red', []],
  ];
  it.each(cases)('%s', (_name, schema, value, expected) => {
    expect(texts(schema, value)).toEqual(expected);
  });

  const formats: readonly [string, string, string][] = [
    ['date', '2024-02-29', '2023-02-29'],
    ['date-time', '2024-01-01T10:00:00.5+02:00', '2024-01-01 10:00:00'],
    ['duration', '1h30m', '1 fortnight'],
    ['ipv4', '10.0.0.1', '10.0.0.256'],
    ['ipv6', '::1', '10.0.0.1'],
    ['cidr', '10.0.0.0/8', '10.0.0.0/33'],
    ['mac', '00:11:22:33:44:55', '00:11:22:33:44'],
    ['uuid', '6BA7B810-9DAD-11D1-80B4-00C04FD430C8', '6ba7b810'],
    ['uuid4', '6ba7b810-9dad-41d1-80b4-00c04fd430c8', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['uri', 'https://example.com/a?b=c', 'example'],
    ['email', 'Someone <a.b@example.com>', 'a.b.example.com'],
    ['hostname', 'a.example.com', '-a.example.com'],
    ['byte', 'aGVsbG8=', 'hello'],
    ['hexcolor', '#ffcc00', '#ffcc0'],
    ['rgbcolor', 'rgb(1,2,3)', 'rgb(1,2,300)'],
    ['isbn', '978-0321751041', '978-0321751042'],
    ['creditcard', '4111-1111-1111-1111', '4111-1111-1111-1112'],
    ['ssn', '123-45-6789', '123-456-789'],
    ['k8s-short-name', 'a-b', 'A.b'],
    ['k8s-long-name', 'a.b', 'a..b'],
  ];
  it.each(formats)('format %s', (format, good, bad) => {
    expect(texts({ type: 'string', format }, good)).toEqual([]);
    expect(texts({ type: 'string', format }, bad)).toHaveLength(1);
  });

  it('what an update leaves as it was does not count', () => {
    const schema: JSONSchemaProps = {
      type: 'object',
      properties: {
        a: { type: 'string', maxLength: 1 },
        b: { type: 'integer' },
        keyed: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: { type: 'object', properties: { id: { type: 'string' }, n: { type: 'integer', maximum: 1 } } },
        },
        plain: { type: 'array', items: { type: 'integer', maximum: 1 } },
      },
    };
    const old = { a: 'long', b: 1, keyed: [{ id: 'x', n: 5 }], plain: [5] };
    expect(texts(schema, { ...old, b: 2 }, old)).toEqual([]);
    expect(
      texts(
        schema,
        {
          ...old,
          keyed: [
            { id: 'y', n: 1 },
            { id: 'x', n: 5 },
          ],
        },
        old,
      ),
    ).toEqual([]);
    expect(texts(schema, { ...old, a: 'other' }, old)).toEqual(['x.a: Too long: may not be more than 1 byte']);
    // A list without keys is one value.
    expect(texts(schema, { ...old, plain: [5, 1] }, old)).toEqual([
      'x.plain[0]: Invalid value: 5: x.plain[0] in body should be less than or equal to 1',
    ]);
  });

  it('sets and maps hold nothing twice', () => {
    const schema = under({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name', 'port'],
      items: { type: 'object' },
    });
    const items = [
      { name: 'a', port: 1 },
      { name: 'a', port: 2 },
      { port: 1, name: 'a', other: true },
    ];
    expect(listFaults(schema, { x: items }).map(fieldErrorText)).toEqual(['x[2]: Duplicate value: {"name":"a","port":1}']);
  });
});
