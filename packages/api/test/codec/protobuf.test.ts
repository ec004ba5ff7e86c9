import { describe, expect, it } from 'vitest';
import { decodeJson, decodeProtobuf, encodeProtobuf, encodeProtobufWatchEvent, schemaFor, schemaOfType } from '../../src/index.ts';
import type { ObjectDescriptor } from '../../src/index.ts';
import { oracleFiles } from './oracle.ts';

const watchEvent = schemaOfType('io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent');

function descriptor(group: string, version: string, kind: string): ObjectDescriptor {
  const found = kind === 'WatchEvent' ? watchEvent : schemaFor(group, version, kind);
  if (!found) throw new Error(`${group}/${version} ${kind} is not known`);
  return found;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('protobuf', () => {
  it.each(oracleFiles().map((file) => [file.name, file] as const))('writes %s byte for byte and reads it back', (_, file) => {
    const type = descriptor(file.group, file.version, file.kind);
    const { object } = decodeJson(type, file.json, { validation: 'Ignore' });
    expect(hex(encodeProtobuf(type, object))).toBe(hex(file.protobuf));
    const read = decodeProtobuf(file.protobuf, type);
    expect(JSON.stringify(read.object, null, 2)).toBe(file.json.trimEnd());
    expect(hex(encodeProtobuf(type, read.object))).toBe(hex(file.protobuf));
  });

  it('writes what is no pointer even when it is zero', () => {
    const type = descriptor('', 'v1', 'ConfigMap');
    const bytes = encodeProtobuf(type, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
    // ObjectMeta: name "a"; empty generateName, namespace, selfLink, uid, resourceVersion; generation 0; creationTimestamp empty.
    const meta = '0a0161' + '1200' + '1a00' + '2200' + '2a00' + '3200' + '3800' + '4200';
    const raw = `0a${(meta.length / 2).toString(16).padStart(2, '0')}${meta}`;
    const envelope = `0a0f0a02763112${'09'}${Buffer.from('ConfigMap').toString('hex')}12${(raw.length / 2).toString(16).padStart(2, '0')}${raw}1a002200`;
    expect(hex(bytes)).toBe(`6b387300${envelope}`);
  });

  it('carries lists, maps in order of their keys, negative numbers, other scripts and large values', () => {
    const type = descriptor('', 'v1', 'PodList');
    const list = {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '7', remainingItemCount: 9_007_199_254_740_991 },
      items: Array.from({ length: 100 }, (_, index) => ({
        metadata: { name: `p${index}`, labels: { b: 'größe', a: '日本' }, annotations: { x: 'y'.repeat(10_000) } },
        spec: { containers: [{ name: 'c', resources: {} }], priority: -5, activeDeadlineSeconds: -9_007_199_254_740_991 },
        status: {},
      })),
    };
    const bytes = encodeProtobuf(type, list);
    expect(decodeProtobuf(bytes).object).toEqual(list);
    const text = Buffer.from(bytes).toString('utf8');
    expect(text.indexOf('日本')).toBeLessThan(text.indexOf('größe'));
  });

  it('carries the unions of JSON schemas', () => {
    const type = descriptor('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
    const props = {
      type: 'object',
      items: [{ type: 'string' }],
      additionalProperties: true,
      additionalItems: false,
      dependencies: { a: ['b'], c: { type: 'string' } },
      default: { x: [1] },
      maximum: 1.5,
    };
    const text = JSON.stringify({
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      spec: { group: 'g', names: {}, scope: 'Cluster', versions: [{ name: 'v1', schema: { openAPIV3Schema: props } }] },
    });
    const { object } = decodeJson(type, text, { validation: 'Strict' });
    const read = decodeProtobuf(encodeProtobuf(type, object)).object;
    expect(read).toEqual(object);
    expect(read).toMatchObject({ spec: { versions: [{ schema: { openAPIV3Schema: props } }] } });
  });

  it('puts an encoded object into a watch event', () => {
    const type = descriptor('', 'v1', 'Secret');
    const secret = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { a: 'AAECAw==' }, type: 'Opaque' };
    const event = encodeProtobufWatchEvent('ADDED', encodeProtobuf(type, secret));
    expect(decodeProtobuf(event, watchEvent).object).toEqual({ type: 'ADDED', object: secret });
  });

  it.each([
    ['no prefix', '00'],
    ['a length beyond the end', '6b387300127f00'],
    ['no known kind', '6b3873000a0a0a027631120458585858'],
    ['no kind at all', '6b387300'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeProtobuf(new Uint8Array(Buffer.from(text, 'hex')))).toThrow(
      expect.objectContaining({ status: expect.objectContaining({ code: 400 }) }) as Error,
    );
  });

  it('never crashes on cut bytes', () => {
    const type = descriptor('apps', 'v1', 'Deployment');
    const whole = encodeProtobuf(type, {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'a' },
      spec: { template: { spec: { containers: [{ name: 'c', resources: {} }] } } },
      status: {},
    });
    for (let length = 0; length < whole.length; length++) {
      try {
        decodeProtobuf(whole.slice(0, length));
      } catch (error) {
        expect(error).toMatchObject({ status: { reason: 'BadRequest' } });
      }
    }
  });
});
