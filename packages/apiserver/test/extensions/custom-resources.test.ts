import { resources, statusOf } from '@bayplan/api';
import type { CustomResourceDefinition, KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { version, widgetDefinition } from './definitions.ts';

const definitions = resources.customResourceDefinitions;
const widgets = { group: 'example.com', version: 'v1', resource: 'widgets', kind: 'Widget', namespaced: true };
type Widget = KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

const widget = (name: string, spec: Record<string, unknown> = { size: 'small' }): Widget => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec,
});

async function failure(call: Promise<unknown>) {
  try {
    await call;
  } catch (error) {
    return statusOf(error);
  }
  return undefined;
}

/** Waits for a condition of a definition by watching, as clients do. */
export async function condition(client: Client, name: string, type: string, status: string): Promise<CustomResourceDefinition> {
  const signal = AbortSignal.timeout(10_000);
  for await (const event of client.watch(definitions, { fieldSelector: `metadata.name=${name}`, signal })) {
    const found = event.object.status?.conditions?.find((one) => one.type === type);
    if (found?.status === status) return event.object;
  }
  throw new Error(`${name} did not become ${type}=${status}`);
}

describe('custom resources', () => {
  let server: TestApiServer;
  let client: Client;

  beforeAll(async () => {
    server = await startTestApiServer({ listen: false });
    client = createClient(server.admin);
    await client.create(definitions, widgetDefinition());
    await condition(client, 'widgets.example.com', 'Established', 'True');
  });

  afterAll(() => server.close());

  it('are served as soon as their definition is established, with accepted names and stored versions', async () => {
    const definition = await client.get(definitions, { name: 'widgets.example.com' });
    expect(definition.status?.acceptedNames).toEqual({
      plural: 'widgets',
      singular: 'widget',
      kind: 'Widget',
      listKind: 'WidgetList',
      shortNames: ['wd'],
      categories: ['all'],
    });
    expect(definition.status?.storedVersions).toEqual(['v1']);
    expect(definition.status?.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
    ]);
    const made = (await client.create(widgets, widget('first', { size: 'small', parts: [{ id: 'a' }], junk: 1 }))) as Widget;
    expect(made.spec).toEqual({ size: 'small', replicas: 1, parts: [{ id: 'a', weight: 5 }] });
    expect(made.metadata.generation).toBe(1);
    expect(made.metadata.managedFields).toHaveLength(1);
  });

  it('keep status apart, and count only changes of the rest', async () => {
    const made = (await client.create(widgets, { ...widget('apart'), status: { phase: 'x' } } as Widget)) as Widget;
    expect(made.status).toBeUndefined();
    const reported = (await client.update(
      widgets,
      { ...made, spec: { size: 'large' }, metadata: { ...made.metadata, labels: { a: 'b' } }, status: { phase: 'Ready' } } as Widget,
      { subresource: 'status' },
    )) as Widget;
    expect(reported).toMatchObject({ spec: { size: 'small' }, status: { phase: 'Ready' }, metadata: { generation: 1 } });
    expect(reported.metadata.labels).toBeUndefined();
    const changed = (await client.patch(widgets, { namespace: 'default', name: 'apart' }, 'merge', {
      spec: { replicas: 3 },
      status: { phase: 'lost' },
    })) as Widget;
    expect(changed).toMatchObject({ spec: { replicas: 3 }, status: { phase: 'Ready' }, metadata: { generation: 2 } });
  });

  it('are validated with the texts of Kubernetes', async () => {
    const refused = await failure(
      client.create(widgets, widget('bad', { size: 'medium', replicas: 'three', name: 'TOO', tags: ['a', 'a'], port: true })),
    );
    expect(refused).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(refused?.details?.causes).toEqual([
      {
        reason: 'FieldValueNotSupported',
        message: 'Unsupported value: "medium": supported values: "small", "large"',
        field: 'spec.size',
      },
      {
        reason: 'FieldValueTypeInvalid',
        message: 'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
        field: 'spec.replicas',
      },
      { reason: 'FieldValueInvalid', message: `Invalid value: "TOO": spec.name in body should match '^[a-z]+$'`, field: 'spec.name' },
      {
        reason: 'FieldValueTypeInvalid',
        message: 'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        field: 'spec.port',
      },
      { reason: 'FieldValueDuplicate', message: 'Duplicate value: "a"', field: 'spec.tags[1]' },
    ]);
    expect((await failure(client.create(widgets, widget('none', {}))))?.message).toBe(
      'Widget.example.com "none" is invalid: spec.size: Required value',
    );
  });

  it('take merge, JSON and apply patches, and refuse strategic ones', async () => {
    const key = { namespace: 'default', name: 'patched' };
    const apply = (parts: unknown[], manager: string) =>
      client.patch(widgets, key, 'apply', { ...widget('patched', { size: 'small', parts }) }, { fieldManager: manager });
    await apply([{ id: 'a', weight: 1 }], 'one');
    await apply([{ id: 'b' }], 'two');
    const both = (await client.get(widgets, key)) as Widget;
    expect(both.spec?.['parts']).toEqual([
      { id: 'a', weight: 1 },
      { id: 'b', weight: 5 },
    ]);
    expect(both.metadata.managedFields?.map((entry) => entry.manager)).toEqual(['one', 'two']);
    expect(await failure(client.patch(widgets, key, 'strategic', { spec: {} }))).toMatchObject({ code: 415 });
    const next = (await client.patch(widgets, key, 'json', [{ op: 'replace', path: '/spec/size', value: 'large' }])) as Widget;
    expect(next.spec?.['size']).toBe('large');
  });

  it('want a resourceVersion for an update', async () => {
    const made = await client.create(widgets, widget('based'));
    const metadata = { ...made.metadata };
    delete metadata.resourceVersion;
    const refused = await failure(client.update(widgets, { ...made, metadata } as Widget));
    expect(refused?.message).toBe(
      'widgets.example.com "based" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  it('let an invalid value stay that was valid once, until it is touched', async () => {
    await client.create(widgets, widget('old', { size: 'small', name: 'abc' }));
    const tighter = structuredClone(widgetDefinition());
    const schema = tighter.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.['spec']?.properties;
    if (schema?.['name'] !== undefined) schema['name'].maxLength = 2;
    const current = await client.get(definitions, { name: 'widgets.example.com' });
    await client.update(definitions, { ...current, spec: { ...current.spec, versions: tighter.spec.versions } });
    const key = { namespace: 'default', name: 'old' };
    expect(((await client.patch(widgets, key, 'merge', { spec: { replicas: 2 } })) as Widget).spec).toMatchObject({
      name: 'abc',
      replicas: 2,
    });
    expect((await failure(client.patch(widgets, key, 'merge', { spec: { name: 'abcd' } })))?.message).toBe(
      'Widget.example.com "old" is invalid: spec.name: Too long: may not be more than 2 bytes',
    );
    await client.update(definitions, {
      ...(await client.get(definitions, { name: 'widgets.example.com' })),
      spec: current.spec,
    });
  });

  it('answer 404 to what the definition lacks, and for unknown fields as they are asked to', async () => {
    expect(await failure(client.get(widgets, { namespace: 'default', name: 'first' }, { subresource: 'scale' }))).toMatchObject({
      code: 404,
    });
    const refused = await failure(
      server.admin.call({
        method: 'POST',
        path: '/apis/example.com/v1/namespaces/default/widgets',
        query: { fieldValidation: 'Strict' },
        body: widget('strict', { size: 'small', colour: 'red' }),
      }),
    );
    expect(refused?.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.colour"',
    );
  });
});

