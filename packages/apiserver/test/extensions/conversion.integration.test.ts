import { resources, statusOf } from '@bayplan/api';
import type { CustomResourceDefinition, KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { issueCertificate } from '@bayplan/component-base';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { widgetDefinition } from './definitions.ts';

const definitions = resources.customResourceDefinitions;
const widgets = (version: string) => ({ group: 'example.com', version, resource: 'widgets', kind: 'Widget', namespaced: true });
type Widget = KubeObject & { spec: Record<string, unknown> };
const widget = (version: string, name: string, spec: Record<string, unknown>): Widget => ({
  apiVersion: `example.com/${version}`,
  kind: 'Widget',
  metadata: { name, namespace: 'default' },
  spec,
});

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string; desiredAPIVersion: string; objects: Widget[] };
}

/** v1 has `size: 3`, v2 `size: {value: 3}`. */
function converted(object: Widget, apiVersion: string): Widget {
  const { size } = object.spec;
  const wrapped = typeof size === 'object' ? size : { value: size };
  const spec = apiVersion.endsWith('v2') ? { size: wrapped } : { size: (wrapped as { value: unknown }).value };
  return { ...object, apiVersion, spec, metadata: { ...object.metadata, labels: { converted: 'yes' } } };
}

const schema = (size: object) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { size } } },
  },
});

