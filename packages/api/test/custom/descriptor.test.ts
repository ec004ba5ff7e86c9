import { describe, expect, it } from 'vitest';
import { applySchemaDefaults, compileJsonPath, customDescriptor, customTable, decodeObject, slimSchema } from '../../src/index.ts';
import type { JSONSchemaProps, KubeObject } from '../../src/index.ts';

const kind = { group: 'example.com', version: 'v1', kind: 'Widget' };

/** The `spec` of an object after pruning and defaulting by `schema`. */
function settled(schema: JSONSchemaProps, spec: unknown): { spec: unknown; problems: readonly string[] } {
  const descriptor = customDescriptor(kind, { type: 'object', properties: { spec: schema } });
  const { object, problems } = decodeObject(
    descriptor,
    { apiVersion: 'example.com/v1', kind: 'Widget', metadata: {}, spec },
    { validation: 'Strict' },
  );
  applySchemaDefaults(descriptor, object);
  return { spec: object['spec'], problems };
}

describe('pruning and defaulting', () => {
  const nested: JSONSchemaProps = { type: 'object', properties: { a: { type: 'string' } } };
  const cases: readonly [string, JSONSchemaProps, unknown, unknown, readonly string[]][] = [
    ['unknown fields go', nested, { a: 'b', c: 1 }, { a: 'b' }, ['unknown field "spec.c"']],
    ['unknown fields of objects without fields go', { type: 'object' }, { a: 1 }, {}, ['unknown field "spec.a"']],
    [
      'they stay where they may',
      { ...nested, 'x-kubernetes-preserve-unknown-fields': true },
      { a: 'b', c: { d: 1 } },
      { a: 'b', c: { d: 1 } },
      [],
    ],
    [
      'known objects below are pruned all the same',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: nested } },
      { other: { x: 1 }, known: { a: 'b', x: 1 } },
      { other: { x: 1 }, known: { a: 'b' } },
      ['unknown field "spec.known.x"'],
    ],
    [
      'values of maps',
      { type: 'object', additionalProperties: nested },
      { k: { a: 'b', c: 1 } },
      { k: { a: 'b' } },
      ['unknown field "spec.k.c"'],
    ],
    ['items', { type: 'array', items: nested }, [{ c: 1 }, { a: 'x' }], [{}, { a: 'x' }], ['unknown field "spec[0].c"']],
    ['a wrong type is left to validation', nested, { a: 5 }, { a: 5 }, []],
    [
      'defaults fill in below objects that are there',
      {
        type: 'object',
        properties: { a: { type: 'object', properties: { b: { type: 'integer', default: 3 } } }, c: { type: 'string', default: 'x' } },
      },
      { a: {} },
      { a: { b: 3 }, c: 'x' },
      [],
    ],
    [
      'a default is filled in below in its turn',
      { type: 'object', properties: { a: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 3 } } } } },
      {},
      { a: { b: 3 } },
      [],
    ],
    [
      'null counts as absence',
      { type: 'object', properties: { a: { type: 'string', default: 'x' }, b: { type: 'string' } } },
      { a: null, b: null },
      { a: 'x' },
      [],
    ],
    [
      'unless it may be null',
      { type: 'object', properties: { a: { type: 'string', default: 'x', nullable: true } } },
      { a: null },
      { a: null },
      [],
    ],
    [
      'embedded objects keep their type and metadata',
      { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: nested } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', junk: 1 }, spec: { a: 'b' }, other: 1 },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { a: 'b' } },
      ['unknown field "spec.metadata.junk"', 'unknown field "spec.other"'],
    ],
  ];
  it.each(cases)('%s', (_name, schema, given, expected, problems) => {
    expect(settled(schema, given)).toEqual({ spec: expected, problems });
  });

  it('metadata of a wrong type is refused', () => {
    const descriptor = customDescriptor(kind, { type: 'object' });
    expect(() => decodeObject(descriptor, { metadata: 'x' }, { validation: 'Warn' })).toThrow(/cannot unmarshal string/);
    expect(() => decodeObject(descriptor, { metadata: { labels: [] } }, { validation: 'Warn' })).toThrow(/metadata.labels/);
  });

  it('a slim schema has lost its prose and nothing else', () => {
    const schema: JSONSchemaProps = {
      type: 'object',
      description: 'x',
      properties: { description: { type: 'string', title: 'y', default: { title: 'z' } } },
    };
    expect(slimSchema(schema)).toEqual({ type: 'object', properties: { description: { type: 'string', default: { title: 'z' } } } });
  });
});

describe('paths of printer columns', () => {
  const object = {
    spec: {
      'a.b': 1,
      list: [
        { type: 'Ready', n: 3 },
        { type: 'Done', n: 4 },
      ],
      map: { x: 'y' },
    },
    metadata: { annotations: { 'example.com/a': 'v' } },
  };
  const cases: readonly [string, readonly unknown[]][] = [
    ['.spec.map.x', ['y']],
    ['.spec.a\\.b', [1]],
    [".metadata.annotations['example.com/a']", ['v']],
    ['.metadata.annotations.example\\.com/a', ['v']],
    ['.spec.list[0].type', ['Ready']],
    ['.spec.list[-1].n', [4]],
    ['.spec.list[*].n', [3, 4]],
    ['.spec.list[?(@.type=="Done")].n', [4]],
    [".spec.list[?(@.type == 'Done')].n", [4]],
    ['.spec.list[?(@.n>3)].type', ['Done']],
    ['.spec.list[1:].n', [4]],
    ['.spec.absent.deeper', []],
    ['..n', [3, 4]],
  ];
  it.each(cases)('%s', (path, expected) => {
    expect([...compileJsonPath(path)(object)].sort()).toEqual(expected);
  });

  it('a table shows what there is by the types of its columns', () => {
    const table = customTable([
      { name: 'Size', type: 'string', jsonPath: '.spec.size' },
      { name: 'Count', type: 'integer', jsonPath: '.spec.count', priority: 1 },
      { name: 'When', type: 'date', jsonPath: '.spec.when' },
      { name: 'Bad', type: 'date', jsonPath: '.spec.size' },
      { name: 'Object', type: 'string', jsonPath: '.spec.map' },
      { name: 'Broken', type: 'string', jsonPath: '.spec[' },
    ]);
    const row = { metadata: { name: 'w' }, spec: { size: 'big', count: 2.7, when: '2024-01-01T00:00:00Z', map: { a: 1 } } } as KubeObject;
    expect(table.cells(row, Date.parse('2024-01-03T00:00:00Z'))).toEqual(['w', 'big', 2, '2d', '<invalid>', '{"a":1}', null]);
    expect(table.columns.map(({ name, priority }) => [name, priority])).toContainEqual(['Count', 1]);
    expect(customTable(undefined).columns.map(({ name }) => name)).toEqual(['Name', 'Age']);
  });
});
