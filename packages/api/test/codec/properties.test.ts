import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyDefaults,
  builtinResources,
  decodeObject,
  decodeProtobuf,
  defaultFeatureGates,
  encodeProtobuf,
  schemaFor,
} from '../../src/index.ts';
import type { Descriptor, ObjectDescriptor } from '../../src/index.ts';

const scalars = {
  string: fc.string({ unit: 'grapheme', maxLength: 8 }),
  bool: fc.boolean(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  bytes: fc.base64String(),
  quantity: fc.constantFrom('1', '100m', '0.5', '1024Mi', '1e3', 0, 2),
  intOrString: fc.oneof(fc.integer(), fc.constantFrom('25%', 'http')),
  time: fc.constantFrom('2020-01-01T00:00:00Z', '1969-12-31T23:59:59+01:00'),
  microTime: fc.constantFrom('2020-01-01T00:00:00.123456Z', '2020-01-01T00:00:00Z'),
} as const;

/** Any JSON that could be meant as this type, nulls and unset fields included; shallow where types nest endlessly. */
function jsonOf(descriptor: Descriptor, depth: number): fc.Arbitrary<unknown> {
  switch (descriptor.type) {
    case 'scalar':
      return scalars[descriptor.scalar];
    case 'any':
      return descriptor.form.startsWith('jsonOr') ? fc.constant({ type: 'string' }) : fc.constant({ a: [1, 'b', null] });
    case 'list':
      return fc.array(jsonOf(descriptor.items, depth - 1), { maxLength: 2 });
    case 'map':
      return fc.dictionary(fc.string({ maxLength: 4 }), jsonOf(descriptor.values, depth - 1), { maxKeys: 2 });
    case 'object': {
      if (depth <= 0) return fc.constant({});
      const fields = [...descriptor.fields.values()].filter(({ name }) => name !== 'apiVersion' && name !== 'kind');
      return fc
        .subarray(fields, { maxLength: Math.min(4, fields.length) })
        .chain((chosen) =>
          fc.record(Object.fromEntries(chosen.map((field) => [field.name, fc.option(jsonOf(field.value, depth - 1), { freq: 8 })]))),
        );
    }
  }
}

const kinds = builtinResources.map(({ group, version, kind }) => {
  const descriptor = schemaFor(group, version, kind);
  if (!descriptor) throw new Error(kind);
  return { group, version, kind, descriptor };
});

const anyObject = fc.constantFrom(...kinds).chain(({ group, version, kind, descriptor }) =>
  jsonOf(descriptor, 7).map((value) => {
    const json = { ...(value as object), apiVersion: group === '' ? version : `${group}/${version}`, kind };
    return { group, version, kind, descriptor: descriptor as ObjectDescriptor, json };
  }),
);

describe('any object of any kind', () => {
  it('decodes to something that decodes to itself', () => {
    fc.assert(
      fc.property(anyObject, ({ descriptor, json }) => {
        const once = decodeObject(descriptor, json, { validation: 'Strict' });
        expect(once.problems).toEqual([]);
        expect(decodeObject(descriptor, once.object, { validation: 'Strict' })).toEqual(once);
      }),
      { numRuns: 1500 },
    );
  });

  it('comes back from protobuf as it went', () => {
    fc.assert(
      fc.property(anyObject, ({ descriptor, json }) => {
        const { object } = decodeObject(descriptor, json, { validation: 'Ignore' });
        const bytes = encodeProtobuf(descriptor, object);
        const read = decodeProtobuf(bytes).object;
        expect(encodeProtobuf(descriptor, read)).toEqual(bytes);
        // Protobuf cannot tell an empty list or map from none.
        expect(withoutEmpty(read)).toEqual(withoutEmpty(object));
      }),
      { numRuns: 1500 },
    );
  });

  it('takes defaults that a second pass leaves alone', () => {
    fc.assert(
      fc.property(anyObject, ({ group, version, kind, descriptor, json }) => {
        const { object } = decodeObject(descriptor, json, { validation: 'Ignore' });
        applyDefaults(group, version, kind, object, defaultFeatureGates);
        const again = structuredClone(object);
        applyDefaults(group, version, kind, again, defaultFeatureGates);
        expect(again).toEqual(object);
      }),
      { numRuns: 1500 },
    );
  });
});

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, withoutEmpty(item)] as const)
    .filter(([, item]) => item !== null && item !== '');
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
