import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { createMetricsRegistry } from '@bayplan/component-base';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
const metrics = createMetricsRegistry({ processMetrics: false });
beforeAll(async () => {
  api = await startTestApiServer({ listen: false, metrics });
});
afterAll(() => api.close());

async function get(path: string): Promise<number> {
  const response = await api.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(),
    headers: {},
    body: { kind: 'none' },
    peer: {
      kind: 'certificate',
      commonName: 'ann',
      organizations: ['system:masters'],
      fingerprint: '',
      notAfterMs: Date.now() + 1_000_000,
    },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  return response.status;
}

it('counts requests under the labels of what is served, and nothing that clients make up', async () => {
  const admin = createClient(api.admin);
  await admin.create(resources.limitRanges, { metadata: { name: 'a', namespace: 'default' } });
  const abort = new AbortController();
  const watch = admin.watch(resources.pods, { signal: abort.signal })[Symbol.asyncIterator]();
  const first = watch.next();
  expect(await get('/api/v1/namespaces/default/limitranges/a')).toBe(200);
  expect(await get('/api/v1/namespaces/default/limitranges/b')).toBe(404);
  expect(await get('/api/v1/endpoints')).toBe(200);
  expect(await get('/api/v1/namespaces/default/pods/x/made-up-1')).toBe(404);
  expect(await get('/apis/made.up/v1/things-2')).toBe(404);
  const text = await metrics.metrics();
  const labels = 'verb="GET",group="",version="v1",resource="limitranges",subresource="",scope="resource",component="apiserver"';
  expect(text).toContain(`apiserver_request_total{${labels},dry_run="",code="200"} 1`);
  expect(text).toContain(`apiserver_request_total{${labels},dry_run="",code="404"} 1`);
  expect(text).toContain(`apiserver_request_duration_seconds_count{${labels},dry_run=""} 2`);
  expect(text).toMatch(new RegExp(`apiserver_request_sli_duration_seconds_bucket\\{${labels},le="60"\\} 2`));
  expect(text).toContain(
    'apiserver_requested_deprecated_apis{group="",version="v1",resource="endpoints",subresource="",removed_release=""} 1',
  );
  expect(text).toMatch(/apiserver_longrunning_requests\{verb="WATCH",[^}]*resource="pods"[^}]*\} 1/);
  expect(text).toContain('apiserver_current_inflight_requests{request_kind="readOnly"} 0');
  expect(text).toMatch(/apiserver_client_certificate_expiration_seconds_bucket\{le="1800"\} 5/);
  expect(text).toContain('apiserver_flowcontrol_request_execution_seconds_count{priority_level="exempt"');
  expect(text).not.toContain('made-up');
  expect(text).not.toContain('made.up');
  abort.abort(new Error('enough'));
  await first;
  expect(await metrics.metrics()).not.toMatch(/apiserver_longrunning_requests\{verb="WATCH",[^}]*resource="pods"/);
});
