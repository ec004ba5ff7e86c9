import { systemClock } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer({ listen: false, flags: { port: '6443', 'authorization-mode': 'Node,RBAC' } });
});
afterAll(() => api.close());

async function get(path: string, query = '', groups: string[] = ['system:masters'], server: TestApiServer = api) {
  const response = await server.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(query),
    headers: {},
    body: { kind: 'none' },
    peer: { kind: 'certificate', commonName: 'ann', organizations: groups, fingerprint: '', notAfterMs: Number.POSITIVE_INFINITY },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  return {
    status: response.status,
    headers: response.headers,
    text: response.body.kind === 'bytes' ? Buffer.concat(response.body.chunks).toString() : '',
  };
}

describe('health', () => {
  it('is told check by check', async () => {
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok' });
    const { text } = await get('/readyz', 'verbose&exclude=etcd&exclude=nothing');
    expect(text).toContain('[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n[+]etcd-readiness ok\n[+]informer-sync ok\n');
    expect(text).toContain('[+]poststarthook/rbac/bootstrap-roles ok\n');
    expect(text).toContain('[+]shutdown ok\nwarn: some health checks cannot be excluded: no matches for "nothing"\nreadyz check passed\n');
    expect(await get('/livez/etcd')).toMatchObject({ status: 200, text: 'ok' });
    expect(await get('/readyz/poststarthook/rbac/bootstrap-roles')).toMatchObject({ status: 200 });
    expect((await get('/livez/nothing')).status).toBe(404);
    const slis = await get('/metrics/slis');
    expect(slis.text).toContain('kubernetes_healthcheck{name="etcd",type="livez"} 1');
    expect(slis.text).toContain('kubernetes_healthchecks_total{name="ping",type="readyz",status="success"}');
  });
});

describe('pages about the server', () => {
  it('say how it runs', async () => {
    expect((await get('/flagz')).text).toMatch(/^\nkube-apiserver flagz\nWarning: .*\n\nauthorization-mode=Node,RBAC\nport=6443\n$/);
    expect((await get('/statusz')).text).toMatch(/Up: 0 hr 00 min 0\d sec\n/);
    for (const path of ['/flagz', '/statusz']) {
      expect((await get(path, '', ['system:monitoring'])).status).toBe(200);
      expect((await get(path, '', ['dev'])).status).toBe(403);
    }
  });

  it('take profiles, for administrators', async () => {
    expect((await get('/debug/pprof/heap')).text).toContain('used_heap_size ');
    const profile = await get('/debug/pprof/profile', 'seconds=1');
    expect(profile.headers['content-disposition']).toContain('.cpuprofile');
    expect((JSON.parse(profile.text) as { nodes: unknown[] }).nodes.length).toBeGreaterThan(0);
    expect((JSON.parse((await get('/debug/pprof/allocs', 'seconds=1')).text) as { head: object }).head).toBeTypeOf('object');
    expect((await get('/debug/pprof/profile', 'seconds=0')).status).toBe(400);
    expect((await get('/debug/pprof/heap', '', ['dev'])).status).toBe(403);
  });
});

it('a server that stops is not ready first, then sends its clients elsewhere', async () => {
  let wake: () => void = () => undefined;
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) =>
      ms === 12_345 ? new Promise<void>((resolve) => (wake = resolve)) : systemClock.sleep(ms, signal),
  };
  const stopping = await startTestApiServer({ clock, shutdownDelayMs: 12_345 });
  const closed = stopping.close();
  const ready = await get('/readyz', '', ['system:masters'], stopping);
  expect(ready.status).toBe(500);
  expect(ready.text).toContain('[-]shutdown failed: reason withheld\nreadyz check failed\n');
  expect((await get('/livez', '', ['system:masters'], stopping)).status).toBe(200);
  expect((await get('/api', '', ['system:masters'], stopping)).status).toBe(200);
  wake();
  await new Promise((resolve) => setImmediate(resolve));
  const refused = await get('/api', '', ['system:masters'], stopping);
  expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
  await closed;
});
