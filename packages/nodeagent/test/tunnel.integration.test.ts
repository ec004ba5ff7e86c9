import { resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { issueCertificate, silentLogger, systemClock } from '@bayplan/component-base';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeApiGuard } from '../src/server/authentication.ts';
import { serveNodeApi } from '../src/server/node-api.ts';
import { tunnelHandler } from '../src/server/tunnel-handler.ts';

const podAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

/** The API server believes that it has no route to pods; what it asks of the node's agent is counted. */
describe.skipIf(podAddress === undefined)('the tunnel through a node', () => {
  const stop = new AbortController();
  const dialled: string[] = [];
  let api: TestApiServer;
  let admin: Client;
  let backend: Server;
  let port = 0;
  let nodePort = 0;

  beforeAll(async () => {
    api = await startTestApiServer({ podRoute: 'tunnel' });
    admin = createClient(api.admin);
    backend = createServer((incoming, response) => response.end(`pod saw ${incoming.url ?? ''}`));
    await new Promise<void>((resolve) => backend.listen(0, podAddress, resolve));
    ({ port } = backend.address() as AddressInfo);
    const pods = (): Pod[] => [{ metadata: { name: 'p' }, status: { podIP: podAddress } }];
    const handler = tunnelHandler(pods);
    const serving = await issueCertificate(
      api.keys.ca,
      { commonName: 'system:node:n', ipAddresses: ['127.0.0.1'], usages: ['server'] },
      systemClock.now(),
    );
    const server = await serveNodeApi({
      certificates: { ...serving, clientCaPem: api.caPem },
      address: '127.0.0.1',
      port: 0,
      guard: createNodeApiGuard(admin, 'n', systemClock),
      routes: {
        plain: {},
        upgrade: {},
        tunnel: (authority, socket, head, signal) => {
          dialled.push(authority);
          return handler(authority, socket, head, signal);
        },
      },
      clock: systemClock,
      logger: silentLogger,
      signal: stop.signal,
    });
    nodePort = server.port;
    const node = await admin.create(resources.nodes, { metadata: { name: 'n' } });
    const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: nodePort } } };
    await admin.update(resources.nodes, { ...node, status }, { subresource: 'status' });
    await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
    const made = await admin.create(resources.pods, {
      metadata: { name: 'p', namespace: 'default' },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }] },
    });
    await admin.update(resources.pods, { ...made, status: { ...made.status, podIP: podAddress } }, { subresource: 'status' });
    await admin.create(resources.services, { metadata: { name: 's', namespace: 'default' }, spec: { ports: [{ port: 80 }] } } as never);
    await admin.create(resources.endpointSlices, {
      metadata: { name: 's-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ port, name: '', protocol: 'TCP' }],
      endpoints: [{ addresses: [podAddress ?? ''], conditions: { ready: true }, nodeName: 'n' }],
    });
  });
  afterAll(async () => {
    stop.abort();
    await api.close();
    await new Promise((resolve) => backend.close(resolve));
  });

  const get = async (path: string): Promise<string> => {
    const client = await issueCertificate(
      api.keys.ca,
      { commonName: 'ann', organizations: ['system:masters'], usages: ['client'] },
      systemClock.now(),
    );
    return new Promise((resolve, reject) => {
      const asked = request(`${api.url}${path}`, { ca: api.caPem, cert: client.certPem, key: client.keyPem, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject);
      asked.end();
    });
  };
  const connect = (authority: string, identity: Pick<RequestOptions, 'cert' | 'key'>): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: nodePort, method: 'CONNECT', path: authority, ca: api.caPem, agent: false, ...identity };
      const asked = request(options);
      asked.on('connect', (response, socket) => {
        socket.destroy();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end();
    });

  it('carries `proxy` of pods and Services', async () => {
    expect(await get('/api/v1/namespaces/default/pods/p/proxy/hello?a=b')).toBe('pod saw /hello?a=b');
    expect(await get('/api/v1/namespaces/default/services/s/proxy/there')).toBe('pod saw /there');
    const target = `${podAddress ?? ''}:${port.toString()}`;
    expect(dialled).toEqual([target, target]);
  });

  it('leads to pods of the node only, and for those who may use its proxy', async () => {
    const pairOf = async (commonName: string, organizations: string[]) => {
      const made = await issueCertificate(api.keys.ca, { commonName, organizations, usages: ['client'] }, systemClock.now());
      return { cert: made.certPem, key: made.keyPem };
    };
    const master = await pairOf('kube-apiserver-kubelet-client', ['system:masters']);
    expect(await connect(`${podAddress ?? ''}:${port.toString()}`, master)).toBe(200);
    expect(await connect('127.0.0.1:22', master)).toBe(403);
    expect(await connect('169.254.169.254:80', master)).toBe(403);
    expect(await connect('localhost:80', master)).toBe(400);
    expect(await connect(`${podAddress ?? ''}:0`, master)).toBe(400);
    expect(await connect(`${podAddress ?? ''}:1`, master)).toBe(502);
    expect(await connect(`${podAddress ?? ''}:${port.toString()}`, {})).toBe(401);
    expect(await connect(`${podAddress ?? ''}:${port.toString()}`, await pairOf('eve', []))).toBe(403);
  });
});