describe('a conversion webhook', () => {
  let server: TestApiServer;
  let client: Client;
  let webhook: Server;
  let reviews: Review[] = [];
  let url: string;
  const admitted: unknown[] = [];
  const patch = [{ op: 'replace', path: '/spec/size', value: 9 }];
  const mutation = { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
  let answer: (review: Review) => object;
  const honest = ({ apiVersion, kind, request }: Review): object => ({
    apiVersion,
    kind,
    response: {
      uid: request.uid,
      result: { status: 'Success' },
      convertedObjects: request.objects.map((object) => converted(object, request.desiredAPIVersion)),
    },
  });

  beforeAll(async () => {
    server = await startTestApiServer({ listen: false });
    client = createClient(server.admin);
    const names = { commonName: 'webhook', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] as const };
    const pair = await issueCertificate(server.keys.ca, names, Date.now());
    webhook = createServer({ key: pair.keyPem, cert: pair.certPem }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
        const admission = request.url?.startsWith('/admit') === true;
        (admission ? admitted : reviews).push(review);
        const verdict = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, ...mutation } };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(admission ? verdict : answer(review)));
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(webhook.address() as AddressInfo).port.toString()}/convert`;
    const definition: CustomResourceDefinition = widgetDefinition({
      versions: [
        { name: 'v1', served: true, storage: true, schema: schema({ type: 'integer' }) },
        {
          name: 'v2',
          served: true,
          storage: false,
          schema: schema({ type: 'object', properties: { value: { type: 'integer' }, unit: { type: 'string', default: 'cm' } } }),
        },
      ],
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url, caBundle: Buffer.from(server.caPem).toString('base64') } },
      },
    });
    await client.create(definitions, definition);
    const deadline = AbortSignal.timeout(5000);
    for await (const { object } of client.watch(definitions, { signal: deadline })) {
      if (object.status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True')) break;
    }
  });

  afterAll(async () => {
    webhook.close();
    await server.close();
  });

  it('takes objects from the stored version to the one asked for, and back', async () => {
    answer = honest;
    reviews = [];
    const made = (await client.create(widgets('v2'), widget('v2', 'a', { size: { value: 3 } }))) as Widget;
    expect(made).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: { value: 3, unit: 'cm' } } });
    // One to store it, one to answer with what was stored.
    expect(reviews.map((review) => review.request.desiredAPIVersion)).toEqual(['example.com/v1', 'example.com/v2']);
    const stored = (await client.get(widgets('v1'), { namespace: 'default', name: 'a' })) as Widget;
    expect(stored).toMatchObject({ apiVersion: 'example.com/v1', spec: { size: 3 }, metadata: { uid: made.metadata.uid } });
    expect(stored.metadata.labels).toEqual({ converted: 'yes' });
  });

  it('gets the objects of a list together, and each state once', async () => {
    answer = honest;
    for (const name of ['b', 'c', 'd']) await client.create(widgets('v1'), widget('v1', name, { size: 1 }));
    reviews = [];
    const { items } = await client.list(widgets('v2'), { namespace: 'default' });
    expect(items.map((item) => (item as Widget).spec['size'])).toEqual([
      { value: 3, unit: 'cm' },
      { value: 1, unit: 'cm' },
      { value: 1, unit: 'cm' },
      { value: 1, unit: 'cm' },
    ]);
    expect(reviews.map((review) => review.request.objects.length)).toEqual([4]);
    await client.list(widgets('v2'), { namespace: 'default' });
    expect(reviews).toHaveLength(1);
  });

  it('serves watches and updates of every version', async () => {
    answer = honest;
    const signal = AbortSignal.timeout(5000);
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const { type, object } of client.watch(widgets('v2'), {
        namespace: 'default',
        fieldSelector: 'metadata.name=e',
        signal,
      })) {
        seen.push([type, (object as Widget).apiVersion, ((object as Widget).spec['size'] as { value: number }).value]);
        if (seen.length === 3) return;
      }
    })();
    await client.create(widgets('v1'), widget('v1', 'e', { size: 1 }));
    await client.patch(widgets('v2'), { namespace: 'default', name: 'e' }, 'merge', { spec: { size: { value: 2 } } });
    await client.delete(widgets('v1'), { namespace: 'default', name: 'e' });
    await watching;
    expect(seen).toEqual([
      ['ADDED', 'example.com/v2', 1],
      ['MODIFIED', 'example.com/v2', 2],
      ['DELETED', 'example.com/v2', 2],
    ]);
  });

  it('that fails or answers nonsense fails the request with its reason, and harms nothing', async () => {
    const failing = async (make: (review: Review) => object): Promise<string | undefined> => {
      answer = make;
      try {
        await client.create(widgets('v2'), widget('v2', 'f', { size: { value: 3 } }));
      } catch (error) {
        expect(statusOf(error)?.code).toBe(500);
        return statusOf(error)?.message;
      }
      return undefined;
    };
    const who = 'conversion webhook for example.com/v2, Kind=Widget';
    const answering = (response: object) => (review: Review) => ({ ...review, response: { uid: review.request.uid, ...response } });
    const failed = { result: { status: 'Failure', message: 'no such size' } };
    expect(await failing(answering(failed))).toBe(`${who} failed: no such size`);
    expect(await failing(answering({ result: { status: 'Success' }, convertedObjects: [] }))).toBe(`${who} returned 0 objects, expected 1`);
    expect(await failing((review) => ({ ...review, response: { uid: 'other' } }))).toMatch(
      /^conversion webhook .* failed: expected response.uid=".*", got "other"$/,
    );
    expect(
      await failing((review) => {
        const { response } = honest(review) as { response: { convertedObjects: Widget[] } };
        return {
          ...review,
          response: { ...response, convertedObjects: response.convertedObjects.map((one) => ({ ...one, metadata: { name: 'x' } })) },
        };
      }),
    ).toBe(`${who} returned invalid metadata in object at index 0: must have the same name: f != x`);
    expect(statusOf(await client.get(widgets('v1'), { namespace: 'default', name: 'f' }).catch((error: unknown) => error))?.code).toBe(404);
    webhook.closeAllConnections();
    answer = honest;
    expect(((await client.get(widgets('v2'), { namespace: 'default', name: 'a' })) as Widget).spec['size']).toEqual({
      value: 3,
      unit: 'cm',
    });
  });

  it('stands between a client of one version and an admission webhook of another', async () => {
    answer = honest;
    const hooks = resources.mutatingWebhookConfigurations;
    await client.create(hooks, {
      metadata: { name: 'widgets' },
      webhooks: [
        {
          name: 'widgets.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: url.replace('/convert', '/admit'), caBundle: Buffer.from(server.caPem).toString('base64') },
          rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets'], operations: ['CREATE'] }],
        },
      ],
    });
    const made = (await client.create(widgets('v2'), widget('v2', 'hooked', { size: { value: 3 } }))) as Widget;
    await client.delete(hooks, { name: 'widgets' });
    expect(admitted).toMatchObject([
      { request: { kind: { version: 'v1' }, requestKind: { version: 'v2' }, object: { spec: { size: 3 } } } },
    ]);
    expect(made).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: { value: 9, unit: 'cm' } } });
  });

  it('is not asked when the storage version changes under objects that need no other', async () => {
    answer = honest;
    const current = await client.get(definitions, { name: 'widgets.example.com' });
    const versions = current.spec.versions.map((version) => ({ ...version, storage: version.name === 'v2' }));
    const changed = await client.update(definitions, { ...current, spec: { ...current.spec, versions } });
    expect(changed.status?.storedVersions).toEqual(['v1', 'v2']);
    reviews = [];
    await client.get(widgets('v1'), { namespace: 'default', name: 'a' });
    expect(reviews).toEqual([]);
    // An update that changes nothing writes the object anew: it is how stored objects are brought to the new version.
    const before = await client.get(widgets('v1'), { namespace: 'default', name: 'a' });
    const after = await client.update(widgets('v1'), before);
    expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
    reviews = [];
    expect(((await client.get(widgets('v2'), { namespace: 'default', name: 'a' })) as Widget).apiVersion).toBe('example.com/v2');
    expect(reviews).toEqual([]);
  });
});
