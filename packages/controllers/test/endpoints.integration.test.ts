import { isNotFound, resources } from '@bayplan/api';
import type { EndpointSlice, Service } from '@bayplan/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

const namespace = 'default';
const service = (name: string, spec: Service['spec']): Promise<Service> =>
  cluster.client.create(resources.services, { metadata: { namespace, name }, spec });

async function slicesOf(name: string): Promise<EndpointSlice[]> {
  return (await cluster.client.list(resources.endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${name}` })).items;
}

it('a Service has slices and Endpoints that follow its pods', async () => {
  const labels = { app: 'web' };
  await service('web', { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] });
  const empty = await cluster.eventually(async () => (await slicesOf('web'))[0]);
  expect(empty.endpoints ?? []).toEqual([]);
  const containers = [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: 8080 }] }];
  for (const name of ['a', 'b'])
    await cluster.client.create(resources.pods, { metadata: { namespace, name, labels }, spec: { containers } });
  const [slice] = await cluster.eventually(async () => {
    const found = await slicesOf('web');
    return found.length === 1 && found[0]?.endpoints?.length === 2 && found;
  });
  expect(slice?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
  expect(slice?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Service', name: 'web' });
  expect(slice?.endpoints?.[0]).toMatchObject({
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace },
  });
  const legacy = await cluster.until(resources.endpoints, namespace, 'web', (object) => object.subsets?.[0]?.addresses?.length === 2);
  expect(legacy.subsets?.[0]?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);

  await cluster.client.delete(resources.pods, { namespace, name: 'a' });
  await cluster.until(resources.endpoints, namespace, 'web', (object) => object.subsets?.[0]?.addresses?.length === 1);
  expect((await slicesOf('web')).flatMap((one) => one.endpoints ?? []).map((endpoint) => endpoint.targetRef?.name)).toEqual(['b']);

  // A slice that somebody deleted comes back.
  await cluster.client.delete(resources.endpointSlices, { namespace, name: (await slicesOf('web'))[0]?.metadata.name ?? '' });
  await cluster.eventually(async () => (await slicesOf('web'))[0]?.endpoints?.length === 1);

  await cluster.client.delete(resources.services, { namespace, name: 'web' });
  await cluster.eventually(async () => (await slicesOf('web')).length === 0);
  await cluster.eventually(() => cluster.client.get(resources.endpoints, { namespace, name: 'web' }).then(() => false, isNotFound));
});

it('a Service without selector has none', async () => {
  await service('outside', { ports: [{ port: 80 }] });
  await service('marker', { selector: { app: 'none' }, ports: [{ port: 80 }] });
  await cluster.eventually(async () => (await slicesOf('marker'))[0]);
  expect(await slicesOf('outside')).toEqual([]);
});

it('slices say what caused them, and lose labels that their Service has lost', async () => {
  const spec = { selector: { app: 'labelled' }, clusterIP: 'None', ports: [{ port: 80 }] };
  await cluster.client.create(resources.services, { metadata: { namespace, name: 'labelled', labels: { team: 'a', tier: 'x' } }, spec });
  const slice = await cluster.eventually(async () => (await slicesOf('labelled'))[0]);
  expect(slice.metadata.labels).toMatchObject({ team: 'a', tier: 'x', 'service.kubernetes.io/headless': '' });
  expect(slice.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time']).toMatch(/^20\d\d-.*Z$/);
  await cluster.client.patch(resources.services, { namespace, name: 'labelled' }, 'merge', { metadata: { labels: { tier: null } } });
  await cluster.eventually(async () => (await slicesOf('labelled'))[0]?.metadata.labels?.['tier'] === undefined);
});

it('Endpoints made by hand are mirrored until they or their Service want it no more', async () => {
  await service('by-hand', { ports: [{ port: 80 }] });
  const subsets = [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 8080, protocol: 'TCP' }] }];
  await cluster.client.create(resources.endpoints, { metadata: { namespace, name: 'by-hand', labels: { x: 'y' } }, subsets });
  const slice = await cluster.eventually(async () => (await slicesOf('by-hand'))[0]);
  expect(slice.metadata.labels).toMatchObject({
    x: 'y',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  expect(slice.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Endpoints', name: 'by-hand' });
  expect(slice.endpoints?.map((one) => [one.addresses, one.conditions?.ready])).toEqual([[['192.0.2.9'], true]]);
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  await cluster.client.patch(resources.endpoints, { namespace, name: 'by-hand' }, 'merge', { metadata: { labels } });
  await cluster.eventually(async () => (await slicesOf('by-hand')).length === 0);
});
