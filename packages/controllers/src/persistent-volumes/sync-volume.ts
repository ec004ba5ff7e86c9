import { isNotFound, resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import { hasAnnotation, provisionedBy } from './annotations.ts';
import type { Binder } from './binder.ts';
import { setVolumePhase, unbind } from './binder.ts';

/** Brings the phase of one volume up to date and carries out its reclaim policy. */
export async function syncVolume(binder: Binder, volume: PersistentVolume): Promise<void> {
  const ref = volume.spec?.claimRef;
  if (ref?.uid === undefined || ref.uid === '') {
    // Free, or kept for a claim: the claim finds its way here by itself.
    await setVolumePhase(binder, volume, 'Available');
    if (ref !== undefined) binder.enqueueClaim(`${ref.namespace ?? ''}/${ref.name ?? ''}`);
    return;
  }
  const claim = await claimOf(binder, ref.namespace ?? '', ref.name ?? '', ref.uid);
  if (claim === undefined) return release(binder, volume);
  const key = `${ref.namespace ?? ''}/${ref.name ?? ''}`;
  if (!claim.spec?.volumeName) {
    if ((claim.spec?.volumeMode ?? 'Filesystem') !== (volume.spec?.volumeMode ?? 'Filesystem')) tellModes(binder, volume, claim);
    binder.enqueueClaim(key);
  } else if (claim.spec.volumeName === volume.metadata.name) {
    await setVolumePhase(binder, volume, 'Bound');
  } else if (hasAnnotation(volume, provisionedBy) && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') {
    // Made for a claim that took another in the meantime.
    await release(binder, volume);
  } else await unbind(binder, volume);
}

function tellModes(binder: Binder, volume: PersistentVolume, claim: PersistentVolumeClaim): void {
  const why = 'due to incompatible volumeMode.';
  const [volumeName, claimName] = [JSON.stringify(volume.metadata.name), JSON.stringify(claim.metadata.name)];
  binder.volumeEvent(
    volume,
    'Warning',
    'VolumeMismatch',
    `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${claimName} ${why}`,
  );
  binder.claimEvent(
    claim,
    'Warning',
    'VolumeMismatch',
    `Cannot bind PersistentVolume ${volumeName} to requested PersistentVolumeClaim ${why}`,
  );
}

/** The claim that a volume is bound to; asked of the server before it counts as gone, since what follows loses data. */
async function claimOf(binder: Binder, namespace: string, name: string, uid: string): Promise<PersistentVolumeClaim | undefined> {
  const cached = binder.claims.lister.get(`${namespace}/${name}`);
  if (cached?.metadata.uid === uid) return cached;
  try {
    const { client, signal } = binder.context;
    const live = await client.get(resources.persistentVolumeClaims, { namespace, name }, { signal });
    return live.metadata.uid === uid ? live : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function release(binder: Binder, volume: PersistentVolume): Promise<void> {
  const failed = volume.status?.phase === 'Failed';
  const released = failed ? volume : await setVolumePhase(binder, volume, 'Released');
  // The last try told its failure on the volume: whoever mends it deletes it, or edits it and brings it back here.
  if (failed) return;
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Delete':
      return deleteStorage(binder, released);
    case 'Recycle':
      return fail(binder, released, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    default:
  }
}

async function deleteStorage(binder: Binder, volume: PersistentVolume): Promise<void> {
  // Its provisioner deletes it: one that is built in, or one that was installed.
  const provisioner = volume.metadata.annotations?.[provisionedBy];
  if (volume.spec?.csi !== undefined || (provisioner !== undefined && !provisioner.startsWith('kubernetes.io/'))) return;
  const name = JSON.stringify(volume.metadata.name);
  const message = `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`;
  await fail(binder, volume, 'VolumeFailedDelete', message);
}

async function fail(binder: Binder, volume: PersistentVolume, reason: string, message: string): Promise<void> {
  await setVolumePhase(binder, volume, 'Failed', message);
  binder.volumeEvent(volume, 'Warning', reason, message);
}
