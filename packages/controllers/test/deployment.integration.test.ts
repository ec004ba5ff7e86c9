import { resources } from '@bayplan/api';
import type { Deployment, ReplicaSet } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

function deployment(name: string, replicas: number, image = 'web:1', spec: Partial<Deployment['spec']> = {}): Deployment {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } },
      ...spec,
    },
  };
}

const isRolledOut = (object: Deployment): boolean => {
  const { status = {}, spec, metadata } = object;
  const wanted = spec?.replicas ?? 1;
  return (
    status.observedGeneration === metadata.generation &&
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.conditions ?? []).some((condition) => condition.reason === 'NewReplicaSetAvailable')
  );
};

const rolledOut = (name: string): Promise<Deployment> => cluster.until(resources.deployments, 'default', name, isRolledOut);

async function replicaSets(name: string): Promise<ReplicaSet[]> {
  const { items } = await cluster.client.list(resources.replicaSets, { namespace: 'default', labelSelector: `app=${name}` });
  return items.sort(
    (a, b) =>
      Number(a.metadata.annotations?.['deployment.kubernetes.io/revision']) -
      Number(b.metadata.annotations?.['deployment.kubernetes.io/revision']),
  );
}

async function change(name: string, patch: unknown): Promise<void> {
  await cluster.client.patch(resources.deployments, { namespace: 'default', name }, 'strategic', patch);
}

const imagePatch = (image: string): unknown => ({ spec: { template: { spec: { containers: [{ name: 'web', image }] } } } });