describe('definitions', () => {
  let server: TestApiServer;
  let client: Client;

  beforeAll(async () => {
    server = await startTestApiServer({ listen: false });
    client = createClient(server.admin);
  });

  afterAll(() => server.close());

  it('get no name that another holds, until it is freed', async () => {
    await client.create(definitions, widgetDefinition());
    await condition(client, 'widgets.example.com', 'Established', 'True');
    const second = widgetDefinition({
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'WidgetList', shortNames: ['wd'] },
    });
    await client.create(definitions, second);
    const refused = await condition(client, 'gadgets.example.com', 'NamesAccepted', 'False');
    expect(refused.status?.conditions).toMatchObject([
      { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"WidgetList" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    ]);
    await client.delete(definitions, { name: 'widgets.example.com' });
    await condition(client, 'gadgets.example.com', 'Established', 'True');
    await client.delete(definitions, { name: 'gadgets.example.com' });
  });

  it('take their instances with them, and may come back with another scope', async () => {
    await gone(client, 'widgets.example.com');
    await client.create(definitions, widgetDefinition());
    await condition(client, 'widgets.example.com', 'Established', 'True');
    const held = widget('held');
    held.metadata.finalizers = ['example.com/hold'];
    const made = await client.create(widgets, held);
    await client.create(widgets, widget('free'));
    await client.delete(definitions, { name: 'widgets.example.com' });
    const going = await condition(client, 'widgets.example.com', 'Terminating', 'True');
    expect(going.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
    expect(await failure(client.create(widgets, widget('late')))).toMatchObject({ code: 405 });
    await client.patch(widgets, { namespace: 'default', name: made.metadata.name ?? '' }, 'merge', { metadata: { finalizers: null } });
    await gone(client, 'widgets.example.com');
    expect(await failure(client.list(widgets, { namespace: 'default' }))).toMatchObject({ code: 404 });
    await client.create(definitions, widgetDefinition({ scope: 'Cluster' }));
    await condition(client, 'widgets.example.com', 'Established', 'True');
    const wide = { ...widgets, namespaced: false };
    const { metadata } = widget('wide');
    delete metadata.namespace;
    await client.create(wide, { ...widget('wide'), metadata });
    expect((await client.list(wide)).items).toHaveLength(1);
  });

  it('are loaded from the store at the start, and objects show what a newer schema defaults', async () => {
    const other = await startTestApiServer({ listen: false, store: server.store });
    const wide = { ...widgets, namespaced: false };
    const reader = createClient(other.admin);
    expect((await reader.list(wide)).items).toHaveLength(1);
    const current = await client.get(definitions, { name: 'widgets.example.com' });
    const versions = [version('v1')];
    const schema = structuredClone(versions[0]?.schema?.openAPIV3Schema);
    if (schema?.properties?.['spec']?.properties !== undefined)
      schema.properties['spec'].properties['colour'] = { type: 'string', default: 'red' };
    await client.update(definitions, {
      ...current,
      spec: { ...current.spec, versions: [version('v1', { schema: { openAPIV3Schema: schema } })] },
    });
    const deadline = AbortSignal.timeout(5000);
    let shown: unknown;
    while (shown === undefined && !deadline.aborted) shown = ((await reader.list(wide)).items[0] as Widget).spec?.['colour'];
    expect(shown).toBe('red');
    await other.close();
  });
});

async function gone(client: Client, name: string): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while ((await failure(client.get(definitions, { name })))?.code !== 404) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
