import { decodeProtobuf, resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  const client = createClient(api.admin);
  for (let index = 0; index < 300; index++) {
    await client.create(resources.configMaps, { metadata: { name: `c${index}`, namespace: 'default' }, data: { text: 'x'.repeat(index) } });
  }
});
afterAll(() => api.close());

async function get(path: string, accept: string): Promise<{ status: number; contentType: string; bytes: Buffer }> {
  const [pathname = '', query = ''] = path.split('?');
  const response = await api.server.handle({
    method: 'GET',
    path: pathname,
    query: new URLSearchParams(query),
    headers: { accept },
    body: { kind: 'none' },
    peer: { kind: 'loopback', identity: { name: 'admin', groups: ['system:masters'] } },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const { body } = response;
  const parts: Uint8Array[] = [];
  for await (const chunk of body.chunks) parts.push(...(chunk instanceof Uint8Array ? [Buffer.from(chunk)] : chunk));
  const bytes = Buffer.concat(parts);
  if (body.kind === 'pieces') expect(bytes).toHaveLength(body.length);
  return { status: response.status, contentType: String(response.headers['content-type']), bytes };
}
const collection = '/api/v1/namespaces/default/configmaps';

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly data?: Record<string, string> }[];
}

describe('a list', () => {
  it('is the same in JSON, YAML and protobuf', async () => {
    const json = JSON.parse((await get(collection, 'application/json')).bytes.toString()) as List;
    expect(json.items).toHaveLength(300);
    const { bytes, contentType } = await get(collection, 'application/vnd.kubernetes.protobuf');
    expect(contentType).toBe('application/vnd.kubernetes.protobuf');
    const decoded = decodeProtobuf(bytes);
    expect(decoded).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMapList' });
    const items = (decoded.object as unknown as List).items;
    expect(items.map((item) => ({ name: item.metadata.name, data: item.data }))).toEqual(
      json.items.map((item) => ({ name: item.metadata.name, data: item.data })),
    );
    const yaml = await get(`${collection}?limit=1`, 'application/yaml');
    expect(yaml.bytes.toString()).toMatch(/^kind: ConfigMapList\napiVersion: v1\n/);
  });

  it('reads the same indented, as YAML and as one page, however long it is', async () => {
    const plain: unknown = JSON.parse((await get(collection, 'application/json')).bytes.toString());
    for (const query of ['', '?limit=3', '?labelSelector=none']) {
      const { bytes: written } = await get(`${collection}${query}`, 'application/json');
      const list = JSON.parse(written.toString()) as object;
      const { bytes: indented } = await get(`${collection}${query}${query === '' ? '?' : '&'}pretty=true`, 'application/json');
      expect(JSON.parse(indented.toString())).toEqual(list);
      expect(indented.toString()).toMatch(
        /^\{\n {2}"kind": "ConfigMapList",\n[^]*\n {2}"items": \[(\]|\n {4}\{\n {6}"[^]*\n {4}\}\n {2}\])\n\}\n$/,
      );
      expect(parse((await get(`${collection}${query}`, 'application/yaml')).bytes.toString())).toMatchObject(list);
    }
    const { bytes } = await get(collection, 'application/json;as=Table;g=meta.k8s.io;v=v1');
    const table = JSON.parse(bytes.toString()) as { rows: { cells: unknown[] }[] };
    expect(table.rows.map((row) => row.cells[0])).toEqual((plain as List).items.map((item) => item.metadata.name));
  });

  it('does not repeat the type of its items', async () => {
    const { items } = JSON.parse((await get(collection, 'application/json')).bytes.toString()) as { items: object[] };
    expect(Object.keys(items[0] ?? {})).toEqual(['metadata', 'data']);
  });

  it('is metadata alone when asked', async () => {
    const { bytes } = await get(collection, 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
    const list = JSON.parse(bytes.toString()) as { kind: string; items: object[] };
    expect(list.kind).toBe('PartialObjectMetadataList');
    expect(Object.keys(list.items[0] ?? {})).toEqual(['kind', 'apiVersion', 'metadata']);
  });

  it('is a Table when asked', async () => {
    const { bytes } = await get(`${collection}?limit=2`, 'application/json;as=Table;g=meta.k8s.io;v=v1');
    const table = JSON.parse(bytes.toString()) as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
    expect(table.columnDefinitions.map((column) => column.name)).toEqual(['Name', 'Data', 'Age']);
    expect(table.rows.map((row) => row.cells.slice(0, 2))).toEqual([
      ['c0', 1],
      ['c1', 1],
    ]);
  });
});

describe('a media type that is not served', () => {
  it('is answered 406', async () => {
    expect((await get(collection, 'text/html')).status).toBe(406);
  });
});
