import { classOfClaim } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import type { PodShape } from '../framework/pod-shape.ts';
import { isFullyBound } from '../framework/volumes.ts';
import type { VolumeView } from '../framework/volumes.ts';

/** The claims of a pod, by how far they are. */
export interface ShapeClaims {
  readonly bound: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume | undefined }[];
  /** Not bound, and their class waits for the pod's node. */
  readonly delayed: readonly PersistentVolumeClaim[];
  /** Why the pod cannot go anywhere as things are. */
  readonly fault: string | undefined;
}

export function claimsOfShape(shape: PodShape, volumes: VolumeView): ShapeClaims {
  const bound: { claim: PersistentVolumeClaim; volume: PersistentVolume | undefined }[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  let immediate = false;
  for (const { key, name, ownerUid } of shape.claims) {
    const quoted = JSON.stringify(name);
    const claim = volumes.claim(key);
    if (claim === undefined) {
      const fault =
        ownerUid === undefined
          ? `persistentvolumeclaim ${quoted} not found`
          : `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`;
      return { bound, delayed, fault };
    }
    if (claim.metadata.deletionTimestamp !== undefined)
      return { bound, delayed, fault: `persistentvolumeclaim ${quoted} is being deleted` };
    if (claim.status?.phase === 'Lost') {
      const lost = JSON.stringify(claim.spec?.volumeName ?? '');
      return { bound, delayed, fault: `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${lost}` };
    }
    if (ownerUid !== undefined && !claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === ownerUid))
      return { bound, delayed, fault: `PVC ${JSON.stringify(key)} was not created for the pod (pod is not owner)` };
    if (isFullyBound(claim)) bound.push({ claim, volume: volumes.volume(claim.spec?.volumeName ?? '') });
    else if (!claim.spec?.volumeName && volumes.storageClass(classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer')
      delayed.push(claim);
    else immediate = true;
  }
  return { bound, delayed, fault: immediate ? 'pod has unbound immediate PersistentVolumeClaims' : undefined };
}
