import { resources } from '@bayplan/api';
import type { Pod, StatefulSet } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

function statefulSet(name: string, replicas: number, spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'db', image: 'db:1' }] } },
      ...spec,
    },
  };
}

const claimTemplates = [
  { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
];

async function podsOf(name: string): Promise<Pod[]> {
  const { items } = await cluster.client.list(resources.pods, { namespace: 'default', labelSelector: `app=${name}` });
  return items.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
}

const settled = (name: string, replicas: number): Promise<StatefulSet> =>
  cluster.until(
    resources.statefulSets,
    'default',
    name,
    ({ metadata, status }) =>
      status?.observedGeneration === metadata.generation &&
      status?.replicas === replicas &&
      (status.availableReplicas ?? 0) === replicas &&
      (status.updatedReplicas ?? 0) === replicas &&
      status.currentRevision === status.updateRevision,
  );

const change = (name: string, spec: unknown): Promise<StatefulSet> =>
  cluster.client.patch(resources.statefulSets, { namespace: 'default', name }, 'strategic', { spec });

const imagePatch = (image: string): unknown => ({ template: { spec: { containers: [{ name: 'db', image }] } } });

describe('the statefulset controller', () => {
  it('makes pods in order, each with its identity and claims, and reports it', async () => {
    await cluster.client.create(
      resources.statefulSets,
      statefulSet('db', 3, { volumeClaimTemplates: claimTemplates, ordinals: { start: 4 } }),
    );
    await settled('db', 3);
    const pods = await podsOf('db');
    expect(pods.map((pod) => pod.metadata.name)).toEqual(['db-4', 'db-5', 'db-6']);
    const [first] = pods;
    expect(first?.metadata.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-4',
      'apps.kubernetes.io/pod-index': '4',
      'controller-revision-hash': expect.stringMatching(/^db-\w+$/) as unknown,
    });
    expect([first?.spec?.hostname, first?.spec?.subdomain]).toEqual(['db-4', 'db']);
    expect(first?.spec?.volumes?.[0]).toMatchObject({ name: 'data', persistentVolumeClaim: { claimName: 'data-db-4' } });
    const claim = await cluster.client.get(resources.persistentVolumeClaims, { namespace: 'default', name: 'data-db-4' });
    expect([claim.metadata.labels, claim.metadata.ownerReferences]).toEqual([{ app: 'db' }, undefined]);
    const texts = await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
      const mine = items
        .filter((event) => event.involvedObject.name === 'db')
        .map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
      return mine.length >= 6 && mine;
    });
    expect(texts).toContain('SuccessfulCreate: create Claim data-db-4 Pod db-4 in StatefulSet db success');
    expect(texts).toContain('SuccessfulCreate: create Pod db-4 in StatefulSet db successful');
  });

  it('writes nothing once all is as wanted', async () => {
    await cluster.client.create(resources.statefulSets, statefulSet('calm', 2));
    await settled('calm', 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = cluster.writes();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(cluster.writes()).toBe(before);
  });

  it('updates from the highest ordinal down to the partition, and goes back', async () => {
    await cluster.client.create(resources.statefulSets, statefulSet('part', 3));
    await settled('part', 3);
    await change('part', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await change('part', imagePatch('db:2'));
    const partial = await cluster.until(
      resources.statefulSets,
      'default',
      'part',
      ({ status }) => status?.updatedReplicas === 1 && status.currentReplicas === 2 && status.readyReplicas === 3,
    );
    expect(partial.status?.currentRevision).not.toBe(partial.status?.updateRevision);
    expect((await podsOf('part')).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['db:1', 'db:1', 'db:2']);
    // A pod below the partition that is lost comes back as it was.
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'part-0' });
    await cluster.eventually(async () => {
      const [pod] = await podsOf('part');
      return pod?.metadata.name === 'part-0' && pod.metadata.deletionTimestamp === undefined && pod.status?.phase === 'Running';
    });
    expect((await podsOf('part'))[0]?.spec?.containers[0]?.image).toBe('db:1');
    await change('part', { updateStrategy: { rollingUpdate: { partition: 0 } } });
    await settled('part', 3);
    const { items } = await cluster.client.list(resources.controllerRevisions, { namespace: 'default', labelSelector: 'app=part' });
    expect(items.map((revision) => revision.revision).sort()).toEqual([1, 2]);
    await change('part', imagePatch('db:1'));
    await cluster.eventually(async () => (await podsOf('part')).every((pod) => pod.spec?.containers[0]?.image === 'db:1'));
    await settled('part', 3);
    const after = await cluster.client.list(resources.controllerRevisions, { namespace: 'default', labelSelector: 'app=part' });
    expect(after.items.map((revision) => revision.revision).sort()).toEqual([2, 3]);
  });

  it('makes a failed pod again under its name', async () => {
    await cluster.client.create(resources.statefulSets, statefulSet('sick', 1));
    await settled('sick', 1);
    const [pod] = await podsOf('sick');
    await cluster.client.patch(
      resources.pods,
      { namespace: 'default', name: 'sick-0' },
      'merge',
      { status: { phase: 'Failed' } },
      { subresource: 'status' },
    );
    await cluster.eventually(async () => {
      const [next] = await podsOf('sick');
      return next !== undefined && next.metadata.uid !== pod?.metadata.uid && next.status?.phase === 'Running';
    });
    await settled('sick', 1);
  });

  it('takes all pods at once in parallel, within maxUnavailable', async () => {
    cluster.kubelet.runs = (pod) => pod.metadata.labels?.['app'] !== 'par';
    await cluster.client.create(resources.statefulSets, statefulSet('par', 4, { podManagementPolicy: 'Parallel' }));
    await cluster.eventually(async () => (await podsOf('par')).length === 4);
    cluster.kubelet.runs = () => true;
    for (const pod of await podsOf('par'))
      await cluster.client.patch(resources.pods, { namespace: 'default', name: pod.metadata.name ?? '' }, 'merge', {
        metadata: { annotations: { nudge: 'yes' } },
      });
    await settled('par', 4);
    await change('par', { replicas: 1 });
    await settled('par', 1);
  });

  it('deletes claims with scaling or with the set as the policy says', async () => {
    await cluster.client.create(
      resources.statefulSets,
      statefulSet('keep', 2, {
        volumeClaimTemplates: claimTemplates,
        persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' },
      }),
    );
    await settled('keep', 2);
    await change('keep', { replicas: 1 });
    const claim = (name: string) =>
      cluster.client.get(resources.persistentVolumeClaims, { namespace: 'default', name }).catch(() => undefined);
    await cluster.eventually(async () => (await claim('data-keep-1')) === undefined || undefined);
    expect(await claim('data-keep-0')).toBeDefined();
    await change('keep', { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Retain', whenDeleted: 'Delete' } });
    await cluster.eventually(async () => (await claim('data-keep-0'))?.metadata.ownerReferences?.[0]?.kind === 'StatefulSet');
    await cluster.client.delete(resources.statefulSets, { namespace: 'default', name: 'keep' });
    await cluster.eventually(async () => (await claim('data-keep-0')) === undefined || undefined);
  });

  it('says so when the name of a pod is taken, and goes on once it is free', async () => {
    const key = { namespace: 'default', name: 'clash-0' };
    await cluster.client.create(resources.pods, { metadata: key, spec: { containers: [{ name: 'other', image: 'other' }] } });
    await cluster.until(resources.pods, 'default', 'clash-0', ({ status }) => status?.phase === 'Running');
    await cluster.client.create(resources.statefulSets, statefulSet('clash', 1));
    await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'default' });
      return items.some(
        (event) =>
          event.reason === 'FailedCreate' &&
          event.message === 'create Pod clash-0 in StatefulSet clash failed error: pods "clash-0" already exists',
      );
    });
    await cluster.client.delete(resources.pods, key);
    await settled('clash', 1);
  });

  it('waits for pods to be deleted with OnDelete', async () => {
    await cluster.client.create(resources.statefulSets, statefulSet('manual', 2, { updateStrategy: { type: 'OnDelete' } }));
    await cluster.until(resources.statefulSets, 'default', 'manual', ({ status }) => status?.availableReplicas === 2);
    await change('manual', imagePatch('db:2'));
    await cluster.until(
      resources.statefulSets,
      'default',
      'manual',
      ({ status, metadata }) => status?.observedGeneration === metadata.generation && status?.updateRevision !== status?.currentRevision,
    );
    expect((await podsOf('manual')).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['db:1', 'db:1']);
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'manual-0' });
    await cluster.eventually(async () => {
      const images = (await podsOf('manual')).map((pod) => pod.spec?.containers[0]?.image);
      return images.join() === 'db:2,db:1';
    });
  });
});
