import type { Node, PersistentVolume, VolumeAttachment } from '@bayplan/api';
import { createHash } from 'node:crypto';

export const outOfServiceTaint = 'node.kubernetes.io/out-of-service';

/** The name of the attachment of a CSI volume to a node: what Kubernetes' drivers compute too. */
export function attachmentName(volume: PersistentVolume, nodeName: string): string {
  const { driver = '', volumeHandle = '' } = volume.spec?.csi ?? {};
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`;
}

/** The name of a CSI volume in a node's `volumesAttached` and `volumesInUse`. */
export function uniqueVolumeName(volume: PersistentVolume): string {
  const { driver = '', volumeHandle = '' } = volume.spec?.csi ?? {};
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}

/** Whether a volume can be attached to one node only. */
export function isExclusive(volume: PersistentVolume): boolean {
  const modes = volume.spec?.accessModes ?? [];
  return modes.length > 0 && modes.every((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod');
}

export function newAttachment(volume: PersistentVolume, nodeName: string): VolumeAttachment {
  return {
    metadata: { name: attachmentName(volume, nodeName) },
    spec: { attacher: volume.spec?.csi?.driver ?? '', nodeName, source: { persistentVolumeName: volume.metadata.name } },
  };
}

/** Whether volumes may be taken off a node that still says it uses them. */
export function mayForceDetach(node: Node | undefined, undesiredMs: number, forceAfterMs: number): boolean {
  if (node === undefined) return true;
  if (node.spec?.taints?.some((taint) => taint.key === outOfServiceTaint)) return true;
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status !== 'True' && undesiredMs >= forceAfterMs;
}
