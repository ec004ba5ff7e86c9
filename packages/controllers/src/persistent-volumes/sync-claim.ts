import { asksForDefaultClass, classOfClaim, findVolume, isVolumeFor, resources, volumeMismatch } from '@bayplan/api';
import type { PersistentVolumeClaim, StorageClass } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { podsOfClaim } from '../pods/pods-by-claim.ts';
import { isFinished } from '../pods/pod-state.ts';
import { bindCompleted, boundByController, hasAnnotation, selectedNode } from './annotations.ts';
import type { Binder } from './binder.ts';
import { bind, setClaimStatus } from './binder.ts';
import { defaultClass } from './default-class.ts';
import { provision } from './provisioning.ts';

/** Brings one claim towards Bound, or says on it why it waits. */
export async function syncClaim(binder: Binder, claim: PersistentVolumeClaim): Promise<void> {
  if (hasAnnotation(claim, bindCompleted)) return syncBound(binder, claim);
  return claim.spec?.volumeName ? syncNamed(binder, claim, claim.spec.volumeName) : syncOpen(binder, claim);
}

/** A claim for any volume that fits. */
async function syncOpen(binder: Binder, claim: PersistentVolumeClaim): Promise<void> {
  const storageClass = binder.classes.lister.get(classOfClaim(claim));
  const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !hasAnnotation(claim, selectedNode);
  const volume = findVolume(claim, binder.candidates(claim), { keptOnly: waits });
  if (volume !== undefined) return bind(binder, volume, claim);
  if (await takeDefaultClass(binder, claim)) return;
  if (waits) tellWaiting(binder, claim);
  else if (classOfClaim(claim) !== '') return provision(binder, claim);
  else binder.claimEvent(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
  await setClaimStatus(binder, claim, 'Pending');
}

/** A claim that was made before there was a default class gets it now; the write brings the claim back here. */
async function takeDefaultClass(binder: Binder, claim: PersistentVolumeClaim): Promise<boolean> {
  const chosen: StorageClass | undefined = asksForDefaultClass(claim) ? defaultClass(binder.classes.lister.list()) : undefined;
  if (chosen === undefined) return false;
  const spec = { ...claim.spec, storageClassName: chosen.metadata.name };
  await binder.context.client.update(resources.persistentVolumeClaims, { ...claim, spec }, { signal: binder.context.signal });
  return true;
}

function tellWaiting(binder: Binder, claim: PersistentVolumeClaim): void {
  const unscheduled = podsOfClaim(binder.pods, keyOf(claim))
    .filter((pod) => !pod.spec?.nodeName && !isFinished(pod))
    .map((pod) => pod.metadata.name ?? '')
    .sort();
  if (unscheduled.length === 0) {
    binder.claimEvent(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
    return;
  }
  const pods = unscheduled.length === 1 ? 'pod' : 'pods';
  binder.claimEvent(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${pods} ${unscheduled.join(',')} to be scheduled`);
}

/** A claim for one volume. */
async function syncNamed(binder: Binder, claim: PersistentVolumeClaim, volumeName: string): Promise<void> {
  const volume = binder.volumes.lister.get(volumeName);
  if (volume === undefined) return setClaimStatus(binder, claim, 'Pending');
  if (volume.spec?.claimRef === undefined) {
    const mismatch = volumeMismatch(volume, claim);
    if (mismatch === undefined) return bind(binder, volume, claim);
    const quoted = JSON.stringify(volumeName);
    binder.claimEvent(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume ${quoted}: ${mismatch}`);
    return setClaimStatus(binder, claim, 'Pending');
  }
  if (isVolumeFor(volume, claim)) return bind(binder, volume, claim);
  if (!hasAnnotation(claim, boundByController)) {
    const message = `volume ${JSON.stringify(volumeName)} already bound to a different claim.`;
    binder.claimEvent(claim, 'Warning', 'FailedBinding', message);
  }
  await setClaimStatus(binder, claim, 'Pending');
}

/** A claim that was bound: its volume must still be there and be its own. */
async function syncBound(binder: Binder, claim: PersistentVolumeClaim): Promise<void> {
  const volumeName = claim.spec?.volumeName ?? '';
  const volume = volumeName === '' ? undefined : binder.volumes.lister.get(volumeName);
  if (volume === undefined) {
    const what = volumeName === '' ? 'reference to PersistentVolume' : 'its PersistentVolume';
    return lose(binder, claim, 'ClaimLost', `Bound claim has lost ${what}. Data on the volume is lost!`);
  }
  const ref = volume.spec?.claimRef;
  if (ref === undefined || ref.uid === claim.metadata.uid || isVolumeFor(volume, claim)) return bind(binder, volume, claim);
  await lose(binder, claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

async function lose(binder: Binder, claim: PersistentVolumeClaim, reason: string, message: string): Promise<void> {
  if (claim.status?.phase !== 'Lost') binder.claimEvent(claim, 'Warning', reason, message);
  await setClaimStatus(binder, claim, 'Lost');
}
