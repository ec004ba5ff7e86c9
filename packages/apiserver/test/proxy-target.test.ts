import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOfAddress } from '../src/connect/address-kind.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;
let victim: Server;
let victimPort: number;
let hits = 0;

beforeAll(async () => {
  victim = createServer((_request, response) => {
    hits++;
    response.end('secret');
  });
  await new Promise<void>((resolve) => victim.listen(0, '127.0.0.1', resolve));
  victimPort = (victim.address() as AddressInfo).port;
  api = await startTestApiServer({ listen: false });
  const admin = createClient(api.admin);
  await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
  for (const [name, podIP] of [
    ['own', '127.0.0.1'],
    ['far', '192.0.2.1'],
  ] as const) {
    const pod = await admin.create(resources.pods, {
      metadata: { name, namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await admin.update(resources.pods, { ...pod, status: { ...pod.status, podIP, podIPs: [{ ip: podIP }] } }, { subresource: 'status' });
  }
});
afterAll(async () => {
  await api.close();
  await new Promise((resolve) => victim.close(resolve));
});

async function get(path: string): Promise<number> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 500);
  try {
    const { status } = await api.server.handle({
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: {},
      body: { kind: 'none' },
      peer: { kind: 'loopback', identity: { name: 'root', groups: ['system:masters'] } },
      remoteAddress: '127.0.0.1',
      signal: abort.signal,
    });
    return status;
  } finally {
    clearTimeout(timer);
  }
}

describe('proxy', () => {
  it('never reaches the server’s own machine', async () => {
    const proxy = '/api/v1/namespaces/default/pods';
    expect(await get(`${proxy}/own:${victimPort.toString()}/proxy/`)).toBe(400);
    expect(await get(`${proxy}/far:80@127.0.0.1%3A${victimPort.toString()}/proxy/`)).toBe(400);
    expect(await get(`${proxy}/far:80@localhost/proxy/`)).toBe(400);
    await get(`${proxy}/far:80/proxy/\\127.0.0.1:${victimPort.toString()}/`);
    expect(hits).toBe(0);
  });

  it.each([
    ['10.128.0.4', 'ordinary'],
    ['127.9.9.9', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['169.254.169.254', 'linkLocal'],
    ['fe80::1', 'linkLocal'],
    ['0.0.0.0', 'unspecified'],
    ['fd00::1', 'ordinary'],
    ['evil.example', 'invalid'],
  ])('takes %s for %s', (address, kind) => {
    expect(kindOfAddress(address)).toBe(kind);
  });
});
