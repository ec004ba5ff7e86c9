import { isNotFound, resources } from '@bayplan/api';
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Pod, ResourceRef } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import { claimNamesOf, indexByClaim, podsOfClaim } from '../pods/pods-by-claim.ts';
import { isFinished } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

const claimFinalizer = 'kubernetes.io/pvc-protection';
const volumeFinalizer = 'kubernetes.io/pv-protection';

/** Keeps a claim while a pod on a node uses it, and a volume while it is bound. */
export async function runVolumeProtectionController(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const pods = indexByClaim(informers.informer(resources.pods));
  const claimQueue = queueFor(context, 'pvcprotection');
  const volumeQueue = queueFor(context, 'pvprotection');

  onChange(context, claims, (claim, _previous, deleted) => {
    if (!deleted && needsWork(claim, claimFinalizer)) claimQueue.add(keyOf(claim));
  });
  onChange(context, volumes, (volume, _previous, deleted) => {
    if (!deleted && needsWork(volume, volumeFinalizer)) volumeQueue.add(volume.metadata.name ?? '');
  });
  onChange(context, pods, (pod, previous, deleted) => {
    // A pod lets go of its claims when it ends.
    if (!deleted && (previous === undefined || isFinished(previous) || !isFinished(pod))) return;
    for (const name of claimNamesOf(pod)) claimQueue.add(`${pod.metadata.namespace ?? ''}/${name}`);
  });

  async function reconcileClaim(key: string): Promise<void> {
    const claim = claims.lister.get(key);
    if (claim === undefined) return;
    if (claim.metadata.deletionTimestamp === undefined) return add(resources.persistentVolumeClaims, claim, claimFinalizer);
    if (!hasFinalizer(claim, claimFinalizer) || podsOfClaim(pods, key).some(uses)) return;
    // The cache may not show the newest pod yet, and a wrong answer loses data: so the server is asked.
    const { namespace } = splitKey(key);
    const live = await client.list(resources.pods, { namespace, signal });
    const name = claim.metadata.name ?? '';
    if (live.items.some((pod) => uses(pod) && claimNamesOf(pod).includes(name))) return;
    await remove(resources.persistentVolumeClaims, claim, claimFinalizer);
  }

  async function reconcileVolume(name: string): Promise<void> {
    const volume = volumes.lister.get(name);
    if (volume === undefined) return;
    if (volume.metadata.deletionTimestamp === undefined) return add(resources.persistentVolumes, volume, volumeFinalizer);
    if (hasFinalizer(volume, volumeFinalizer) && volume.status?.phase !== 'Bound')
      await remove(resources.persistentVolumes, volume, volumeFinalizer);
  }

  const add = <T extends PersistentVolume | PersistentVolumeClaim>(ref: ResourceRef<T>, object: T, finalizer: string): Promise<void> =>
    hasFinalizer(object, finalizer) ? Promise.resolve() : write(ref, object, [...(object.metadata.finalizers ?? []), finalizer]);

  const remove = <T extends KubeObject>(ref: ResourceRef<T>, object: T, finalizer: string): Promise<void> =>
    write(
      ref,
      object,
      (object.metadata.finalizers ?? []).filter((one) => one !== finalizer),
    );

  async function write<T extends KubeObject>(ref: ResourceRef<T>, object: T, finalizers: string[]): Promise<void> {
    const { namespace, name = '', resourceVersion, uid } = object.metadata;
    try {
      await client.patch(ref, { namespace, name }, 'merge', { metadata: { uid, resourceVersion, finalizers } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await Promise.all([
    runController(context, { queue: claimQueue, caches: [claims, pods], reconcile: reconcileClaim }),
    runController(context, { queue: volumeQueue, caches: [volumes], reconcile: reconcileVolume }),
  ]);
}

/** A pod without a node does not count: the scheduler refuses it once the claim is being deleted. */
function uses(pod: Pod): boolean {
  return Boolean(pod.spec?.nodeName) && !isFinished(pod);
}

function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Being deleted with the finalizer, or not being deleted without it. */
function needsWork(object: KubeObject, finalizer: string): boolean {
  return (object.metadata.deletionTimestamp !== undefined) === hasFinalizer(object, finalizer);
}
