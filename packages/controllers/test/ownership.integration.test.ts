import { isNotFound, resources } from '@bayplan/api';
import type { ConfigMap, KubeObject, OwnerReference, ReplicaSet, ResourceRef } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

const namespace = 'default';

async function isGone(ref: ResourceRef, name: string, inNamespace: string | undefined = namespace): Promise<boolean> {
  try {
    await cluster.client.get(ref, { namespace: inNamespace, name });
    return false;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return true;
  }
}

const ownedBy = (kind: string, owner: KubeObject, block = false): OwnerReference => ({
  apiVersion: 'v1',
  kind,
  name: owner.metadata.name ?? '',
  uid: owner.metadata.uid ?? '',
  ...(block ? { blockOwnerDeletion: true } : {}),
});

function configMap(name: string, owners: OwnerReference[] = [], finalizers: string[] = []): Promise<ConfigMap> {
  return cluster.client.create(resources.configMaps, { metadata: { namespace, name, ownerReferences: owners, finalizers } });
}

function replicaSet(name: string, replicas: number): ReplicaSet {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  return { metadata: { namespace, name }, spec: { replicas, selector: { matchLabels: labels }, template } };
}

const podsOf = async (name: string) => (await cluster.client.list(resources.pods, { namespace, labelSelector: `app=${name}` })).items;

describe('the ReplicaSet controller', () => {
  it('adopts pods that match and releases those that no longer do', async () => {
    const labels = { app: 'adopt' };
    await cluster.client.create(resources.pods, {
      metadata: { namespace, name: 'orphan', labels },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await cluster.client.create(resources.replicaSets, replicaSet('adopt', 2));
    await cluster.until(resources.replicaSets, namespace, 'adopt', (set) => set.status?.readyReplicas === 2);
    expect(await podsOf('adopt')).toHaveLength(2);
    const adopted = await cluster.client.get(resources.pods, { namespace, name: 'orphan' });
    expect(adopted.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'ReplicaSet',
      name: 'adopt',
      controller: true,
      blockOwnerDeletion: true,
    });
    await cluster.client.patch(resources.pods, { namespace, name: 'orphan' }, 'merge', { metadata: { labels: { app: 'free' } } });
    const released = await cluster.until(resources.pods, namespace, 'orphan', (pod) => (pod.metadata.ownerReferences ?? []).length === 0);
    expect(released.metadata.deletionTimestamp).toBeUndefined();
    await cluster.eventually(async () => (await podsOf('adopt')).length === 2);
  });

  it('replaces pods that are deleted, and scales down', async () => {
    await cluster.client.create(resources.replicaSets, replicaSet('keep', 3));
    await cluster.until(resources.replicaSets, namespace, 'keep', (set) => set.status?.readyReplicas === 3);
    const [first] = await podsOf('keep');
    await cluster.client.delete(resources.pods, { namespace, name: first?.metadata.name ?? '' });
    await cluster.eventually(async () => {
      const pods = await podsOf('keep');
      return pods.length === 3 && pods.every((pod) => pod.metadata.uid !== first?.metadata.uid);
    });
    await cluster.client.patch(resources.replicaSets, { namespace, name: 'keep' }, 'merge', { spec: { replicas: 1 } });
    await cluster.until(resources.replicaSets, namespace, 'keep', (set) => set.status?.replicas === 1 && set.status.readyReplicas === 1);
    await cluster.eventually(async () => (await podsOf('keep')).length === 1);
  });
});

describe('the garbage collector', () => {
  it('deletes what a deleted object owned, in turn', async () => {
    const top = await configMap('top');
    const middle = await configMap('middle', [ownedBy('ConfigMap', top)]);
    await configMap('bottom', [ownedBy('ConfigMap', middle)]);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'top' });
    for (const name of ['middle', 'bottom']) await cluster.eventually(() => isGone(resources.configMaps, name));
  });

  it('keeps an object while one owner is left, without its reference to the other', async () => {
    const first = await configMap('first-owner');
    const second = await configMap('second-owner');
    await configMap('shared', [ownedBy('ConfigMap', first), ownedBy('ConfigMap', second)]);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'first-owner' });
    await cluster.until(resources.configMaps, namespace, 'shared', (object) => object.metadata.ownerReferences?.length === 1);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'second-owner' });
    await cluster.eventually(() => isGone(resources.configMaps, 'shared'));
  });

  it('deletes an object whose owner never existed', async () => {
    await configMap('lost', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'no-such-uid' }]);
    await cluster.eventually(() => isGone(resources.configMaps, 'lost'));
  });

  it('keeps an object whose owner is of an unknown kind', async () => {
    await configMap('strange', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'y' }]);
    const owner = await configMap('marker-owner');
    await configMap('marker', [ownedBy('ConfigMap', owner)]);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'marker-owner' });
    await cluster.eventually(() => isGone(resources.configMaps, 'marker'));
    expect(await isGone(resources.configMaps, 'strange')).toBe(false);
  });

  it('deletes in the foreground: dependents that block go first', async () => {
    const owner = await configMap('front');
    await configMap('behind', [ownedBy('ConfigMap', owner, true)], ['example.com/hold']);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'front' }, { propagationPolicy: 'Foreground' });
    await cluster.until(resources.configMaps, namespace, 'behind', (object) => object.metadata.deletionTimestamp !== undefined);
    const waiting = await cluster.client.get(resources.configMaps, { namespace, name: 'front' });
    expect(waiting.metadata.finalizers).toEqual(['foregroundDeletion']);
    await cluster.client.patch(resources.configMaps, { namespace, name: 'behind' }, 'merge', { metadata: { finalizers: null } });
    await cluster.eventually(() => isGone(resources.configMaps, 'front'));
    expect(await isGone(resources.configMaps, 'behind')).toBe(true);
  });

  it('deletes objects that own each other in a circle', async () => {
    const first = await configMap('ring-1');
    const second = await configMap('ring-2', [ownedBy('ConfigMap', first, true)]);
    const third = await configMap('ring-3', [ownedBy('ConfigMap', second, true)]);
    const ownerReferences = [ownedBy('ConfigMap', third, true)];
    await cluster.client.patch(resources.configMaps, { namespace, name: 'ring-1' }, 'merge', { metadata: { ownerReferences } });
    await cluster.client.delete(resources.configMaps, { namespace, name: 'ring-1' }, { propagationPolicy: 'Foreground' });
    for (const name of ['ring-1', 'ring-2', 'ring-3']) await cluster.eventually(() => isGone(resources.configMaps, name));
    const self = await configMap('self');
    const own = { ownerReferences: [ownedBy('ConfigMap', self, true)] };
    await cluster.client.patch(resources.configMaps, { namespace, name: 'self' }, 'merge', { metadata: own });
    await cluster.client.delete(resources.configMaps, { namespace, name: 'self' }, { propagationPolicy: 'Foreground' });
    await cluster.eventually(() => isGone(resources.configMaps, 'self'));
  });

  it('says of an owner in another namespace that it is none', async () => {
    const owner = await configMap('far-owner');
    const foreign = { namespace: 'kube-public', name: 'far', ownerReferences: [ownedBy('ConfigMap', owner)] };
    await cluster.client.create(resources.configMaps, { metadata: foreign });
    await cluster.eventually(() => isGone(resources.configMaps, 'far', 'kube-public'));
    await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: 'kube-public' });
      return items.some(
        (one) => one.reason === 'OwnerRefInvalidNamespace' && (one.message ?? '').includes('does not exist in namespace "kube-public"'),
      );
    });
  });

  it('leaves orphans when told to', async () => {
    const owner = await configMap('parent');
    await configMap('child', [ownedBy('ConfigMap', owner)]);
    await cluster.client.delete(resources.configMaps, { namespace, name: 'parent' }, { propagationPolicy: 'Orphan' });
    await cluster.eventually(() => isGone(resources.configMaps, 'parent'));
    const child = await cluster.client.get(resources.configMaps, { namespace, name: 'child' });
    expect(child.metadata.ownerReferences ?? []).toEqual([]);
  });

  it('deletes pods with their ReplicaSet', async () => {
    await cluster.client.create(resources.replicaSets, replicaSet('gone', 3));
    await cluster.until(resources.replicaSets, namespace, 'gone', (set) => set.status?.readyReplicas === 3);
    await cluster.client.delete(resources.replicaSets, { namespace, name: 'gone' });
    await cluster.eventually(async () => (await podsOf('gone')).length === 0);
  });
});

