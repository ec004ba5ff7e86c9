import type { KubeObject } from '@bayplan/api';

/** The claim and its volume agree on each other. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';
/** This controller chose the other side, so it may undo the choice. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
/** The provisioner that made a volume. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
/** The provisioner that shall make a volume for a claim. */
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const oldStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
/** The node that the scheduler chose for the first pod of a claim. */
export const selectedNode = 'volume.kubernetes.io/selected-node';

export function hasAnnotation(object: KubeObject, name: string): boolean {
  return object.metadata.annotations?.[name] !== undefined;
}

/** The metadata of a copy with this annotation. */
export function annotated(object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject['metadata'] {
  return { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } };
}
