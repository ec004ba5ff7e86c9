import { resources } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { version, widgetDefinition } from './definitions.ts';

const definitions = resources.customResourceDefinitions;
const widgets = { group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true };
const collection = '/apis/example.com/v1/namespaces/default/widgets';

let server: TestApiServer;
let client: Client;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A GET as an administrator, with an Accept header, the way HTTP brings it. */
async function get(target: string, accept = 'application/json'): Promise<Answer> {
  const [path = '', query = ''] = target.split('?');
  const { status, headers, body } = await server.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(query),
    headers: { accept },
    body: { kind: 'none' },
    peer: { kind: 'loopback', identity: { name: 'admin', groups: ['system:masters'] } },
    remoteAddress: '127.0.0.1',
    signal: AbortSignal.timeout(5000),
  });
  const chunks: Uint8Array[] = [];
  if (body.kind === 'bytes') chunks.push(...body.chunks);
  else
    for await (const some of body.chunks)
      for (const chunk of Array.isArray(some) ? (some as Uint8Array[]) : [some]) chunks.push(chunk as Uint8Array);
  return { status, headers, text: Buffer.concat(chunks).toString('utf8') };
}

const json = async (path: string, accept?: string): Promise<Record<string, unknown>> =>
  JSON.parse((await get(path, accept)).text) as Record<string, unknown>;

beforeAll(async () => {
  server = await startTestApiServer({ listen: false });
  client = createClient(server.admin);
  const definition = widgetDefinition({
    versions: [
      version('v1', {
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'string', jsonPath: '.spec.size' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
        ],
        selectableFields: [{ jsonPath: '.spec.size' }],
      }),
      version('v1beta1', { storage: false, deprecated: true, deprecationWarning: 'use v1' }),
      version('v1alpha1', { storage: false, served: false }),
    ],
  });
  await client.create(definitions, definition);
  for await (const { object } of client.watch(definitions, { signal: AbortSignal.timeout(5000) }))
    if (object.status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True')) break;
  const widget = (name: string, spec: object) =>
    ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, namespace: 'default' }, spec }) as KubeObject;
  await client.create(widgets, widget('a', { size: 'small' }));
  await client.create(widgets, widget('b', { size: 'large', replicas: 3 }));
});

afterAll(() => server.close());

describe('discovery', () => {
  it('lists the resource with all its names, in both forms', async () => {
    const group = await json('/apis/example.com');
    expect(group).toMatchObject({ preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }, { version: 'v1beta1' }] });
    const list = await json('/apis/example.com/v1');
    expect(list['resources']).toMatchObject([
      { name: 'widgets', singularName: 'widget', namespaced: true, kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
      { name: 'widgets/status', kind: 'Widget', verbs: ['get', 'patch', 'update'] },
      { name: 'widgets/scale', kind: 'Scale', group: 'autoscaling', version: 'v1' },
    ]);
    const aggregated = await json('/apis', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const items = aggregated['items'] as { metadata: { name: string }; versions: { version: string; resources: unknown[] }[] }[];
    expect(items.find((item) => item.metadata.name === 'example.com')?.versions[0]?.resources[0]).toMatchObject({
      resource: 'widgets',
      responseKind: { group: 'example.com', version: 'v1', kind: 'Widget' },
      scope: 'Namespaced',
      subresources: [{ subresource: 'status' }, { subresource: 'scale' }],
    });
  });

  it('serves no version that the definition does not serve, and warns of one that is deprecated', async () => {
    expect((await get('/apis/example.com/v1alpha1/namespaces/default/widgets')).status).toBe(404);
    const old = await get('/apis/example.com/v1beta1/namespaces/default/widgets/a');
    expect(old.headers['warning']).toEqual(['299 - "use v1"']);
    expect(JSON.parse(old.text)).toMatchObject({ apiVersion: 'example.com/v1beta1', spec: { size: 'small', replicas: 1 } });
  });
});

