import { classOfClaim, isAlreadyExists, isNotFound, parseQuantity, resources } from '@bayplan/api';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { provisionedBy, selectedNode, storageProvisioner } from '../persistent-volumes/annotations.ts';
import { textOf } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { folderFinalizer, localPathProvisioner, nodeLabel, rootAnnotation } from './local-path-names.ts';
import { localVolume, nodeForClaim, whyNotLocal } from './local-volume.ts';

/**
 * Makes, grows and removes the volumes of StorageClasses with the provisioner `bayplan.io/local-path`: each is a
 * folder on one node, which that node's agent makes when a pod first uses it and removes when the volume is
 * deleted. Sizes are not enforced.
 */
export async function runLocalPathController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const classes = informers.informer(resources.storageClasses);
  const nodes = informers.informer(resources.nodes);
  const claimQueue = queueFor(context, 'local_path_claims');
  const volumeQueue = queueFor(context, 'local_path_volumes');
  /** Claims that wait for a node which can keep their volume. */
  const waiting = new Set<string>();

  onChange(context, claims, (claim, _previous, deleted) => {
    const key = keyOf(claim);
    if (deleted) waiting.delete(key);
    else if (claim.metadata.annotations?.[storageProvisioner] === localPathProvisioner) claimQueue.add(key);
  });
  onChange(context, volumes, (volume, _previous, deleted) => {
    if (!deleted && isOurs(volume)) volumeQueue.add(volume.metadata.name ?? '');
  });
  onChange(context, nodes, (node, previous, deleted) => {
    if (deleted) {
      for (const volume of volumes.lister.list())
        if (isOurs(volume) && nodeOf(volume) === node.metadata.name) volumeQueue.add(keyOf(volume));
    }
    if (previous === undefined || (!isUsable(previous) && isUsable(node))) for (const key of waiting) claimQueue.add(key);
  });

  async function reconcileClaim(key: string): Promise<void> {
    const claim = claims.lister.get(key);
    waiting.delete(key);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return;
    if (claim.spec?.volumeName) return grow(claim, claim.spec.volumeName);
    const storageClass = classes.lister.get(classOfClaim(claim));
    if (storageClass?.provisioner !== localPathProvisioner) return;
    const waits = storageClass.volumeBindingMode === 'WaitForFirstConsumer';
    const chosen = claim.metadata.annotations?.[selectedNode];
    if (waits && chosen === undefined) return;
    if (volumes.lister.get(`pvc-${claim.metadata.uid ?? ''}`) !== undefined) return;
    const refused = whyNotLocal(claim, storageClass);
    if (refused !== undefined) return failed(claim, refused);
    const node = chosen === undefined ? nodeForClaim(claim, nodes.lister.list()) : nodes.lister.get(chosen);
    if (node?.metadata.annotations?.[rootAnnotation] === undefined) {
      waiting.add(key);
      failed(
        claim,
        chosen === undefined ? 'no ready node keeps local-path volumes' : `node ${JSON.stringify(chosen)} keeps no local-path volumes`,
      );
      // The scheduler is to choose again.
      if (waits) await forgetNode(claim);
      return;
    }
    event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`);
    const volume = localVolume(claim, storageClass, node);
    try {
      await client.create(resources.persistentVolumes, volume, { signal });
    } catch (error) {
      if (isAlreadyExists(error)) return;
      failed(claim, textOf(error));
      throw error;
    }
    event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volume.metadata.name ?? ''}`);
  }

  async function forgetNode(claim: PersistentVolumeClaim): Promise<void> {
    const { namespace, name = '', resourceVersion } = claim.metadata;
    const metadata = { resourceVersion, annotations: { [selectedNode]: null } };
    await client.patch(resources.persistentVolumeClaims, { namespace, name }, 'merge', { metadata }, { signal });
  }

  /** A folder has no size: more is granted at once. */
  async function grow(claim: PersistentVolumeClaim, volumeName: string): Promise<void> {
    const volume = volumes.lister.get(volumeName);
    const wanted = claim.spec?.resources?.requests?.['storage'];
    const have = claim.status?.capacity?.['storage'];
    if (volume === undefined || !isOurs(volume) || claim.status?.phase !== 'Bound' || wanted === undefined || have === undefined) return;
    if (volume.spec?.claimRef?.uid !== claim.metadata.uid || parseQuantity(wanted).compare(parseQuantity(have)) <= 0) return;
    event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volumeName}`);
    if (parseQuantity(volume.spec?.capacity?.['storage'] ?? '0').compare(parseQuantity(wanted)) < 0) {
      const spec = { ...volume.spec, capacity: { ...volume.spec?.capacity, storage: wanted } };
      await client.update(resources.persistentVolumes, { ...volume, spec }, { signal });
    }
    const status = { ...claim.status, capacity: { ...claim.status.capacity, storage: wanted } };
    await client.update(resources.persistentVolumeClaims, { ...claim, status }, { subresource: 'status', signal });
    event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  }

  async function reconcileVolume(name: string): Promise<void> {
    const volume = volumes.lister.get(name);
    if (volume === undefined || !isOurs(volume)) return;
    const { deletionTimestamp, finalizers = [], resourceVersion, uid } = volume.metadata;
    try {
      if (deletionTimestamp !== undefined) {
        // The folder went with the node.
        if (!finalizers.includes(folderFinalizer) || (await nodeExists(nodeOf(volume)))) return;
        const metadata = { resourceVersion, finalizers: finalizers.filter((one) => one !== folderFinalizer) };
        await client.patch(resources.persistentVolumes, { name }, 'merge', { metadata }, { signal });
      } else if (volume.status?.phase === 'Released' && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') {
        await client.delete(resources.persistentVolumes, { name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function nodeExists(name: string): Promise<boolean> {
    if (nodes.lister.get(name) !== undefined) return true;
    try {
      await client.get(resources.nodes, { name }, { signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  function failed(claim: PersistentVolumeClaim, why: string): void {
    const name = JSON.stringify(classOfClaim(claim));
    event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass ${name}: ${why}`);
  }

  function event(object: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): void {
    recorder.event({ ref: resources.persistentVolumeClaims, object }, type, reason, message);
  }

  const caches = [claims, volumes, classes, nodes];
  await Promise.all([
    runController(context, { queue: claimQueue, caches, reconcile: reconcileClaim }),
    runController(context, { queue: volumeQueue, caches, reconcile: reconcileVolume }),
  ]);
}

function isOurs(volume: PersistentVolume): boolean {
  return volume.metadata.annotations?.[provisionedBy] === localPathProvisioner;
}

function nodeOf(volume: PersistentVolume): string {
  return volume.metadata.labels?.[nodeLabel] ?? '';
}

function isUsable(node: Node): boolean {
  const ready = node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  return ready && !node.spec?.unschedulable && node.metadata.annotations?.[rootAnnotation] !== undefined;
}
