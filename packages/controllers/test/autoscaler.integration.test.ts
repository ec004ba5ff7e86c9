import { resources } from '@bayplan/api';
import type { Deployment, KubeObject, ResourceRef, V2HorizontalPodAutoscaler, V2MetricSpec } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
/** CPU of every pod of a Deployment, by its name; pods are named after it. */
const cpu = new Map<string, string>();
const amounts = new Map<string, string>();

/** Plays the three metrics APIs. */
function answer(path: string): unknown {
  const timestamp = new Date().toISOString();
  const resource = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/default\/pods$/.exec(path);
  if (resource)
    return {
      items: podNames().map((name) => ({
        metadata: { name },
        timestamp,
        window: '10s',
        containers: [{ name: 'web', usage: { cpu: cpu.get(appOf(name)) ?? '0' } }],
      })),
    };
  const custom = /^\/apis\/custom\.metrics\.k8s\.io\/v1beta2\/namespaces\/default\/(.+)$/.exec(path);
  if (custom) {
    const value = amounts.get(custom[1] ?? '') ?? '0';
    if (custom[1]?.startsWith('pods/')) return { items: podNames().map((name) => ({ describedObject: { name }, timestamp, value })) };
    return { items: [{ describedObject: { name: 'x' }, timestamp, value }] };
  }
  const external = /^\/apis\/external\.metrics\.k8s\.io\/v1beta1\/namespaces\/default\/(.+)$/.exec(path);
  return external ? { items: [{ value: amounts.get(external[1] ?? '') ?? '0' }] } : undefined;
}

let known: string[] = [];
const podNames = (): string[] => known;
const appOf = (pod: string): string => pod.split('-')[0] ?? '';

beforeAll(async () => {
  cluster = await startTestCluster({ answer });
});
afterAll(() => cluster.close());

async function running(name: string, replicas: number): Promise<void> {
  const labels = { app: name };
  const container = { name: 'web', image: 'web', resources: { requests: { cpu: '100m' } } };
  const deployment: Deployment = {
    metadata: { namespace: 'default', name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
  };
  await cluster.client.create(resources.deployments, deployment);
  await cluster.until(resources.deployments, 'default', name, ({ status }) => status?.availableReplicas === replicas);
  // As if the pods had started long ago: what they use while they start does not count.
  const { items } = await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: `app=${name}` });
  const past = '2026-01-01T00:00:00Z';
  for (const pod of items) {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: past }];
    const key = { namespace: 'default', name: pod.metadata.name ?? '' };
    await cluster.client.patch(resources.pods, key, 'strategic', { status: { startTime: past, conditions } }, { subresource: 'status' });
  }
  known = (await cluster.client.list(resources.pods, { namespace: 'default' })).items.map((pod) => pod.metadata.name ?? '');
}

function autoscaler(
  name: string,
  metrics: V2MetricSpec[],
  spec: Partial<V2HorizontalPodAutoscaler['spec']> = {},
): V2HorizontalPodAutoscaler {
  return {
    metadata: { namespace: 'default', name },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, minReplicas: 1, maxReplicas: 10, metrics, ...spec },
  };
}

const cpuAt = (averageUtilization: number): V2MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

const condition = ({ status }: V2HorizontalPodAutoscaler, type: string): string | undefined => {
  const found = status?.conditions?.find((one) => one.type === type);
  return found && `${found.status} ${found.reason ?? ''}: ${found.message ?? ''}`;
};

const until = (name: string, check: (object: V2HorizontalPodAutoscaler) => boolean) =>
  cluster.until(resources.horizontalPodAutoscalers, 'default', name, check);