describe('the namespace and service account controllers', () => {
  it('furnish a namespace and empty it when it is deleted', async () => {
    await cluster.client.create(resources.namespaces, { metadata: { name: 'short' } });
    await cluster.eventually(async () => !(await isGone(resources.serviceAccounts, 'default', 'short')));
    const published = await cluster.eventually(
      async () =>
        !(await isGone(resources.configMaps, 'kube-root-ca.crt', 'short')) &&
        cluster.client.get(resources.configMaps, { namespace: 'short', name: 'kube-root-ca.crt' }),
    );
    expect(published.data?.['ca.crt']).toContain('BEGIN CERTIFICATE');
    const set = replicaSet('inside', 2);
    await cluster.client.create(resources.replicaSets, { ...set, metadata: { ...set.metadata, namespace: 'short' } });
    await cluster.until(resources.replicaSets, 'short', 'inside', (one) => one.status?.readyReplicas === 2);
    await cluster.client.create(resources.secrets, { metadata: { namespace: 'short', name: 's', finalizers: ['example.com/hold'] } });
    await cluster.client.delete(resources.namespaces, { name: 'short' });
    const held = await cluster.until(resources.namespaces, undefined, 'short', (object) =>
      (object.status?.conditions ?? []).some(
        (condition) => condition.type === 'NamespaceFinalizersRemaining' && condition.status === 'True',
      ),
    );
    expect(held.status?.phase).toBe('Terminating');
    expect(held.status?.conditions?.find((condition) => condition.type === 'NamespaceContentRemaining')?.message).toBe(
      'Some resources are remaining: secrets. has 1 resource instances',
    );
    await cluster.client.patch(resources.secrets, { namespace: 'short', name: 's' }, 'merge', { metadata: { finalizers: null } });
    await cluster.eventually(() => isGone(resources.namespaces, 'short', undefined));
  });

  it('make good what was deleted or changed', async () => {
    await cluster.eventually(async () => !(await isGone(resources.serviceAccounts, 'default')));
    await cluster.client.delete(resources.serviceAccounts, { namespace, name: 'default' });
    await cluster.eventually(async () => !(await isGone(resources.serviceAccounts, 'default')));
    await cluster.client.patch(resources.configMaps, { namespace, name: 'kube-root-ca.crt' }, 'merge', { data: { 'ca.crt': 'forged' } });
    await cluster.until(
      resources.configMaps,
      namespace,
      'kube-root-ca.crt',
      (object) => object.data?.['ca.crt']?.includes('BEGIN CERTIFICATE') ?? false,
    );
  });
});
