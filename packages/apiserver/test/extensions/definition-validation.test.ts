import { fieldErrorText } from '@bayplan/api';
import type { CustomResourceDefinition, JSONSchemaProps } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { definitionWarnings, validateDefinition } from '../../src/extensions/definition-validation.ts';
import { sharedPatterns } from '../../src/extensions/patterns.ts';
import { version, widgetDefinition } from './definitions.ts';

const at = 'spec.validation.openAPIV3Schema';

/** The faults of a definition as it would be created. */
async function faults(change: (definition: CustomResourceDefinition) => void, old?: CustomResourceDefinition): Promise<string[]> {
  const definition = structuredClone(widgetDefinition());
  definition.spec.names = { singular: 'widget', listKind: 'WidgetList', ...definition.spec.names };
  definition.status = { storedVersions: ['v1'] };
  change(definition);
  return (await validateDefinition(definition, old, await sharedPatterns())).map(fieldErrorText);
}

const withSchema =
  (schema: JSONSchemaProps, more: object = {}) =>
  (definition: CustomResourceDefinition) => {
    definition.spec.versions = [{ ...version('v1'), subresources: {}, schema: { openAPIV3Schema: schema }, ...more }];
  };
const root = (properties: Record<string, JSONSchemaProps>): JSONSchemaProps => ({ type: 'object', properties });

