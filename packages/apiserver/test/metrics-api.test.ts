import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSummary } from '../src/metrics-api/node-summary.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

describe('a summary of a node', () => {
  const summary = (nanos: number, rate?: number): string =>
    JSON.stringify({
      node: { cpu: { usageCoreNanoSeconds: nanos * 10 }, memory: { workingSetBytes: 5 } },
      pods: [
        {
          podRef: { name: 'p', namespace: 'n' },
          containers: [{ name: 'c', cpu: { usageCoreNanoSeconds: nanos, usageNanoCores: rate }, memory: { workingSetBytes: 7 } }],
        },
      ],
    });

  it('gives the growth of counters between two readings', () => {
    const first = readSummary(summary(1_000_000, 42), 10_000, undefined);
    expect(first.usage.pods.get('n/p')?.get('c')).toEqual({ cpuNano: 42, memoryBytes: 7 });
    // 2,000,000 ns in 20 s are 100,000 billionths of a core.
    const second = readSummary(summary(3_000_000, 42), 30_000, first.counters);
    expect(second.usage).toMatchObject({ windowMs: 20_000, node: { cpuNano: 1_000_000, memoryBytes: 5 } });
    expect(second.usage.pods.get('n/p')?.get('c')?.cpuNano).toBe(100_000);
    // Started anew: its counter fell.
    expect(readSummary(summary(10, 42), 50_000, second.counters).usage.pods.get('n/p')?.get('c')?.cpuNano).toBe(42);
  });
});

describe('metrics.k8s.io', () => {
  let api: TestApiServer;
  beforeAll(async () => {
    api = await startTestApiServer({ listen: false });
    const client = createClient(api.admin);
    await client.create(resources.serviceAccounts, { metadata: { namespace: 'default', name: 'default' } });
    await client.create(resources.nodes, { metadata: { name: 'h1', labels: { 'simulator.bayplan.io/hollow': 'true' } } });
    await client.create(resources.nodes, { metadata: { name: 'silent' } });
    for (const [name, annotations] of [
      ['plain', {}],
      ['busy', { 'simulator.bayplan.io/cpu-usage': '300m', 'simulator.bayplan.io/memory-usage': 'much' }],
    ] as const) {
      const requests = { cpu: '100m', memory: '64Mi' };
      await client.create(resources.pods, {
        metadata: { namespace: 'default', name, labels: { app: name }, annotations },
        spec: { nodeName: 'h1', containers: [{ name: 'c', image: 'i', resources: { requests } }] },
      });
      await client.patch(
        resources.pods,
        { namespace: 'default', name },
        'merge',
        { status: { phase: 'Running' } },
        { subresource: 'status' },
      );
    }
  });
  afterAll(() => api.close());

  const get = (path: string, query: Record<string, string> = {}): Promise<Record<string, unknown>> =>
    api.admin.call({ method: 'GET', path, query }) as Promise<Record<string, unknown>>;
  const base = '/apis/metrics.k8s.io/v1beta1';

  it('is discovered', async () => {
    const list = (await get(base)) as { resources: { name: string; namespaced: boolean; kind: string; verbs: string[] }[] };
    expect(list.resources.map(({ name, namespaced, kind, verbs }) => [name, namespaced, kind, verbs])).toEqual([
      ['nodes', false, 'NodeMetrics', ['get', 'list']],
      ['pods', true, 'PodMetrics', ['get', 'list']],
    ]);
  });

  it('tells what pods use, and half of their requests on simulated nodes', async () => {
    const list = (await get(`${base}/namespaces/default/pods`)) as {
      kind: string;
      items: { metadata: { name: string }; containers: unknown }[];
    };
    expect(list.kind).toBe('PodMetricsList');
    const byName = Object.fromEntries(list.items.map((item) => [item.metadata.name, item.containers]));
    expect(byName['plain']).toEqual([{ name: 'c', usage: { cpu: '50000000n', memory: '32768Ki' } }]);
    expect(byName['busy']).toEqual([{ name: 'c', usage: { cpu: '300000000n', memory: '32768Ki' } }]);
    const selected = (await get(`${base}/pods`, { labelSelector: 'app=busy' })) as typeof list;
    expect(selected.items.map((item) => item.metadata.name)).toEqual(['busy']);
  });

  it('leaves out nodes that do not answer, and knows no pod that is not there', async () => {
    const list = (await get(`${base}/nodes`)) as { items: { metadata: { name: string }; usage: object }[] };
    // 50m and 200Mi of the node's own, 350m and 64Mi of its pods.
    expect(list.items.map((item) => [item.metadata.name, item.usage])).toEqual([['h1', { cpu: '400000000n', memory: '270336Ki' }]]);
    await expect(get(`${base}/namespaces/default/pods/none`)).rejects.toThrow('pods.metrics.k8s.io "default/none" not found');
  });
});
