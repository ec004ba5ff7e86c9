import { resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ kubelet: false });
});
afterAll(() => cluster.close());

const namespace = 'default';
const pod = (name: string, cpu: string): Pod => ({
  metadata: { namespace, name },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
});
const usedIs = (name: string, used: Record<string, string>) =>
  cluster.until(resources.resourceQuotas, namespace, name, (one) => {
    const have = one.status?.used ?? {};
    return Object.entries(used).every(([key, amount]) => have[key] === amount);
  });

it('what is used of a quota is counted at once, grows with pods, and shrinks when they end or go', async () => {
  await cluster.client.create(resources.pods, pod('before', '100m'));
  await cluster.client.create(resources.configMaps, { metadata: { namespace, name: 'map' } });
  const hard = { 'requests.cpu': '1', pods: '3', 'count/configmaps': '10', 'count/things.example.com': '1' };
  await cluster.client.create(resources.resourceQuotas, { metadata: { namespace, name: 'q' }, spec: { hard } });
  // kube-root-ca.crt and ours.
  const first = await usedIs('q', { 'requests.cpu': '100m', pods: '1', 'count/configmaps': '2' });
  expect(first.status?.hard).toEqual(hard);
  expect(first.status?.used).not.toHaveProperty('count/things.example.com');
  await cluster.client.create(resources.pods, pod('second', '500m'));
  await usedIs('q', { 'requests.cpu': '600m', pods: '2' });
  await expect(cluster.client.create(resources.pods, pod('third', '500m'))).rejects.toThrow(
    'exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  const status = { phase: 'Succeeded' };
  await cluster.client.patch(resources.pods, { namespace, name: 'second' }, 'merge', { status }, { subresource: 'status' });
  await usedIs('q', { 'requests.cpu': '100m', pods: '1' });
  await cluster.client.delete(resources.pods, { namespace, name: 'before' }, { gracePeriodSeconds: 0 });
  await cluster.client.delete(resources.configMaps, { namespace, name: 'map' });
  await usedIs('q', { 'requests.cpu': '0', pods: '0', 'count/configmaps': '1' });
  const spec = { hard: { secrets: '5' } };
  await cluster.client.patch(resources.resourceQuotas, { namespace, name: 'q' }, 'json', [{ op: 'replace', path: '/spec', value: spec }]);
  const changed = await usedIs('q', { secrets: '0' });
  expect(changed.status).toEqual({ hard: { secrets: '5' }, used: { secrets: '0' } });
});
