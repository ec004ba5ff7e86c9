import { asksForDefaultClass, classOfClaim, classOfVolume, resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { indexByClaim } from '../pods/pods-by-claim.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import type { Binder } from './binder.ts';
import { syncClaim } from './sync-claim.ts';
import { syncVolume } from './sync-volume.ts';

const pendingIndex = 'pending by class';
const unset = '';
const openIndex = 'open';

/** Volumes by the claim they are kept for or bound to, free ones by their class. */
function openValues(volume: PersistentVolume): readonly string[] {
  const ref = volume.spec?.claimRef;
  return [ref === undefined ? `class ${classOfVolume(volume)}` : `claim ${ref.namespace ?? ''}/${ref.name ?? ''}`];
}

/** Claims that wait for a volume, by their class. */
function pendingClass(claim: PersistentVolumeClaim): readonly string[] {
  return claim.spec?.volumeName || claim.metadata.deletionTimestamp !== undefined ? [] : [classOfClaim(claim)];
}

/**
 * Binds PersistentVolumeClaims to PersistentVolumes, hands claims to provisioners, and reclaims volumes whose
 * claim is gone.
 */
export async function runPersistentVolumeController(context: ControllerContext): Promise<void> {
  const { informers, recorder } = context;
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const classes = informers.informer(resources.storageClasses);
  const pods = indexByClaim(informers.informer(resources.pods));
  claims.addIndexers({ [pendingIndex]: pendingClass });
  volumes.addIndexers({ [openIndex]: openValues });
  const claimQueue = queueFor(context, 'claims');
  const volumeQueue = queueFor(context, 'volumes');
  const binder: Binder = {
    context,
    claims,
    volumes,
    classes,
    pods,
    candidates: (claim) => [
      ...volumes.lister.byIndex(openIndex, `claim ${keyOf(claim)}`),
      ...volumes.lister.byIndex(openIndex, `class ${classOfClaim(claim)}`),
    ],
    enqueueClaim: (key) => claimQueue.add(key),
    claimEvent: (object, ...event) => recorder.event({ ref: resources.persistentVolumeClaims, object }, ...event),
    volumeEvent: (object, ...event) => recorder.event({ ref: resources.persistentVolumes, object }, ...event),
  };

  const wakePending = (className: string): void => {
    for (const claim of claims.lister.byIndex(pendingIndex, className)) claimQueue.add(keyOf(claim));
  };
  onChange(context, claims, (claim, _previous, deleted) => {
    if (!deleted) claimQueue.add(keyOf(claim));
    if (claim.spec?.volumeName) volumeQueue.add(claim.spec.volumeName);
  });
  onChange(context, volumes, (volume, previous, deleted) => {
    const ref = volume.spec?.claimRef;
    if (ref !== undefined) claimQueue.add(`${ref.namespace ?? ''}/${ref.name ?? ''}`);
    if (deleted) return;
    volumeQueue.add(volume.metadata.name ?? '');
    if (isFree(volume) && (previous === undefined || !isFree(previous) || changed(volume, previous))) wakePending(classOfVolume(volume));
  });
  onChange(context, classes, (storageClass, _previous, deleted) => {
    if (deleted) return;
    wakePending(storageClass.metadata.name ?? '');
    // It may be the default that claims without a class wait for.
    for (const claim of claims.lister.byIndex(pendingIndex, unset)) if (asksForDefaultClass(claim)) claimQueue.add(keyOf(claim));
  });

  const caches = [claims, volumes, classes, pods];
  await Promise.all([
    runController(context, {
      queue: claimQueue,
      caches,
      // One: two claims must not choose the same volume.
      workers: 1,
      reconcile: async (key) => {
        const claim = claims.lister.get(key);
        if (claim !== undefined) await syncClaim(binder, claim);
      },
    }),
    runController(context, {
      queue: volumeQueue,
      caches,
      workers: 1,
      reconcile: async (name) => {
        const volume = volumes.lister.get(name);
        if (volume !== undefined) await syncVolume(binder, volume);
      },
    }),
  ]);
}

function isFree(volume: PersistentVolume): boolean {
  return volume.status?.phase === 'Available' && volume.spec?.claimRef === undefined;
}

/** Whether anything that decides which claims fit has changed. */
function changed(volume: PersistentVolume, previous: PersistentVolume): boolean {
  const parts = (of: PersistentVolume): string => JSON.stringify([of.metadata.labels, of.spec]);
  return parts(volume) !== parts(previous);
}