describe('the deployment controller', () => {
  it('rolls out a new Deployment and reports it as kubectl expects', async () => {
    const before = cluster.writes();
    await cluster.client.create(resources.deployments, deployment('first', 3));
    const done = await rolledOut('first');
    expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(done.status?.unavailableReplicas ?? 0).toBe(0);
    const [replicaSet] = await replicaSets('first');
    const hash = replicaSet?.metadata.labels?.['pod-template-hash'] ?? '';
    expect(replicaSet?.metadata.name).toBe(`first-${hash}`);
    expect(replicaSet?.spec?.selector.matchLabels).toEqual({ app: 'first', 'pod-template-hash': hash });
    expect(replicaSet?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    const conditions = Object.fromEntries((done.status?.conditions ?? []).map((condition) => [condition.type, condition]));
    expect(conditions['Available']).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    expect(conditions['Progressing']).toMatchObject({ status: 'True', message: `ReplicaSet "first-${hash}" has successfully progressed.` });
    const events = await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
      const texts = items
        .filter((event) => event.involvedObject.name?.startsWith('first'))
        .map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
      return texts.length >= 4 && texts;
    });
    expect(events).toContain(`ScalingReplicaSet: Scaled up replica set first-${hash} from 0 to 3`);
    expect(events.filter((text) => /^SuccessfulCreate: Created pod: first-/.test(text))).toHaveLength(3);
    // 3 pods and their events, the ReplicaSet, its event, and few status updates.
    expect(cluster.writes() - before).toBeLessThan(25);
  });

  it('replaces pods within surge and unavailability when the template changes', async () => {
    await cluster.client.create(resources.deployments, deployment('roll', 4));
    await rolledOut('roll');
    let most = 0;
    let fewest = 99;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const { items } = await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: 'app=roll' });
        const alive = items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
        most = Math.max(most, alive.length);
        fewest = Math.min(fewest, alive.filter((pod) => pod.status?.phase === 'Running').length);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    await change('roll', imagePatch('web:2'));
    const done = await rolledOut('roll');
    watching = false;
    await watch;
    expect(most).toBeLessThanOrEqual(5); // surge 25 % of 4
    expect(fewest).toBeGreaterThanOrEqual(3); // unavailable 25 % of 4
    expect((await replicaSets('roll')).map((replicaSet) => replicaSet.spec?.replicas)).toEqual([0, 4]);
    expect(done.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });

  it('goes back to an old template by its old ReplicaSet, as a new revision', async () => {
    await cluster.client.create(resources.deployments, deployment('back', 1));
    await rolledOut('back');
    await change('back', imagePatch('web:2'));
    await cluster.eventually(async () => (await replicaSets('back')).length === 2);
    await rolledOut('back');
    await change('back', imagePatch('web:1'));
    await cluster.until(
      resources.deployments,
      'default',
      'back',
      (object) => isRolledOut(object) && object.metadata.annotations?.['deployment.kubernetes.io/revision'] === '3',
    );
    const sets = await replicaSets('back');
    expect(
      sets.map((set) => [
        set.metadata.annotations?.['deployment.kubernetes.io/revision'],
        set.spec?.template?.spec?.containers[0]?.image,
        set.spec?.replicas,
      ]),
    ).toEqual([
      ['2', 'web:2', 0],
      ['3', 'web:1', 1],
    ]);
    expect(sets[1]?.metadata.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
  });

  it('stops all old pods first with Recreate', async () => {
    await cluster.client.create(resources.deployments, deployment('again', 2, 'web:1', { strategy: { type: 'Recreate' } }));
    await rolledOut('again');
    await change('again', imagePatch('web:2'));
    await cluster.eventually(async () => (await replicaSets('again')).length === 2);
    await rolledOut('again');
    expect((await replicaSets('again')).map((set) => set.spec?.replicas)).toEqual([0, 2]);
  });

  it('scales, and waits while it is paused', async () => {
    await cluster.client.create(resources.deployments, deployment('sized', 2));
    await rolledOut('sized');
    await change('sized', { spec: { replicas: 5 } });
    await rolledOut('sized');
    await change('sized', { spec: { paused: true } });
    await cluster.until(resources.deployments, 'default', 'sized', (object) =>
      (object.status?.conditions ?? []).some((condition) => condition.reason === 'DeploymentPaused'),
    );
    await change('sized', imagePatch('web:2'));
    await change('sized', { spec: { replicas: 1 } });
    await cluster.until(
      resources.deployments,
      'default',
      'sized',
      (object) => object.status?.replicas === 1 && object.status.observedGeneration === object.metadata.generation,
    );
    expect(await replicaSets('sized')).toHaveLength(1);
    await change('sized', { spec: { paused: false } });
    await cluster.eventually(async () => (await replicaSets('sized')).length === 2);
    await rolledOut('sized');
  });

  it('keeps as much history as the limit says', async () => {
    await cluster.client.create(resources.deployments, deployment('past', 1, 'web:1', { revisionHistoryLimit: 1 }));
    await rolledOut('past');
    for (const version of [2, 3, 4]) {
      await change('past', imagePatch(`web:${String(version)}`));
      await cluster.until(
        resources.deployments,
        'default',
        'past',
        (object) => object.metadata.annotations?.['deployment.kubernetes.io/revision'] === String(version),
      );
      await rolledOut('past');
    }
    const sets = await cluster.eventually(async () => {
      const found = await replicaSets('past');
      return found.length === 2 && found;
    });
    expect(sets.map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision'])).toEqual(['3', '4']);
  });

  it('says when the deadline for progress has passed', async () => {
    cluster.kubelet.runs = (pod) => pod.metadata.labels?.['app'] !== 'stuck';
    await cluster.client.create(resources.deployments, deployment('stuck', 1, 'web:1', { progressDeadlineSeconds: 1 }));
    const late = await cluster.until(resources.deployments, 'default', 'stuck', (object) =>
      (object.status?.conditions ?? []).some((condition) => condition.reason === 'ProgressDeadlineExceeded'),
    );
    expect(late.status?.conditions?.find((condition) => condition.type === 'Progressing')?.message).toMatch(
      /^ReplicaSet "stuck-\w+" has timed out progressing\.$/,
    );
    expect(late.status?.unavailableReplicas).toBe(1);
  });
});
