import { decodeProtobuf } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { ask, watch } from './asking.ts';

let api: TestApiServer;
const collection = '/api/v1/namespaces/default/configmaps';
const form = (as: string, type = 'application/json') => `${type};as=${as};v=v1;g=meta.k8s.io`;
const protobuf = 'application/vnd.kubernetes.protobuf';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  const body = JSON.stringify({ metadata: { name: 'one', labels: { a: 'b' } }, data: { secret: 'x' } });
  await ask(api, 'POST', collection, { body });
});
afterAll(() => api.close());

describe('metadata alone', () => {
  it('is an object, a list and a watch, in JSON and protobuf', async () => {
    const one = await ask(api, 'GET', `${collection}/one`, { accept: form('PartialObjectMetadata') });
    expect(one.json).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'one', labels: { a: 'b' } },
    });
    expect(one.json).not.toHaveProperty('data');
    const list = await ask(api, 'GET', collection, { accept: form('PartialObjectMetadataList') });
    expect(list.json).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(list.json.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'one' } });
    const events = await watch(api, `${collection}?watch=1`, form('PartialObjectMetadata'));
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { kind: 'PartialObjectMetadata', metadata: { name: 'one' } } });
    events.close();
    for (const [url, as, kind] of [
      [`${collection}/one`, 'PartialObjectMetadata', 'PartialObjectMetadata'],
      [collection, 'PartialObjectMetadataList', 'PartialObjectMetadataList'],
    ] as const) {
      const { body, headers } = await ask(api, 'GET', url, { accept: form(as, protobuf) });
      expect(headers['content-type']).toBe(protobuf);
      expect(decodeProtobuf(body)).toMatchObject({ apiVersion: 'meta.k8s.io/v1', kind });
    }
  });

  it('is refused in the form that does not fit', async () => {
    const list = await ask(api, 'GET', collection, { accept: form('PartialObjectMetadata') });
    expect([list.status, list.json['reason'], list.json['message']]).toEqual([
      406,
      'NotAcceptable',
      'you requested PartialObjectMetadata, but the requested object is a list (*v1.ConfigMapList)',
    ]);
    expect((await ask(api, 'GET', `${collection}/one`, { accept: form('PartialObjectMetadataList') })).status).toBe(406);
  });
});

describe('a Table', () => {
  it('is an object, a list and a watch', async () => {
    for (const url of [collection, `${collection}/one`]) {
      const { json } = await ask(api, 'GET', url, { accept: form('Table') });
      expect(json).toMatchObject({
        kind: 'Table',
        rows: expect.arrayContaining([expect.objectContaining({ cells: expect.arrayContaining(['one']) as unknown })]) as unknown,
      });
      expect(json['columnDefinitions']).not.toHaveLength(0);
    }
    const events = await watch(api, `${collection}?watch=1`, form('Table'));
    expect(await events.next()).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ cells: ['one', 1, expect.anything()] }] },
    });
    events.close();
  });

  it('has no protobuf form', async () => {
    expect((await ask(api, 'GET', collection, { accept: form('Table', protobuf) })).status).toBe(406);
  });
});

describe('what is not there', () => {
  it.each(['/apis/batch/v1beta1/cronjobs', '/apis/extensions/v1beta1/namespaces/default/ingresses', '/api/v2/pods', '/nothing'])(
    '%s is not found in plain text',
    async (url) => {
      const { status, headers, body } = await ask(api, 'GET', url);
      expect([status, headers['content-type'], body.toString()]).toEqual([404, 'text/plain; charset=utf-8', '404 page not found\n']);
    },
  );

  it('in a group that is served is not found as a Status', async () => {
    const { status, json } = await ask(api, 'GET', '/apis/apps/v1/podsets');
    expect([status, json['message']]).toEqual([404, 'the server could not find the requested resource']);
  });

  it('cannot be written in a form that nobody accepts', async () => {
    const { status, json } = await ask(api, 'GET', collection, { accept: 'image/png' });
    expect([status, json['message']]).toEqual([
      406,
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ]);
  });
});
