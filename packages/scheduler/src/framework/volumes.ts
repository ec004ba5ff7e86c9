import type { CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@bayplan/api';

/** A claim that a pod uses. */
export interface ClaimUse {
  /** `namespace/name`. */
  readonly key: string;
  readonly name: string;
  /** For a generic ephemeral volume: the pod that the claim must belong to. */
  readonly ownerUid?: string;
}

/** What plugins see of storage. Objects are shared: never change them. */
export interface VolumeView {
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  /** The volumes that a claim may be bound to: those kept for it and free ones of its class. */
  candidates(claim: PersistentVolumeClaim): readonly PersistentVolume[];
  csiNode(name: string): CSINode | undefined;
  /** Volumes that were chosen for claims of pods which are about to be bound. */
  readonly taken: ReadonlySet<string>;
}

/** A cluster without storage. */
export const noVolumes: VolumeView = Object.freeze({
  claim: () => undefined,
  volume: () => undefined,
  storageClass: () => undefined,
  candidates: () => [],
  csiNode: () => undefined,
  taken: new Set<string>(),
});

export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const selectedNode = 'volume.kubernetes.io/selected-node';

/** Whether claim and volume agree on each other. */
export function isFullyBound(claim: PersistentVolumeClaim): boolean {
  return Boolean(claim.spec?.volumeName) && claim.metadata.annotations?.[bindCompleted] !== undefined;
}
