import { describe, expect, it } from 'vitest';
import { decodeJson, decodeObject, schemaFor, schemaOfType } from '../../src/index.ts';
import type { ObjectDescriptor } from '../../src/index.ts';
import { oracleFiles } from './oracle.ts';

function descriptor(group: string, version: string, kind: string): ObjectDescriptor {
  const found = kind === 'WatchEvent' ? schemaOfType('io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent') : schemaFor(group, version, kind);
  if (!found) throw new Error(`${group}/${version} ${kind} is not known`);
  return found;
}

const pod = descriptor('', 'v1', 'Pod');
const strict = { validation: 'Strict' } as const;

describe('decoding', () => {
  it.each(oracleFiles().map((file) => [file.name, file] as const))('keeps every field of %s, in Go order', (_, file) => {
    const { object, problems } = decodeJson(descriptor(file.group, file.version, file.kind), file.json, strict);
    expect(problems).toEqual([]);
    expect(JSON.stringify(object, null, 2)).toBe(file.json.trimEnd());
  });

  it('complains in the order of the document', () => {
    const sent = { spec: { colour: 1, containers: [{ imagee: 'x', ports: [{ port: 1 }] }] }, metadata: { hue: 1 } };
    expect(decodeObject(pod, sent, strict).problems).toEqual([
      'unknown field "spec.colour"',
      'unknown field "spec.containers[0].imagee"',
      'unknown field "spec.containers[0].ports[0].port"',
      'unknown field "metadata.hue"',
    ]);
  });

  it('prunes unknown fields and says where they stood', () => {
    const { object, problems } = decodeObject(
      pod,
      { metadata: { name: 'a', colour: 'red' }, spec: { containers: [{ name: 'c', imagee: 'x' }], 'a.b': 1 } },
      strict,
    );
    expect(problems).toEqual(['unknown field "metadata.colour"', 'unknown field "spec.containers[0].imagee"', 'unknown field "spec.a.b"']);
    expect(object).toEqual({ metadata: { name: 'a' }, spec: { containers: [{ name: 'c', resources: {} }] }, status: {} });
  });

  it('says nothing under Ignore', () => {
    expect(decodeObject(pod, { foo: 1 }, { validation: 'Ignore' }).problems).toEqual([]);
    expect(decodeJson(pod, '{"metadata":{"name":"a","name":"b"}}', { validation: 'Ignore' }).problems).toEqual([]);
  });

  it('finds duplicate fields with their paths', () => {
    const text =
      '{"metadata":{"name":"a","na\\u006de":"b"},"spec":{"containers":[{"name":"x"},{"name":"y","image":"i,{","image":"\\\\"}]}}';
    expect(decodeJson(pod, text, strict).problems).toEqual([
      'duplicate field "metadata.name"',
      'duplicate field "spec.containers[1].image"',
    ]);
  });

  it('accepts null for anything and drops what Go would drop', () => {
    const { object } = decodeObject(
      pod,
      {
        metadata: { creationTimestamp: null, labels: {}, name: 'a' },
        spec: { hostNetwork: false, volumes: [], containers: null, tolerations: null },
      },
      strict,
    );
    expect(object).toEqual({ metadata: { name: 'a' }, spec: { containers: null }, status: {} });
  });

  it('writes structs and required zero values as Go does', () => {
    const { object } = decodeObject(descriptor('apps', 'v1', 'ReplicaSet'), { metadata: { name: 'a' } }, strict);
    expect(object).toEqual({
      metadata: { name: 'a' },
      spec: { selector: null, template: { metadata: {}, spec: { containers: null } } },
      status: { replicas: 0 },
    });
  });

  it('adds and drops nothing when it is to be sparse, but for nulls and unknown fields', () => {
    const applied = {
      metadata: { name: 'a', labels: {}, creationTimestamp: null },
      spec: { hostNetwork: false, containers: [{ name: 'c', foo: 1, resources: { limits: { cpu: 1 } } }] },
    };
    const { object, problems } = decodeObject(pod, applied, { validation: 'Warn', sparse: true });
    expect(object).toEqual({
      metadata: { name: 'a', labels: {} },
      spec: { hostNetwork: false, containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }] },
    });
    expect(problems).toEqual(['unknown field "spec.containers[0].foo"']);
  });

  it('makes quantities and times canonical', () => {
    const { object } = decodeObject(
      pod,
      {
        metadata: { creationTimestamp: '2020-01-01T02:00:00.5+02:00' },
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }] },
      },
      strict,
    );
    expect(object).toMatchObject({
      metadata: { creationTimestamp: '2020-01-01T00:00:00Z' },
      spec: { containers: [{ resources: { limits: { cpu: '500m', memory: '1Gi' } } }] },
    });
  });

  it.each([
    [{ spec: { containers: 'x' } }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container'],
    [{ metadata: { labels: { a: 1 } } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels.a of type string'],
    [{ spec: { priority: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32'],
    [{ spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } }, 'quantities must match the regular expression'],
  ])('refuses %j', (value, text) => {
    expect(() => decodeObject(pod, value, strict)).toThrow(text);
    expect(() => decodeObject(pod, value, strict)).toThrow('Pod in version "v1" cannot be handled as a Pod: ');
  });

  it('refuses bytes that are no base64', () => {
    const secret = descriptor('', 'v1', 'Secret');
    expect(() => decodeObject(secret, { data: { a: 'not base64!' } }, strict)).toThrow('illegal base64 data at input byte 3');
    expect(decodeObject(secret, { data: { a: 'YWJj\nZGVm', b: 'AB==' } }, strict).object).toMatchObject({
      data: { a: 'YWJjZGVm', b: 'AA==' },
    });
  });

  it('decodes the unions of JSON schemas', () => {
    const crd = descriptor('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
    const schema = { type: 'object', properties: { a: { items: { type: 'string', colour: 1 }, additionalProperties: true } } };
    const { problems } = decodeObject(
      crd,
      { spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] } },
      strict,
    );
    expect(problems).toEqual(['unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.items.colour"']);
  });
});

describe('decoding a custom resource', () => {
  const string = { type: 'scalar', scalar: 'string', values: [] } as const;
  const field = (name: string, value: ObjectDescriptor | typeof string) =>
    [name, { name, value, required: false, pointer: true, omit: 'empty', patchStrategies: [], number: 0, inlinedIn: [] } as const] as const;
  const spec: ObjectDescriptor = {
    type: 'object',
    name: 'spec',
    fields: new Map([field('a', string)]),
    mapType: 'granular',
    preserveUnknown: false,
    embeddedResource: false,
    dynamic: true,
  };
  const custom: ObjectDescriptor = { ...spec, name: 'Widget', fields: new Map([field('spec', spec)]) };

  it('prunes unknown fields and keeps values as sent', () => {
    const { object, problems } = decodeObject(custom, { spec: { a: 5, b: 1 } }, strict);
    expect(object).toEqual({ spec: { a: 5 } });
    expect(problems).toEqual(['unknown field "spec.b"']);
  });

  it('keeps unknown fields where the schema preserves them', () => {
    const open = { ...custom, fields: new Map([field('spec', { ...spec, preserveUnknown: true })]) };
    expect(decodeObject(open, { spec: { b: { c: null } } }, strict)).toEqual({ object: { spec: { b: { c: null } } }, problems: [] });
  });
});
