import { resources } from '@bayplan/api';
import type { APIService } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { issueCertificate, systemClock } from '@bayplan/component-base';
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { startExtensionServer } from './extension-server.ts';
import type { ExtensionServer } from './extension-server.ts';

const hostAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
const name = 'v1.gauges.test';
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe.skipIf(hostAddress === undefined)('aggregation', () => {
  let api: TestApiServer;
  let admin: Client;
  let extension: ExtensionServer;
  let client: { cert: string; key: string };
  let proxy: { cert: string; key: string };

  beforeAll(async () => {
    api = await startTestApiServer();
    admin = createClient(api.admin);
    extension = await startExtensionServer(hostAddress ?? '', api.keys.frontProxyCa.certPem, 'gauges.default.svc');
    const pairOf = async (ca: 'ca' | 'frontProxyCa', commonName: string, organizations: string[]) => {
      const made = await issueCertificate(api.keys[ca], { commonName, organizations, usages: ['client'] }, systemClock.now());
      return { cert: made.certPem, key: made.keyPem };
    };
    client = await pairOf('ca', 'ann', ['system:masters', 'b']);
    proxy = await pairOf('frontProxyCa', 'front-proxy-client', ['system:masters']);
  });
  afterAll(async () => {
    await api.close();
    await extension.close();
  });

  const get = (path: string, headers: Record<string, string | string[]> = {}, tls = client): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request(`${api.url}${path}`, { ca: api.caPem, ...tls, headers, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      asked.on('error', reject);
      asked.end();
    });
  const condition = async () => (await admin.get(resources.apiServices, { name })).status?.conditions?.[0];
  const reasonBecomes = (reason: string) =>
    vi.waitFor(async () => expect((await condition())?.reason).toBe(reason), { timeout: 10_000, interval: 50 });

  it('registers what the server answers itself', async () => {
    await vi.waitFor(async () => {
      const { items } = await admin.list(resources.apiServices);
      expect(items.length).toBeGreaterThan(15);
      for (const { status } of items) expect(status?.conditions?.[0]).toMatchObject({ type: 'Available', status: 'True', reason: 'Local' });
    });
    expect((await admin.get(resources.apiServices, { name: 'v1.' })).spec).toMatchObject({
      version: 'v1',
      groupPriorityMinimum: 18_000,
      versionPriority: 1,
    });
    await admin.create(resources.customResourceDefinitions, {
      metadata: { name: 'knobs.local.test' },
      spec: {
        group: 'local.test',
        scope: 'Namespaced',
        names: { plural: 'knobs', singular: 'knob', kind: 'Knob', listKind: 'KnobList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    } as never);
    await vi.waitFor(async () =>
      expect((await admin.get(resources.apiServices, { name: 'v1.local.test' })).spec).toMatchObject({ versionPriority: 100 }),
    );
    await admin.delete(resources.customResourceDefinitions, { name: 'knobs.local.test' });
    await vi.waitFor(async () =>
      expect((await admin.list(resources.apiServices)).items.map((item) => item.metadata.name)).not.toContain('v1.local.test'),
    );
  });

  it('says why a server cannot be reached, and that it can', async () => {
    const service: APIService = {
      metadata: { name },
      spec: {
        group: 'gauges.test',
        version: 'v1',
        groupPriorityMinimum: 2000,
        versionPriority: 10,
        service: { namespace: 'default', name: 'gauges', port: 443 },
        caBundle: extension.caBundle,
      },
    };
    await admin.create(resources.apiServices, service);
    await reasonBecomes('ServiceNotFound');
    expect((await condition())?.message).toBe('service/gauges in "default" is not present');
    const refused = await get('/apis/gauges.test/v1/gauges');
    expect([refused.status, refused.text]).toEqual([
      503,
      expect.stringContaining('the server is currently unable to handle the request') as string,
    ]);
    const spec = { ports: [{ port: 443, targetPort: extension.port }] };
    await admin.create(resources.services, { metadata: { name: 'gauges', namespace: 'default' }, spec } as never);
    await admin.create(resources.endpointSlices, {
      metadata: { name: 'gauges-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'gauges' } },
      addressType: 'IPv4',
      ports: [{ port: extension.port, name: '', protocol: 'TCP' }],
      endpoints: [{ addresses: [hostAddress ?? ''], conditions: { ready: true } }],
    });
    await reasonBecomes('Passed');
    expect(await condition()).toMatchObject({ status: 'True', message: 'all checks passed' });
  });

  it('hands requests on under the caller’s name, and the answers back', async () => {
    extension.seen.length = 0;
    const listed = await get('/apis/gauges.test/v1/gauges?limit=5', {
      authorization: 'Bearer stolen',
      'x-remote-user': 'forged',
      'x-remote-group': 'forged',
    });
    expect(listed.status).toBe(200);
    expect(JSON.parse(listed.text)).toMatchObject({ kind: 'GaugeList', items: [{ metadata: { name: 'one' } }] });
    expect(extension.seen).toEqual([
      {
        path: '/apis/gauges.test/v1/gauges?limit=5',
        user: 'ann',
        groups: 'system:masters, b, system:authenticated',
        extra: undefined,
        client: 'front-proxy-client',
        authorization: undefined,
      },
    ]);
    expect((await get('/apis/gauges.test/v1/gauges/absent')).text).toContain('no such gauge');
    const watched = await get('/apis/gauges.test/v1/gauges?watch=true');
    expect(
      watched.text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { object: { metadata: { name: string } } }).object.metadata.name),
    ).toEqual(['one', 'two']);
  });

  it('asks its own authoriser first', async () => {
    const nobody = await issueCertificate(api.keys.ca, { commonName: 'eve', usages: ['client'] }, systemClock.now());
    const { status } = await get('/apis/gauges.test/v1/gauges', {}, { cert: nobody.certPem, key: nobody.keyPem });
    expect(status).toBe(403);
  });

  it('passes upgraded connections through', async () => {
    const said = await new Promise<string>((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'echo' };
      const asked = request(`${api.url}/apis/gauges.test/v1/gauges/one/stream`, { ca: api.caPem, ...client, headers, agent: false });
      asked.on('upgrade', (_response, socket: Duplex) => {
        let text = '';
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (text.includes('echoed')) {
            socket.destroy();
            resolve(text);
          }
        });
        socket.write('echoed');
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(said).toBe('hello ann\nechoed');
  });

  it('merges what others serve into discovery and OpenAPI', async () => {
    const groups = JSON.parse((await get('/apis')).text) as { groups: { name: string; versions: object[] }[] };
    expect(groups.groups.find((group) => group.name === 'gauges.test')?.versions).toEqual([
      { groupVersion: 'gauges.test/v1', version: 'v1' },
    ]);
    const { items } = JSON.parse((await get('/apis', { accept: aggregatedType })).text) as {
      items: { metadata: { name: string }; versions: object[] }[];
    };
    expect(items.find((item) => item.metadata.name === 'gauges.test')?.versions).toEqual([
      {
        version: 'v1',
        freshness: 'Current',
        resources: [
          {
            resource: 'gauges',
            responseKind: { group: 'gauges.test', version: 'v1', kind: 'Gauge' },
            scope: 'Cluster',
            singularResource: 'gauge',
            verbs: ['get', 'list', 'watch'],
            shortNames: ['ga'],
            subresources: [
              { subresource: 'reading', responseKind: { group: 'gauges.test', version: 'v1', kind: 'Reading' }, verbs: ['get'] },
            ],
          },
        ],
      },
    ]);
    expect(JSON.parse((await get('/apis/gauges.test')).text)).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1' } });
    expect(JSON.parse((await get('/apis/gauges.test/v1')).text)).toMatchObject({ kind: 'APIResourceList' });
    const { paths } = JSON.parse((await get('/openapi/v3')).text) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(paths['apis/gauges.test/v1']).toEqual({ serverRelativeURL: '/openapi/v3/apis/gauges.test/v1?hash=AB' });
    expect((await get('/openapi/v3/apis/gauges.test/v1')).text).toContain('gauges');
  });

  it('believes front proxies of its own authority, and nobody else’s headers', async () => {
    const review = (tls: { cert: string; key: string }, headers: Record<string, string | string[]>) =>
      get('/api/v1/namespaces/default/configmaps', headers, tls);
    const headers = { 'X-Remote-User': 'zed', 'X-Remote-Group': ['system:masters', 'c'] };
    expect((await review(proxy, headers)).status).toBe(200);
    expect((await review(proxy, { 'X-Remote-User': 'zed' })).status).toBe(403);
    // The proxy itself is nobody, whatever groups its certificate names.
    expect((await review(proxy, {})).status).not.toBe(200);
    const eve = await issueCertificate(api.keys.ca, { commonName: 'front-proxy-client', usages: ['client'] }, systemClock.now());
    expect((await review({ cert: eve.certPem, key: eve.keyPem }, headers)).status).toBe(403);
    const map = await admin.get(resources.configMaps, { namespace: 'kube-system', name: 'extension-apiserver-authentication' });
    expect(map.data?.['requestheader-client-ca-file']).toBe(api.keys.frontProxyCa.certPem);
  });

  it('notices when the server fails, and shows what was known as stale', async () => {
    extension.healthy = false;
    const slice = await admin.get(resources.endpointSlices, { namespace: 'default', name: 'gauges-1' });
    await admin.update(resources.endpointSlices, { ...slice, metadata: { ...slice.metadata, annotations: { touched: 'yes' } } });
    await reasonBecomes('FailedDiscoveryCheck');
    expect((await condition())?.message).toBe(
      'failing or missing response from https://gauges.default.svc/apis/gauges.test/v1: bad status from https://gauges.default.svc/apis/gauges.test/v1: 500',
    );
    expect((await get('/apis/gauges.test/v1/gauges')).status).toBe(503);
    const metrics = (await get('/metrics')).text;
    expect(metrics).toContain('aggregator_unavailable_apiservice{name="v1.gauges.test"} 1');
    expect(metrics).toMatch(/aggregator_unavailable_apiservice_total\{name="v1.gauges.test",reason="FailedDiscoveryCheck"\} 1/);
    expect(metrics).toContain('aggregator_unavailable_apiservice{name="v1.apps"} 0');
    await vi.waitFor(async () => {
      const { items } = JSON.parse((await get('/apis', { accept: aggregatedType })).text) as {
        items: { metadata: { name: string }; versions: { freshness: string }[] }[];
      };
      expect(items.find((item) => item.metadata.name === 'gauges.test')?.versions[0]?.freshness).toBe('Stale');
    });
    extension.healthy = true;
    await reasonBecomes('Passed');
    await admin.delete(resources.apiServices, { name });
    await vi.waitFor(async () => expect((await get('/apis/gauges.test/v1')).status).toBe(404));
  });
});
