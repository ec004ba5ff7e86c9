import { resources } from '@bayplan/api';
import type { PodTemplateSpec } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.client.create(resources.nodes, { metadata: { name: 'n1' } });
  // No pod of these workloads is ever let in.
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.client.create(resources.namespaces, { metadata: { name: 'strict', labels } });
});
afterAll(() => cluster.close());

const template = (app: string, restartPolicy = 'Always'): PodTemplateSpec => ({
  metadata: { labels: { app } },
  spec: { restartPolicy, hostNetwork: true, containers: [{ name: 'main', image: 'main', securityContext: { privileged: true } }] },
});

const metadata = (name: string) => ({ namespace: 'strict', name });
const selector = (app: string) => ({ matchLabels: { app } });

describe('workloads whose pods are refused', () => {
  it('say so by events and conditions, and try again more and more slowly', { timeout: 60_000 }, async () => {
    await cluster.client.create(resources.deployments, {
      metadata: metadata('deploy'),
      spec: { replicas: 5, selector: selector('deploy'), template: template('deploy') },
    });
    await cluster.client.create(resources.statefulSets, {
      metadata: metadata('set'),
      spec: { replicas: 5, selector: selector('set'), serviceName: 'set', template: template('set') },
    });
    await cluster.client.create(resources.daemonSets, {
      metadata: metadata('daemon'),
      spec: { selector: selector('daemon'), template: template('daemon') },
    });
    await cluster.client.create(resources.jobs, {
      metadata: metadata('job'),
      spec: { parallelism: 5, completions: 5, template: template('job', 'Never') },
    });
    await cluster.client.create(resources.replicationControllers, {
      metadata: metadata('control'),
      spec: { replicas: 5, template: template('control') },
    });
    const subjects = ['StatefulSet', 'DaemonSet', 'Job', 'ReplicaSet', 'ReplicationController'];
    const failed = async (kind: string) =>
      (await cluster.client.list(resources.events, { namespace: 'strict' })).items.filter(
        (event) => event.involvedObject.kind === kind && event.reason === 'FailedCreate' && event.message?.includes('violates PodSecurity'),
      );
    for (const kind of subjects) await cluster.eventually(async () => (await failed(kind)).length > 0);
    const late = await cluster.until(resources.deployments, 'strict', 'deploy', ({ status }) =>
      (status?.conditions ?? []).some(
        ({ type, status: value, reason }) => type === 'ReplicaFailure' && value === 'True' && reason === 'FailedCreate',
      ),
    );
    expect(late.status?.unavailableReplicas).toBe(5);
    // Delays of 5 ms, doubling: after five seconds each of the five has tried about ten times.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const before = cluster.writes();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // At most one more try of each: a refused pod and an event.
    expect(cluster.writes() - before).toBeLessThanOrEqual(20);
    // Texts name the pod, so they differ; from the tenth on they are combined.
    for (const kind of subjects) expect((await failed(kind)).length).toBeLessThanOrEqual(10);
    // The cause goes away, and so does the failure.
    await cluster.client.patch(resources.namespaces, { name: 'strict' }, 'merge', {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } },
    });
    const mended = await cluster.until(resources.deployments, 'strict', 'deploy', ({ status }) => status?.availableReplicas === 5);
    expect(mended.status?.conditions?.some(({ type }) => type === 'ReplicaFailure')).toBe(false);
  });
});