describe('the autoscaler', () => {
  it('makes a workload larger by the load of its pods', async () => {
    await running('load', 2);
    cpu.set('load', '150m');
    await cluster.client.create(resources.horizontalPodAutoscalers, autoscaler('load', [cpuAt(50)]));
    // 150 % of what is requested, at a target of 50 %: three times as many, of which four more come at once.
    const done = await until('load', ({ status }) => status?.desiredReplicas === 6);
    expect(done.status?.currentMetrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 150, averageValue: '150m' } } },
    ]);
    expect(condition(done, 'AbleToScale')).toBe('True SucceededRescale: the HPA controller was able to update the target scale to 6');
    expect(condition(done, 'ScalingActive')).toBe(
      'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    );
    expect(condition(done, 'ScalingLimited')).toBe('False DesiredWithinRange: the desired count is within the acceptable range');
    await cluster.until(resources.deployments, 'default', 'load', ({ spec }) => spec?.replicas === 6);
    await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
      return items.some(
        (event) =>
          event.reason === 'SuccessfulRescale' &&
          event.message === 'New size: 6; reason: cpu resource utilization (percentage of request) above target',
      );
    });
  });

  it('waits before it makes a workload smaller, unless it is told not to', async () => {
    await running('calm', 4);
    cpu.set('calm', '10m');
    await cluster.client.create(resources.horizontalPodAutoscalers, autoscaler('calm', [cpuAt(50)]));
    const waiting = await until('calm', ({ status }) => status?.desiredReplicas === 4);
    expect(condition(waiting, 'AbleToScale')).toMatch(/^True ScaleDownStabilized: recent recommendations were higher/);
    await cluster.client.patch(resources.horizontalPodAutoscalers, { namespace: 'default', name: 'calm' }, 'merge', {
      spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } } },
    });
    const done = await until('calm', ({ status }) => status?.desiredReplicas === 3);
    expect(condition(done, 'ScalingLimited')).toBe(
      'True ScaleDownLimit: the desired replica count is decreasing faster than the maximum scale rate',
    );
  });

  it('takes the largest of several metrics, of pods, objects and from outside', async () => {
    await running('many', 2);
    amounts.set('pods/*/requests', '10');
    amounts.set('services/front/queued', '300');
    amounts.set('queue', '80');
    const metrics: V2MetricSpec[] = [
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        type: 'Object',
        object: {
          metric: { name: 'queued' },
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 'front' },
          target: { type: 'Value', value: '200' },
        },
      },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '20' } } },
    ];
    await cluster.client.create(resources.horizontalPodAutoscalers, autoscaler('many', metrics));
    // 2, 2 × 300/200 = 3, and 80/20 = 4.
    const done = await until('many', ({ status }) => status?.desiredReplicas === 4);
    expect(done.status?.currentMetrics?.map(({ pods, object, external }) => (pods ?? object ?? external)?.current)).toEqual([
      { averageValue: '10' },
      { value: '300' },
      { averageValue: '40' },
    ]);
  });

  it('says on the object what it cannot do, and leaves the workload alone', async () => {
    await cluster.client.create(resources.horizontalPodAutoscalers, autoscaler('absent', [cpuAt(50)]));
    const lost = await until('absent', (object) => condition(object, 'AbleToScale') !== undefined);
    expect(condition(lost, 'AbleToScale')).toBe(
      'False FailedGetScale: the HPA controller was unable to get the target\'s current scale: deployments.apps "absent" not found',
    );
    await cluster.client.create(resources.deployments, {
      metadata: { namespace: 'default', name: 'blind' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'blind' } },
        template: { metadata: { labels: { app: 'blind' } }, spec: { containers: [{ name: 'web', image: 'web' }] } },
      },
    });
    await cluster.until(resources.deployments, 'default', 'blind', ({ status }) => status?.availableReplicas === 1);
    await cluster.client.create(resources.horizontalPodAutoscalers, autoscaler('blind', [cpuAt(50)]));
    const blind = await until('blind', (object) => condition(object, 'ScalingActive') !== undefined);
    expect(condition(blind, 'ScalingActive')).toMatch(
      /^False FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: /,
    );
  });

  it('sizes custom resources that have a scale', async () => {
    const labels = { app: 'fleet' };
    await cluster.client.create(resources.customResourceDefinitions, {
      metadata: { name: 'fleets.example.test' },
      spec: {
        group: 'example.test',
        scope: 'Namespaced',
        names: { plural: 'fleets', singular: 'fleet', kind: 'Fleet', listKind: 'FleetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            subresources: {
              status: {},
              scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
            },
          },
        ],
      },
    });
    const fleets: ResourceRef<KubeObject & { spec?: { replicas: number }; status?: object }> = {
      group: 'example.test',
      version: 'v1',
      resource: 'fleets',
      kind: 'Fleet',
      namespaced: true,
    };
    const key = { namespace: 'default', name: 'fleet' };
    await cluster.eventually(() => cluster.client.create(fleets, { metadata: key, spec: { replicas: 1 } }).catch(() => undefined)); // not served yet
    await cluster.client.patch(fleets, key, 'merge', { status: { replicas: 1, selector: 'app=fleet' } }, { subresource: 'status' });
    await cluster.client.create(resources.pods, { metadata: { ...key, labels }, spec: { containers: [{ name: 'web', image: 'web' }] } });
    await cluster.until(resources.pods, 'default', 'fleet', ({ status }) => status?.phase === 'Running');
    amounts.set('ships', '30');
    const metric: V2MetricSpec = { type: 'External', external: { metric: { name: 'ships' }, target: { type: 'Value', value: '10' } } };
    await cluster.client.create(
      resources.horizontalPodAutoscalers,
      autoscaler('fleet', [metric], { scaleTargetRef: { apiVersion: 'example.test/v1', kind: 'Fleet', name: 'fleet' } }),
    );
    await until('fleet', ({ status }) => status?.desiredReplicas === 3);
    expect((await cluster.client.get(fleets, key)).spec?.replicas).toBe(3);
  });
});
