import { isNotFound, resources } from '@bayplan/api';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ kubelet: false });
  const annotations = { 'bayplan.io/local-path': '/var/lib/volumes' };
  const node: Node = { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' }, annotations } };
  await cluster.client.create(resources.nodes, node);
});
afterAll(() => cluster.close());

const namespace = 'default';
const volume = (name: string, storage: string, spec: PersistentVolume['spec'] = {}): PersistentVolume => ({
  metadata: { name },
  spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'manual', hostPath: { path: '/tmp/x' }, ...spec },
});
const claim = (name: string, storage: string, spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim => ({
  metadata: { namespace, name },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'manual', resources: { requests: { storage } }, ...spec },
});
const claimIs = (name: string, check: (object: PersistentVolumeClaim) => boolean): Promise<PersistentVolumeClaim> =>
  cluster.until(resources.persistentVolumeClaims, namespace, name, check);
const volumeIs = (name: string, check: (object: PersistentVolume) => boolean): Promise<PersistentVolume> =>
  cluster.until(resources.persistentVolumes, undefined, name, check);
const hasEvent = (reason: string, name: string, text = ''): Promise<true> =>
  cluster.eventually(async () => {
    const { items } = await cluster.client.list(resources.events, { namespace });
    return items.some((one) => one.reason === reason && one.involvedObject.name === name && (one.message ?? '').includes(text));
  }) as Promise<true>;
