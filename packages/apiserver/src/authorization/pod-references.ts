import type { Container, PersistentVolume, Pod, Volume } from '@bayplan/api';

const mirror = 'kubernetes.io/config.mirror';

/** The names of the objects in its namespace that a pod needs on its node, by resource. */
export interface PodReferences {
  readonly secrets: Set<string>;
  readonly configmaps: Set<string>;
  readonly persistentvolumeclaims: Set<string>;
  readonly serviceaccounts: Set<string>;
  readonly resourceclaims: Set<string>;
}

export function referencesOf(pod: Pod): PodReferences {
  const found: PodReferences = {
    secrets: new Set(),
    configmaps: new Set(),
    persistentvolumeclaims: new Set(),
    serviceaccounts: new Set(),
    resourceclaims: new Set(),
  };
  const { spec } = pod;
  // Mirror pods are written by the node itself: what they refer to must not open anything to it.
  if (spec === undefined || pod.metadata?.annotations?.[mirror] !== undefined) return found;
  if (spec.serviceAccountName) found.serviceaccounts.add(spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) if (name) found.secrets.add(name);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...((spec.ephemeralContainers ?? []) as Container[])];
  for (const container of containers) ofContainer(container, found);
  for (const volume of spec.volumes ?? []) ofVolume(volume, pod, found);
  for (const { resourceClaimName } of spec.resourceClaims ?? []) if (resourceClaimName) found.resourceclaims.add(resourceClaimName);
  for (const { resourceClaimName } of pod.status?.resourceClaimStatuses ?? [])
    if (resourceClaimName) found.resourceclaims.add(resourceClaimName);
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
  for (const name of inlineSecretsOf(volume)) found.secrets.add(name);
  if (volume.csi?.nodePublishSecretRef?.name) found.secrets.add(volume.csi.nodePublishSecretRef.name);
  for (const source of volume.projected?.sources ?? []) {
    if (source.secret?.name) found.secrets.add(source.secret.name);
    if (source.configMap?.name) found.configmaps.add(source.configMap.name);
  }
}

/** Kinds of volumes from before CSI that name a Secret of the pod's namespace. */
function inlineSecretsOf(volume: Volume): string[] {
  const { azureFile, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos } = volume;
  const refs = [cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef?.name);
  return [...refs, azureFile?.secretName].flatMap((name) => (name ? [name] : []));
}

/** `NAMESPACE/NAME` of the Secrets that mounting a volume needs. */
export function secretsOfVolume({ spec }: PersistentVolume): Set<string> {
  const claimed = spec?.claimRef?.namespace ?? '';
  const { azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = spec ?? {};
  const refs: { name?: string | undefined; namespace?: string | undefined }[] = [];
  for (const source of [cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos]) if (source?.secretRef) refs.push(source.secretRef);
  if (azureFile) refs.push({ name: azureFile.secretName, namespace: azureFile.secretNamespace ?? undefined });
  for (const ref of [
    csi?.controllerPublishSecretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    csi?.controllerExpandSecretRef,
  ])
    if (ref) refs.push(ref);
  return new Set(refs.flatMap(({ name, namespace }) => (name ? [`${namespace || claimed}/${name}`] : [])));
}
