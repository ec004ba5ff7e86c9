import type { Container, Pod, Volume } from '@bayplan/api';

/** The names of the objects in its namespace that a pod needs on its node, by resource. */
export interface PodReferences {
  readonly secrets: Set<string>;
  readonly configmaps: Set<string>;
  readonly persistentvolumeclaims: Set<string>;
  readonly serviceaccounts: Set<string>;
}

export function referencesOf(pod: Pod): PodReferences {
  const found: PodReferences = { secrets: new Set(), configmaps: new Set(), persistentvolumeclaims: new Set(), serviceaccounts: new Set() };
  const { spec } = pod;
  if (spec === undefined) return found;
  if (spec.serviceAccountName) found.serviceaccounts.add(spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) if (name) found.secrets.add(name);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...((spec.ephemeralContainers ?? []) as Container[])];
  for (const container of containers) ofContainer(container, found);
  for (const volume of spec.volumes ?? []) ofVolume(volume, pod, found);
  return found;
}

function ofContainer(container: Container, found: PodReferences): void {
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef?.name) found.secrets.add(valueFrom.secretKeyRef.name);
    if (valueFrom?.configMapKeyRef?.name) found.configmaps.add(valueFrom.configMapKeyRef.name);
  }
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    if (secretRef?.name) found.secrets.add(secretRef.name);
    if (configMapRef?.name) found.configmaps.add(configMapRef.name);
  }
}

function ofVolume(volume: Volume, pod: Pod, found: PodReferences): void {
  if (volume.secret?.secretName) found.secrets.add(volume.secret.secretName);
  if (volume.configMap?.name) found.configmaps.add(volume.configMap.name);
  if (volume.persistentVolumeClaim) found.persistentvolumeclaims.add(volume.persistentVolumeClaim.claimName);
  if (volume.ephemeral) found.persistentvolumeclaims.add(`${pod.metadata?.name ?? ''}-${volume.name}`);
  if (volume.csi?.nodePublishSecretRef?.name) found.secrets.add(volume.csi.nodePublishSecretRef.name);
  for (const source of volume.projected?.sources ?? []) {
    if (source.secret?.name) found.secrets.add(source.secret.name);
    if (source.configMap?.name) found.configmaps.add(source.configMap.name);
  }
}
