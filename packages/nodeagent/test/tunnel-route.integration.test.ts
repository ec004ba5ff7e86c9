import { resources } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient } from '@bayplan/client';
import { issueCertificate, systemClock } from '@bayplan/component-base';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'node:https';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const id = process.pid.toString(36).slice(-5);
const namespace = `bp-tun-${id}`;
const link = `bpt${id}`;
/** Benchmark addresses (RFC 2544), a part of them for each process. */
const part = (process.pid % 250).toString();
const hostAddress = `198.18.${part}.1`;
const nodeAddress = `198.18.${part}.2`;
/** Held inside the namespace; the host has no route to it but that to a black hole. */
const podAddress = `198.19.${part}.3`;

/** A node whose pods the API server's host cannot reach. Needs root for the network namespace. */
describe.skipIf(process.getuid?.() !== 0)('a server without a route to pods', () => {
  let api: TestApiServer;
  let agent: ChildProcess;
  let podPort = 0;

  beforeAll(async () => {
    await run('ip', ['netns', 'add', namespace]);
    await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
    await run('ip', ['addr', 'add', `${hostAddress}/30`, 'dev', link]);
    await run('ip', ['link', 'set', link, 'up']);
    await run('ip', ['-n', namespace, 'addr', 'add', `${nodeAddress}/30`, 'dev', 'eth0']);
    await run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
    await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    await run('ip', ['-n', namespace, 'addr', 'add', `${podAddress}/32`, 'dev', 'lo']);
    await run('ip', ['route', 'add', 'blackhole', `${podAddress}/32`]);
    api = await startTestApiServer();
    const certificateRequest = { commonName: 'system:node:n', ipAddresses: [nodeAddress], usages: ['server'] as const };
    const certificates = { ...(await issueCertificate(api.keys.ca, certificateRequest, systemClock.now())), clientCaPem: api.caPem };
    const script = fileURLToPath(new URL('support/tunnel-agent.mjs', import.meta.url));
    agent = spawn('ip', ['netns', 'exec', namespace, process.execPath, script], {
      env: { ...process.env, TUNNEL_AGENT: JSON.stringify({ certificates, nodeAddress, podAddress }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(agent.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    const started = JSON.parse(line.toString()) as { port: number; podPort: number };
    ({ podPort } = started);
    const admin = createClient(api.admin);
    const node = await admin.create(resources.nodes, { metadata: { name: 'n' } });
    const status = {
      addresses: [{ type: 'InternalIP', address: nodeAddress }],
      daemonEndpoints: { kubeletEndpoint: { Port: started.port } },
    };
    await admin.update(resources.nodes, { ...node, status }, { subresource: 'status' });
    await admin.create(resources.services, { metadata: { name: 's', namespace: 'default' }, spec: { ports: [{ port: 80 }] } } as never);
    await admin.create(resources.endpointSlices, {
      metadata: { name: 's-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ port: podPort, name: '', protocol: 'TCP' }],
      endpoints: [{ addresses: [podAddress], conditions: { ready: true }, nodeName: 'n' }],
    });
  });
  afterAll(async () => {
    agent.kill();
    await api.close();
    await run('ip', ['route', 'del', 'blackhole', `${podAddress}/32`]);
    await run('ip', ['link', 'del', link]);
    await run('ip', ['netns', 'del', namespace]);
  });

  it('reaches them through the agent of their node, of its own accord', async () => {
    const failure = new Promise((resolve) => connect(podPort, podAddress).on('error', resolve));
    expect(await failure).toMatchObject({ code: expect.stringMatching(/EINVAL|EHOSTUNREACH|ENETUNREACH/) as string });
    const identity = { commonName: 'ann', organizations: ['system:masters'], usages: ['client'] as const };
    const client = await issueCertificate(api.keys.ca, identity, systemClock.now());
    const text = await new Promise<string>((resolve, reject) => {
      const options = { ca: api.caPem, cert: client.certPem, key: client.keyPem, agent: false };
      const asked = request(`${api.url}/api/v1/namespaces/default/services/s/proxy/here`, options, (response) => {
        let received = '';
        response.on('data', (chunk: Buffer) => (received += chunk.toString()));
        response.on('end', () => resolve(received));
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(text).toBe('pod saw /here');
  });
});
