import { resources } from '@bayplan/api';
import type { FlowSchema, KubeObject, PriorityLevelConfiguration } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createMetricsRegistry } from '@bayplan/component-base';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
const metrics = createMetricsRegistry({ processMetrics: false });

beforeAll(async () => {
  api = await startTestApiServer({ listen: false, metrics });
  admin = createClient(api.admin);
});
afterAll(() => api.close());

async function get(name: string, path: string, groups: string[] = []) {
  const response = await api.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(),
    headers: {},
    body: { kind: 'none' },
    peer: { kind: 'certificate', commonName: name, organizations: groups, fingerprint: '', notAfterMs: Number.POSITIVE_INFINITY },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const text = response.body.kind === 'bytes' ? Buffer.concat(response.body.chunks).toString() : '';
  return { status: response.status, headers: response.headers, text };
}

it('begins with the objects of Kubernetes', async () => {
  const levels = (await admin.list(resources.priorityLevelConfigurations)).items;
  expect(levels.map(({ metadata }) => metadata.name).sort()).toEqual(
    ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'].sort(),
  );
  const schemas = (await admin.list(resources.flowSchemas)).items;
  expect(schemas).toHaveLength(11);
  expect(schemas[0]?.metadata.annotations).toEqual({ 'apf.kubernetes.io/autoupdate-spec': 'true' });
});

it('says in each answer which objects applied', async () => {
  const uid = async (schema: string, level: string): Promise<object> => ({
    'x-kubernetes-pf-flowschema-uid': (await admin.get(resources.flowSchemas, { name: schema })).metadata.uid,
    'x-kubernetes-pf-prioritylevel-uid': (await admin.get(resources.priorityLevelConfigurations, { name: level })).metadata.uid,
  });
  expect((await get('bob', '/version')).headers).toMatchObject(await uid('global-default', 'global-default'));
  expect((await get('bob', '/api/v1/pods')).headers).toMatchObject(await uid('global-default', 'global-default'));
  expect((await get('bob', '/livez')).headers).toMatchObject(await uid('probes', 'exempt'));
  expect((await get('root', '/api', ['system:masters'])).headers).toMatchObject(await uid('exempt', 'exempt'));
  expect((await get('system:node:a', '/api/v1/nodes/a', ['system:nodes'])).headers).toMatchObject(
    await uid('system-node-high', 'node-high'),
  );
  expect((await get('system:serviceaccount:kube-system:x', '/api')).headers).toMatchObject(
    await uid('kube-system-service-accounts', 'workload-high'),
  );
});

it('refuses what a level that rejects has no seats for, and says when to come back', async () => {
  const level: PriorityLevelConfiguration & KubeObject = {
    metadata: { name: 'closed' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } } },
  };
  const schema: FlowSchema & KubeObject = {
    metadata: { name: 'eve' },
    spec: {
      priorityLevelConfiguration: { name: 'closed' },
      matchingPrecedence: 50,
      rules: [{ subjects: [{ kind: 'User', user: { name: 'eve' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }],
    },
  };
  await admin.create(resources.flowSchemas, schema);
  await vi.waitFor(async () =>
    expect((await admin.get(resources.flowSchemas, { name: 'eve' })).status?.conditions).toMatchObject([
      {
        type: 'Dangling',
        status: 'True',
        reason: 'NotFound',
        message: 'This FlowSchema references the PriorityLevelConfiguration object named "closed" but there is no such object',
      },
    ]),
  );
  expect((await get('eve', '/version')).status).toBe(200);
  await admin.create(resources.priorityLevelConfigurations, level);
  await vi.waitFor(async () =>
    expect((await admin.get(resources.flowSchemas, { name: 'eve' })).status?.conditions).toMatchObject([
      { status: 'False', reason: 'Found' },
    ]),
  );
  const refused = await get('eve', '/version');
  expect(refused.status).toBe(429);
  expect(refused.headers).toMatchObject({ 'retry-after': '1' });
  expect(JSON.parse(refused.text)).toMatchObject({ reason: 'TooManyRequests', message: 'Too many requests, please try again later.' });
  expect((await get('eve', '/api/v1/pods')).status).toBe(403);
  const text = await metrics.metrics();
  expect(text).toContain(
    'apiserver_flowcontrol_rejected_requests_total{priority_level="closed",flow_schema="eve",reason="concurrency-limit"} 1',
  );
  expect(text).toContain('apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 245');
  await admin.delete(resources.flowSchemas, { name: 'eve' });
  expect((await get('eve', '/version')).status).toBe(200);
});

it('brings mandatory objects back', async () => {
  await admin.delete(resources.flowSchemas, { name: 'catch-all' });
  await vi.waitFor(async () =>
    expect((await admin.get(resources.flowSchemas, { name: 'catch-all' })).spec?.matchingPrecedence).toBe(10_000),
  );
});

it('shows what is in it', async () => {
  const levels = await get('root', '/debug/api_priority_and_fairness/dump_priority_levels', ['system:masters']);
  expect(levels.text.split('\n')[0]).toBe(
    'PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests,',
  );
  expect(levels.text).toMatch(/^catch-all, +0, +true, +false, +0, +0, +0, +0, +0, +0,/m);
  expect((await get('root', '/debug/api_priority_and_fairness/dump_queues', ['system:masters'])).text).toContain('workload-low,');
  expect((await get('root', '/debug/api_priority_and_fairness/dump_requests', ['system:masters'])).status).toBe(200);
  expect((await get('bob', '/debug/api_priority_and_fairness/dump_requests')).status).toBe(403);
});
