import { resources, statusOf } from '@bayplan/api';
import type { Deployment, Pod, PodDisruptionBudget } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

function deployment(name: string, replicas: number): Deployment {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    },
  };
}

function budget(name: string, spec: Partial<PodDisruptionBudget['spec']>): PodDisruptionBudget {
  return { metadata: { namespace: 'default', name }, spec: { selector: { matchLabels: { app: name } }, ...spec } };
}

const counted = (name: string, allowed: number): Promise<PodDisruptionBudget> =>
  cluster.until(
    resources.podDisruptionBudgets,
    'default',
    name,
    ({ status, metadata }) => status?.observedGeneration === metadata.generation && status?.disruptionsAllowed === allowed,
  );

async function podsOf(name: string): Promise<Pod[]> {
  return (await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: `app=${name}` })).items;
}

async function evict(pod: Pod | undefined, body: object = {}) {
  const key = { namespace: 'default', name: pod?.metadata.name ?? '' };
  try {
    await cluster.client.createSubresource(resources.pods, key, 'eviction', {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: key,
      ...body,
    });
    return undefined;
  } catch (error) {
    return statusOf(error);
  }
}

describe('disruption budgets', () => {
  it('allow as many evictions as the workload can spare, and then refuse', async () => {
    await cluster.client.create(resources.deployments, deployment('web', 4));
    await cluster.client.create(resources.podDisruptionBudgets, budget('web', { maxUnavailable: '25%' }));
    const before = await counted('web', 1);
    expect(before.status).toMatchObject({ currentHealthy: 4, desiredHealthy: 3, expectedPods: 4 });
    expect(before.status?.conditions?.[0]).toMatchObject({ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' });
    // The pod that goes is not replaced for now, so that the budget stays taken.
    cluster.kubelet.runs = (pod) => pod.metadata.labels?.['app'] !== 'web';
    const [first, second] = await podsOf('web');
    expect(await evict(first, { deleteOptions: { dryRun: ['All'] } })).toBeUndefined();
    expect((await counted('web', 1)).status?.disruptedPods).toBeUndefined();
    expect(await evict(first)).toBeUndefined();
    const refused = await evict(second);
    expect(refused).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget' }] },
    });
    expect(refused?.details?.retryAfterSeconds).toBeUndefined();
    await cluster.until(
      resources.podDisruptionBudgets,
      'default',
      'web',
      ({ status }) => status?.currentHealthy === 3 && status.disruptedPods === undefined,
    );
    expect((await evict(second))?.details?.causes?.[0]?.message).toBe('The disruption budget web needs 3 healthy pods and has 3 currently');
    cluster.kubelet.runs = () => true;
    for (const pod of await podsOf('web'))
      await cluster.client.patch(resources.pods, { namespace: 'default', name: pod.metadata.name ?? '' }, 'merge', {
        metadata: { annotations: { nudge: 'yes' } },
      });
    await counted('web', 1);
  });

  it('count pods against an absolute minimum', async () => {
    await cluster.client.create(resources.deployments, deployment('min', 3));
    await cluster.client.create(resources.podDisruptionBudgets, budget('min', { minAvailable: 2 }));
    expect((await counted('min', 1)).status).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 });
    await cluster.client.patch(resources.deployments, { namespace: 'default', name: 'min' }, 'merge', { spec: { replicas: 2 } });
    const tight = await counted('min', 0);
    expect(tight.status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'InsufficientPods' });
  });

  it('let pods that are not ready go where nothing depends on them', async () => {
    cluster.kubelet.runs = (pod) => pod.metadata.labels?.['app'] !== 'sick';
    await cluster.client.create(resources.deployments, deployment('sick', 1));
    await cluster.client.create(resources.podDisruptionBudgets, budget('sick', { minAvailable: 1 }));
    await counted('sick', 0);
    const [pod] = await cluster.eventually(async () => {
      const found = await podsOf('sick');
      return found.length === 1 && found;
    });
    await cluster.client.patch(
      resources.pods,
      { namespace: 'default', name: pod?.metadata.name ?? '' },
      'merge',
      { status: { phase: 'Running' } },
      { subresource: 'status' },
    );
    expect((await evict(pod))?.code).toBe(429);
    await cluster.client.patch(resources.podDisruptionBudgets, { namespace: 'default', name: 'sick' }, 'merge', {
      spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    });
    await counted('sick', 0);
    expect(await evict(pod)).toBeUndefined();
    cluster.kubelet.runs = () => true;
  });

  it('refuse a pod that two of them select, and say what they cannot count', async () => {
    await cluster.client.create(resources.pods, {
      metadata: { namespace: 'default', name: 'lone', labels: { app: 'lone' } },
      spec: { containers: [{ name: 'web', image: 'web' }] },
    });
    const pod = await cluster.until(resources.pods, 'default', 'lone', ({ status }) => status?.phase === 'Running');
    await cluster.client.create(resources.podDisruptionBudgets, budget('lone', { maxUnavailable: 1 }));
    await cluster.until(
      resources.podDisruptionBudgets,
      'default',
      'lone',
      ({ status }) => status?.expectedPods === 0 && status.disruptionsAllowed === 0,
    );
    await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
      return items.some((event) => event.reason === 'UnmanagedPods' && event.involvedObject.name === 'lone');
    });
    await cluster.client.create(resources.podDisruptionBudgets, {
      ...budget('other', {}),
      spec: { selector: { matchLabels: { app: 'lone' } }, minAvailable: 1 },
    });
    await counted('other', 0);
    expect(await evict(pod)).toMatchObject({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  });

  it('fail safe for pods of a kind that has no size', async () => {
    await cluster.client.create(resources.jobs, {
      metadata: { namespace: 'default', name: 'batch' },
      spec: {
        template: {
          metadata: { labels: { app: 'batch' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'work', image: 'work' }] },
        },
      },
    });
    await cluster.client.create(resources.podDisruptionBudgets, budget('batch', { maxUnavailable: 1 }));
    const failed = await cluster.until(
      resources.podDisruptionBudgets,
      'default',
      'batch',
      ({ status }) => status?.conditions?.[0]?.reason === 'SyncFailed',
    );
    expect([failed.status?.disruptionsAllowed, failed.status?.conditions?.[0]?.message]).toEqual([
      0,
      'jobs.batch does not implement the scale subresource',
    ]);
  });

  it('call off a disruption that was announced and did not come', async () => {
    await cluster.client.create(resources.pods, {
      metadata: { namespace: 'default', name: 'spared', labels: { app: 'spared' } },
      spec: { containers: [{ name: 'web', image: 'web' }] },
    });
    await cluster.until(resources.pods, 'default', 'spared', ({ status }) => status?.phase === 'Running');
    const lastTransitionTime = timestamp(Date.now() - 121_000);
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', lastTransitionTime }];
    await cluster.client.patch(
      resources.pods,
      { namespace: 'default', name: 'spared' },
      'strategic',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await cluster.until(resources.pods, 'default', 'spared', ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: value }) => type === 'DisruptionTarget' && value === 'False'),
    );
  });
});

describe('the replication controller', () => {
  it('keeps its pods, adopts by its map of labels, and scales', async () => {
    await cluster.client.create(resources.replicationControllers, {
      metadata: { namespace: 'default', name: 'old' },
      spec: { replicas: 2, template: { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'web', image: 'web' }] } } },
    });
    await cluster.until(resources.replicationControllers, 'default', 'old', ({ status }) => status?.availableReplicas === 2);
    await cluster.client.create(resources.pods, {
      metadata: { namespace: 'default', name: 'stray', labels: { app: 'old' } },
      spec: { containers: [{ name: 'web', image: 'web' }] },
    });
    await cluster.eventually(async () => {
      const alive = (await podsOf('old')).filter((pod) => pod.metadata.deletionTimestamp === undefined);
      return alive.length === 2 && alive.every((pod) => pod.metadata.ownerReferences?.[0]?.kind === 'ReplicationController');
    });
    await cluster.client.patch(resources.replicationControllers, { namespace: 'default', name: 'old' }, 'merge', { spec: { replicas: 0 } });
    await cluster.until(resources.replicationControllers, 'default', 'old', ({ status }) => status?.replicas === 0);
  });
});