const gone = (ref: Parameters<typeof cluster.client.get>[0], name: string, inNamespace?: string): Promise<true> =>
  cluster.eventually(async () => {
    try {
      await cluster.client.get(ref, { name, namespace: inNamespace });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }) as Promise<true>;

describe('a claim without a provisioner', () => {
  it('is bound to the smallest volume that fits, which is released when it goes', async () => {
    await cluster.client.create(resources.persistentVolumes, volume('big', '10Gi'));
    await cluster.client.create(resources.persistentVolumes, volume('small', '2Gi'));
    await volumeIs('small', (one) => one.status?.phase === 'Available');
    await volumeIs('big', (one) => one.status?.phase === 'Available');
    await cluster.client.create(resources.persistentVolumeClaims, claim('one', '1Gi'));
    const bound = await claimIs('one', (one) => one.status?.phase === 'Bound');
    expect(bound.spec?.volumeName).toBe('small');
    expect(bound.status?.capacity).toEqual({ storage: '2Gi' });
    expect(bound.metadata.annotations).toMatchObject({ 'pv.kubernetes.io/bind-completed': 'yes' });
    expect(bound.metadata.finalizers).toContain('kubernetes.io/pvc-protection');
    const held = await volumeIs('small', (one) => one.status?.phase === 'Bound');
    expect(held.spec?.claimRef).toMatchObject({ namespace, name: 'one', uid: bound.metadata.uid });
    await cluster.client.delete(resources.persistentVolumeClaims, { namespace, name: 'one' });
    await volumeIs('small', (one) => one.status?.phase === 'Released');
    await gone(resources.persistentVolumeClaims, 'one', namespace);
  });

  it('that fits nothing says so and takes a volume that comes later', async () => {
    await cluster.client.create(resources.persistentVolumeClaims, claim('later', '20Gi', { storageClassName: '' }));
    await hasEvent('FailedBinding', 'later', 'no persistent volumes available for this claim and no storage class is set');
    await cluster.client.create(resources.persistentVolumes, volume('late', '20Gi', { storageClassName: '' }));
    await claimIs('later', (one) => one.status?.phase === 'Bound');
  });

  it('for a volume by name waits while the volume does not fit or is taken, and is lost when the volume goes', async () => {
    await cluster.client.create(resources.persistentVolumes, volume('named', '1Gi'));
    await cluster.client.create(resources.persistentVolumeClaims, claim('too-big', '5Gi', { volumeName: 'named' }));
    await hasEvent('VolumeMismatch', 'too-big', 'Cannot bind to requested volume "named": requested PV is too small');
    await cluster.client.create(resources.persistentVolumeClaims, claim('fits', '1Gi', { volumeName: 'named' }));
    await claimIs('fits', (one) => one.status?.phase === 'Bound');
    await cluster.client.create(resources.persistentVolumeClaims, claim('second', '1Gi', { volumeName: 'named' }));
    await hasEvent('FailedBinding', 'second', 'volume "named" already bound to a different claim.');
    await cluster.client.delete(resources.persistentVolumes, { name: 'named' });
    const held = await volumeIs('named', (one) => one.metadata.deletionTimestamp !== undefined);
    expect(held.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
    await cluster.client.patch(resources.persistentVolumes, { name: 'named' }, 'merge', { metadata: { finalizers: null } });
    await claimIs('fits', (one) => one.status?.phase === 'Lost');
    await hasEvent('ClaimLost', 'fits', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  });

  it('of a deleted volume with policy Delete leaves a failed volume when nothing can delete it', async () => {
    await cluster.client.create(resources.persistentVolumes, volume('doomed', '3Gi', { persistentVolumeReclaimPolicy: 'Delete' }));
    await cluster.client.create(resources.persistentVolumeClaims, claim('doomed', '3Gi', { volumeName: 'doomed' }));
    await claimIs('doomed', (one) => one.status?.phase === 'Bound');
    await cluster.client.delete(resources.persistentVolumeClaims, { namespace, name: 'doomed' });
    const failed = await volumeIs('doomed', (one) => one.status?.phase === 'Failed');
    expect(failed.status?.message).toContain('no deletable volume plugin matched');
    expect(failed.status?.lastPhaseTransitionTime).toBeDefined();
  });
});

describe('a claim with a provisioner', () => {
  it('of another waits for it with an annotation; a class that is missing is an event', async () => {
    const outside = { metadata: { name: 'outside' }, provisioner: 'example.com/disk' };
    await cluster.client.create(resources.storageClasses, outside);
    await cluster.client.create(resources.persistentVolumeClaims, claim('outside', '1Gi', { storageClassName: 'outside' }));
    const marked = await claimIs('outside', (one) => one.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] !== undefined);
    expect(marked.metadata.annotations?.['volume.kubernetes.io/storage-provisioner']).toBe('example.com/disk');
    await hasEvent('ExternalProvisioning', 'outside', "the external provisioner 'example.com/disk'");
    await cluster.client.create(resources.persistentVolumeClaims, claim('nowhere', '1Gi', { storageClassName: 'nowhere' }));
    await hasEvent('ProvisioningFailed', 'nowhere', 'storageclass.storage.k8s.io "nowhere" not found');
  });

  it('of the default class waits for its first pod, is made on that node, grows, and its folder outlives it until the agent removed it', async () => {
    const wanted: PersistentVolumeClaim = {
      metadata: { namespace, name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await cluster.client.create(resources.persistentVolumeClaims, wanted);
    await hasEvent('WaitForFirstConsumer', 'data', 'waiting for first consumer to be created before binding');
    const annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
    await cluster.client.patch(resources.persistentVolumeClaims, { namespace, name: 'data' }, 'merge', { metadata: { annotations } });
    const bound = await claimIs('data', (one) => one.status?.phase === 'Bound');
    expect(bound.spec?.storageClassName).toBe('local-path');
    const name = `pvc-${bound.metadata.uid ?? ''}`;
    const made = await volumeIs(name, (one) => one.status?.phase === 'Bound');
    expect(made.spec?.local?.path).toBe(`/var/lib/volumes/${name}`);
    expect(made.spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]).toMatchObject({ values: ['n1'] });
    await hasEvent('ProvisioningSucceeded', 'data', `Successfully provisioned volume ${name}`);

    const spec = { resources: { requests: { storage: '2Gi' } } };
    await cluster.client.patch(resources.persistentVolumeClaims, { namespace, name: 'data' }, 'merge', { spec });
    await claimIs('data', (one) => one.status?.capacity?.['storage'] === '2Gi');

    await cluster.client.delete(resources.persistentVolumeClaims, { namespace, name: 'data' });
    const going = await volumeIs(name, (one) => one.metadata.deletionTimestamp !== undefined && one.metadata.finalizers?.length === 1);
    expect(going.metadata.finalizers).toEqual(['bayplan.io/local-path']);
    await cluster.client.delete(resources.nodes, { name: 'n1' });
    await gone(resources.persistentVolumes, name);
  });

  it('that a folder cannot serve is told so', async () => {
    const shared = claim('shared', '1Gi', { storageClassName: 'local-path', accessModes: ['ReadWriteMany'] });
    shared.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
    await cluster.client.create(resources.persistentVolumeClaims, shared);
    await hasEvent('ProvisioningFailed', 'shared', 'it cannot be ReadWriteMany');
  });
});

const podWith = (name: string, volumes: NonNullable<Pod['spec']>['volumes'], nodeName?: string): Pod => ({
  metadata: { namespace, name },
  spec: { containers: [{ name: 'c', image: 'i' }], volumes, ...(nodeName ? { nodeName } : {}) },
});

describe('pods and claims', () => {
  it('a claim in use stays until its pod is gone', async () => {
    await cluster.client.create(resources.persistentVolumeClaims, claim('used', '100Gi'));
    await claimIs('used', (one) => one.metadata.finalizers?.includes('kubernetes.io/pvc-protection') ?? false);
    await cluster.client.create(resources.pods, podWith('user', [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }], 'n9'));
    await cluster.client.delete(resources.persistentVolumeClaims, { namespace, name: 'used' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await claimIs('used', (one) => one.metadata.deletionTimestamp !== undefined);
    await cluster.client.delete(resources.pods, { namespace, name: 'user' }, { gracePeriodSeconds: 0 });
    await gone(resources.persistentVolumeClaims, 'used', namespace);
  });

  it('an ephemeral volume gets a claim that belongs to the pod; a claim of another is refused', async () => {
    const template = { spec: claim('', '1Gi').spec ?? {} };
    const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: template } }];
    await cluster.client.create(resources.persistentVolumeClaims, claim('foreign-scratch', '100Gi'));
    await cluster.client.create(resources.pods, podWith('own', volumes));
    const made = await cluster.eventually(() =>
      cluster.client.get(resources.persistentVolumeClaims, { namespace, name: 'own-scratch' }).catch(() => undefined),
    );
    expect(made.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Pod', name: 'own', controller: true });
    await cluster.client.create(resources.pods, podWith('foreign', volumes));
    await hasEvent('FailedBinding', 'foreign', 'PVC "foreign-scratch" was not created for pod "foreign" (pod is not owner)');
  });

  it('a CSI volume is attached to the node of its pod and detached after it', async () => {
    const csi = { driver: 'example.com', volumeHandle: 'h1' };
    await cluster.client.create(resources.nodes, { metadata: { name: 'n2' } });
    const disk = volume('disk', '1Gi', { storageClassName: 'csi', csi });
    delete disk.spec?.hostPath;
    await cluster.client.create(resources.persistentVolumes, disk);
    await cluster.client.create(resources.persistentVolumeClaims, claim('disk', '1Gi', { storageClassName: 'csi' }));
    await claimIs('disk', (one) => one.status?.phase === 'Bound');
    await cluster.client.create(resources.pods, podWith('disk-user', [{ name: 'v', persistentVolumeClaim: { claimName: 'disk' } }], 'n2'));
    const attachment = await cluster.eventually(async () => {
      const { items } = await cluster.client.list(resources.volumeAttachments);
      return items.find((one) => one.spec.nodeName === 'n2');
    });
    expect(attachment.spec).toEqual({ attacher: 'example.com', nodeName: 'n2', source: { persistentVolumeName: 'disk' } });
    const name = attachment.metadata.name ?? '';
    await cluster.client.patch(resources.volumeAttachments, { name }, 'merge', { status: { attached: true } }, { subresource: 'status' });
    const node = await cluster.until(resources.nodes, undefined, 'n2', (one) => (one.status?.volumesAttached ?? []).length > 0);
    expect(node.status?.volumesAttached).toEqual([{ name: 'kubernetes.io/csi/example.com^h1', devicePath: '' }]);
    await hasEvent('SuccessfulAttachVolume', 'disk-user', 'AttachVolume.Attach succeeded for volume "disk"');
    await cluster.client.delete(resources.pods, { namespace, name: 'disk-user' }, { gracePeriodSeconds: 0 });
    await gone(resources.volumeAttachments, name);
    await cluster.until(resources.nodes, undefined, 'n2', (one) => (one.status?.volumesAttached ?? []).length === 0);
  });
});