describe('representations', () => {
  it('as a Table with the columns of the definition', async () => {
    const table = await json(collection, 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json');
    expect(table['columnDefinitions']).toMatchObject([
      { name: 'Name' },
      { name: 'Size', priority: 0 },
      { name: 'Replicas', type: 'integer', priority: 1 },
    ]);
    expect((table['rows'] as { cells: unknown[] }[]).map((row) => row.cells)).toEqual([
      ['a', 'small', 1],
      ['b', 'large', 3],
    ]);
  });

  it('as metadata alone, as YAML, never as protobuf', async () => {
    const partial = await json(`${collection}/a`, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io');
    expect(partial).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(partial['spec']).toBeUndefined();
    expect((await get(`${collection}/a`, 'application/yaml')).text).toContain('size: small');
    expect((await get(`${collection}/a`, 'application/vnd.kubernetes.protobuf')).status).toBe(406);
    const either = await get(`${collection}/a`, 'application/vnd.kubernetes.protobuf,application/json');
    expect(either.headers['content-type']).toBe('application/json');
  });

  it('selected by the fields that the definition names, and no other', async () => {
    const { items } = await client.list(widgets, { namespace: 'default', fieldSelector: 'spec.size=large' });
    expect(items.map((item) => item.metadata.name)).toEqual(['b']);
    const refused = await get(`${collection}?fieldSelector=spec.replicas%3D1`);
    expect(JSON.parse(refused.text)).toMatchObject({
      code: 400,
      message: expect.stringContaining('field label not supported: spec.replicas') as string,
    });
  });

  it('scaled under one kind', async () => {
    const key = { namespace: 'default', name: 'b' };
    await client.patch(widgets, key, 'merge', { status: { replicas: 2, selector: 'a=b' } }, { subresource: 'status' });
    const scale = await json(`${collection}/b/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 3 },
      status: { replicas: 2, selector: 'a=b' },
    });
    await client.patch(widgets, key, 'merge', { spec: { replicas: 7 } }, { subresource: 'scale' });
    expect(await client.get(widgets, key)).toMatchObject({
      spec: { size: 'large', replicas: 7 },
      status: { replicas: 2 },
      metadata: { generation: 2 },
    });
    await expect(client.patch(widgets, key, 'merge', { spec: { replicas: -1 } }, { subresource: 'scale' })).rejects.toThrow(
      /spec.replicas/,
    );
  });
});

describe('OpenAPI', () => {
  it('publishes each version at once, with no dangling reference', async () => {
    const roots = (await json('/openapi/v3'))['paths'] as Record<string, { serverRelativeURL: string }>;
    const url = roots['apis/example.com/v1']?.serverRelativeURL ?? '';
    const { text } = await get(url);
    const document = JSON.parse(text) as { components: { schemas: Record<string, Record<string, unknown>> } };
    const { schemas } = document.components;
    expect(schemas['com.example.v1.Widget']).toMatchObject({
      properties: {
        metadata: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] },
        spec: { required: ['size'], properties: { port: { 'x-kubernetes-int-or-string': true } } },
      },
      'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }],
    });
    expect(schemas['com.example.v1.WidgetList']).toMatchObject({ required: ['items'] });
    for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) expect(schemas).toHaveProperty([name]);
    const two = JSON.parse((await get('/openapi/v2')).text) as { definitions: Record<string, unknown>; paths: Record<string, unknown> };
    expect(two.definitions).toHaveProperty(['com.example.v1beta1.Widget']);
    expect(two.paths).toHaveProperty(['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/scale']);

    const current = await client.get(definitions, { name: 'widgets.example.com' });
    const versions = structuredClone(current.spec.versions);
    const properties = versions[0]?.schema?.openAPIV3Schema?.properties;
    if (properties !== undefined) properties['spec'] = { ...properties['spec'], description: 'What is wanted.' };
    await client.update(definitions, { ...current, spec: { ...current.spec, versions } });
    const changed = (await json('/openapi/v3'))['paths'] as Record<string, { serverRelativeURL: string }>;
    expect(changed['apis/example.com/v1']?.serverRelativeURL).not.toBe(url);
    expect((await get(changed['apis/example.com/v1']?.serverRelativeURL ?? '')).text).toContain('What is wanted.');
  });
});

describe('a watch', () => {
  it('goes on over a change of the schema, which it shows; and ends when its version goes', async () => {
    const signal = AbortSignal.timeout(5000);
    const seen: unknown[] = [];
    let ended = false;
    const watching = (async () => {
      const options = { namespace: 'default', fieldSelector: 'metadata.name=w', signal };
      const watch = client.watch({ ...widgets, version: 'v1beta1' }, options);
      for await (const { type, object } of watch) seen.push([type, (object as KubeObject & { spec: { colour?: string } }).spec.colour]);
      ended = true;
    })();
    await client.create(widgets, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'default' },
      spec: { size: 'small' },
    } as KubeObject);
    const current = await client.get(definitions, { name: 'widgets.example.com' });
    const versions = structuredClone(current.spec.versions);
    for (const one of versions) {
      const fields = one.schema?.openAPIV3Schema?.properties?.['spec']?.properties;
      if (fields !== undefined) fields['colour'] = { type: 'string', default: 'red' };
    }
    const changed = await client.update(definitions, { ...current, spec: { ...current.spec, versions } });
    await client.patch(widgets, { namespace: 'default', name: 'w' }, 'merge', { metadata: { labels: { a: 'b' } } });
    while (seen.length < 2) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(seen).toEqual([
      ['ADDED', undefined],
      ['MODIFIED', 'red'],
    ]);
    const gone = versions.map((one) => ({ ...one, served: one.name === 'v1' }));
    await client.update(definitions, { ...changed, spec: { ...changed.spec, versions: gone } });
    await watching;
    expect(ended).toBe(true);
    expect(signal.aborted).toBe(false);
  });
});
