import { resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '@bayplan/api';
import type { Informer } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { annotated, bindCompleted, boundByController, hasAnnotation } from './annotations.ts';

/** What the parts of the volume controller share. */
export interface Binder {
  readonly context: ControllerContext;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly pods: Informer<Pod>;
  /** The volumes that a claim may get: those kept for it, then free ones of its class. */
  candidates(claim: PersistentVolumeClaim): readonly PersistentVolume[];
  enqueueClaim(key: string): void;
  claimEvent(claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): void;
  volumeEvent(volume: PersistentVolume, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Makes volume and claim refer to each other, in an order that a later try can always take up again. */
export async function bind(binder: Binder, volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
  const boundVolume = await pointVolumeAt(binder, volume, claim);
  await setVolumePhase(binder, boundVolume, 'Bound');
  const boundClaim = await pointClaimAt(binder, claim, boundVolume);
  await setClaimStatus(binder, boundClaim, 'Bound', boundVolume);
}

async function pointVolumeAt(binder: Binder, volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> {
  const ref = volume.spec?.claimRef;
  if (ref?.uid === claim.metadata.uid && ref?.name === claim.metadata.name && ref?.namespace === claim.metadata.namespace) return volume;
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  const metadata = ref === undefined ? annotated(volume, { [boundByController]: 'yes' }) : volume.metadata;
  return binder.context.client.update(
    resources.persistentVolumes,
    { ...volume, metadata, spec: { ...volume.spec, claimRef } },
    { signal: binder.context.signal },
  );
}

async function pointClaimAt(binder: Binder, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> {
  const volumeName = volume.metadata.name ?? '';
  if (claim.spec?.volumeName === volumeName && hasAnnotation(claim, bindCompleted)) return claim;
  const chosen = claim.spec?.volumeName === volumeName ? {} : { [boundByController]: 'yes' };
  const metadata = annotated(claim, { [bindCompleted]: 'yes', ...chosen });
  return binder.context.client.update(
    resources.persistentVolumeClaims,
    { ...claim, metadata, spec: { ...claim.spec, volumeName } },
    { signal: binder.context.signal },
  );
}

/** Takes a claim off a volume; what its maker wrote into `claimRef` stays. */
export async function unbind(binder: Binder, volume: PersistentVolume): Promise<void> {
  const annotations = { ...volume.metadata.annotations };
  const spec = { ...volume.spec };
  if (hasAnnotation(volume, boundByController)) {
    delete annotations[boundByController];
    delete spec.claimRef;
  } else if (spec.claimRef !== undefined) {
    const claimRef = { ...spec.claimRef };
    delete claimRef.uid;
    delete claimRef.resourceVersion;
    spec.claimRef = claimRef;
  }
  const next = { ...volume, metadata: { ...volume.metadata, annotations }, spec };
  const updated = semanticallyEqual(next, volume)
    ? volume
    : await binder.context.client.update(resources.persistentVolumes, next, { signal: binder.context.signal });
  await setVolumePhase(binder, updated, 'Available');
}

/** Writes the phase of a volume, unless it is that already. A phase that came with a message keeps it in the status. */
export async function setVolumePhase(
  binder: Binder,
  volume: PersistentVolume,
  phase: 'Available' | 'Bound' | 'Released' | 'Failed',
  message?: string,
): Promise<PersistentVolume> {
  if (volume.status?.phase === phase && (volume.status.message ?? '') === (message ?? '')) return volume;
  const { client, clock, signal } = binder.context;
  const changed = volume.status?.phase === phase ? volume.status.lastPhaseTransitionTime : timestamp(clock.now());
  const status = { phase, ...(message ? { message } : {}), ...(changed ? { lastPhaseTransitionTime: changed } : {}) };
  return client.update(resources.persistentVolumes, { ...volume, status }, { subresource: 'status', signal });
}

/** Writes phase, modes and size of a claim, unless they are that already. A size grows by expansion only, not here. */
export async function setClaimStatus(
  binder: Binder,
  claim: PersistentVolumeClaim,
  phase: 'Pending' | 'Bound' | 'Lost',
  volume?: PersistentVolume,
): Promise<void> {
  const { client, signal } = binder.context;
  const status: PersistentVolumeClaim['status'] = { ...claim.status, phase };
  if (volume === undefined) {
    delete status.accessModes;
    delete status.capacity;
  } else {
    status.accessModes = [...(volume.spec?.accessModes ?? [])];
    // The size of a claim that is bound changes by expansion only.
    if (claim.status?.phase !== 'Bound' || status.capacity === undefined) status.capacity = { ...volume.spec?.capacity };
    const attributes = volume.spec?.volumeAttributesClassName;
    if (attributes) status.currentVolumeAttributesClassName = attributes;
  }
  if (semanticallyEqual(status, claim.status)) return;
  await client.update(resources.persistentVolumeClaims, { ...claim, status }, { subresource: 'status', signal });
}