describe('a definition', () => {
  it('that is sound has no faults', async () => {
    expect(await faults(() => undefined)).toEqual([]);
  });

  const cases: readonly [string, (definition: CustomResourceDefinition) => void, readonly string[]][] = [
    [
      'a name that is not made of plural and group',
      (definition) => void (definition.metadata.name = 'widget.example.com'),
      ['metadata.name: Invalid value: "widget.example.com": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'no such scope',
      (definition) => void (definition.spec.scope = 'World'),
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'no storage version',
      (definition) => void (definition.spec.versions = [version('v1', { storage: false })]),
      [expect.stringMatching(/^spec.versions: Invalid value: .*: must have exactly one version marked as storage version$/) as string],
    ],
    [
      'a version without a schema',
      (definition) => void (definition.spec.versions = [{ name: 'v1', served: true, storage: true }]),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    [
      'a field without a type',
      withSchema(root({ a: {} })),
      [`${at}.properties[a].type: Required value: must not be empty for specified object fields`],
    ],
    ['a list without items', withSchema(root({ a: { type: 'array' } })), [`${at}.properties[a].items: Required value: must be specified`]],
    ['another root', withSchema({ type: 'string' }), [`${at}.type: Invalid value: "string": must be object at the root`]],
    [
      'a type within a junctor',
      withSchema(root({ a: { type: 'string', anyOf: [{ type: 'string' }] } })),
      [`${at}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [
      'a field that only a junctor names',
      withSchema({ ...root({ a: { type: 'object' } }), oneOf: [{ properties: { a: { properties: { b: { minLength: 1 } } } } }] }),
      [`${at}.properties[a].properties[b]: Required value: because it is defined in ${at}.oneOf[0].properties[a].properties[b]`],
    ],
    [
      'restricted metadata',
      withSchema(root({ metadata: { type: 'object', properties: { labels: { type: 'object' } } } })),
      [
        `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    ['metadata by name', withSchema(root({ metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } })), []],
    [
      'a pattern that is none',
      withSchema(root({ a: { type: 'string', pattern: '(' } })),
      [
        `${at}.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
      ],
    ],
    [
      'a pattern that RE2 does not have',
      withSchema(root({ a: { type: 'string', pattern: '^(?!x)' } })),
      [expect.stringContaining('error parsing regexp: invalid or unsupported Perl syntax: `(?!`') as string],
    ],
    [
      'an integer or string by both of its forms',
      withSchema(root({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } })),
      [],
    ],
    [
      'a default of a wrong type',
      withSchema(root({ a: { type: 'integer', default: 'x' } })),
      [expect.stringMatching(/properties\[a\]\.default: Invalid value: "string": .*must be of type integer: "string"$/) as string],
    ],
    [
      'a default with unknown fields',
      withSchema(root({ a: { type: 'object', properties: { b: { type: 'string' } }, default: { c: 1 } } })),
      [`${at}.properties[a].default: Invalid value: {"c":1}: must not have unknown fields`],
    ],
    [
      'keys of a list that are not there',
      withSchema(
        root({
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: {} },
          },
        }),
      ),
      [`${at}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k"]: entries must all be names of item properties`],
    ],
    [
      'keys that may be absent',
      withSchema(
        root({
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: { k: { type: 'string' } } },
          },
        }),
      ),
      [
        `${at}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      'keywords that are not supported',
      withSchema(root({ a: { type: 'object', $ref: '#/x', uniqueItems: true } })),
      [
        `${at}.properties[a].$ref: Forbidden: $ref is not supported`,
        `${at}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
    [
      'columns and scale',
      withSchema(root({ spec: { type: 'object' } }), {
        additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec' }],
        subresources: { scale: { specReplicasPath: '.status.n', statusReplicasPath: '.status.n' } },
      }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
      ],
    ],
    [
      'selectable fields',
      withSchema(root({ spec: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'object' } } } }), {
        selectableFields: [{ jsonPath: '.spec.a' }, { jsonPath: '.spec.a' }, { jsonPath: '.spec.b' }, { jsonPath: '.spec.c' }],
      }),
      [
        'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.a"',
        'spec.selectableFields[2].jsonPath: Invalid value: ".spec.b": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        'spec.selectableFields[3].jsonPath: Invalid value: ".spec.c": is an invalid path: does not refer to a valid field',
      ],
    ],
    [
      'a rule that does not compile',
      withSchema(
        root({ spec: { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.x > 1' }], properties: { y: { type: 'integer' } } } }),
      ),
      [expect.stringContaining(`${at}.properties[spec].x-kubernetes-validations[0].rule: Invalid value:`) as string],
    ],
    [
      'a webhook that is not said',
      (definition) => void (definition.spec.conversion = { strategy: 'Webhook' }),
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Required value',
      ],
    ],
    [
      'a group of Kubernetes without approval',
      (definition) => {
        definition.spec.group = 'sigs.k8s.io';
        definition.metadata.name = 'widgets.sigs.k8s.io';
      },
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
  ];
  it.each(cases)('%s', async (_name, change, expected) => {
    expect(await faults(change)).toEqual(expected);
  });

  it('keeps its names and the versions that objects may be stored in', async () => {
    const old = widgetDefinition();
    old.status = { storedVersions: ['v1'], conditions: [{ type: 'Established', status: 'True' }] };
    const found = await faults((definition) => {
      definition.spec.scope = 'Cluster';
      definition.spec.names.kind = 'Gadget';
      definition.spec.versions = [version('v2')];
      definition.status = { storedVersions: ['v1', 'v2'] };
    }, old);
    expect(found).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Gadget": field is immutable',
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ]);
  });

  it('warns of formats that mean nothing, once', () => {
    const definition = widgetDefinition();
    withSchema(root({ a: { type: 'string', format: 'colour' }, b: { type: 'integer', format: 'int32' } }))(definition);
    expect(definitionWarnings(definition)).toEqual(['unrecognized format "colour"']);
    expect(
      definitionWarnings({ ...definition, spec: { ...definition.spec, versions: structuredClone(definition.spec.versions) } }, definition),
    ).toEqual([]);
  });
});

describe('hostile input', () => {
  it('patterns of repeats of repeats are refused, evil ones are matched in linear time', async () => {
    const patterns = await sharedPatterns();
    expect(patterns.faultOf('((a{100}){100}){100}')).toBeDefined();
    expect(patterns.matches('^(a+)+$', `${'a'.repeat(200_000)}!`)).toBe(false);
    expect(patterns.matches('^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(50_000))).toBe(false);
  });

  it('a schema nested a thousand deep, or twenty thousand fields wide, is checked like any other', async () => {
    let deep: JSONSchemaProps = { type: 'string' };
    for (let depth = 0; depth < 1000; depth++) deep = { type: 'object', properties: { a: deep } };
    expect(await faults(withSchema(deep))).toEqual([]);
    const wide = root(Object.fromEntries(Array.from({ length: 20_000 }, (_value, at) => [`f${at.toString()}`, { type: 'string' }])));
    expect(await faults(withSchema(wide))).toEqual([]);
  });
});
