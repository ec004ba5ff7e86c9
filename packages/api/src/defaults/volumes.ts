import type { ConfigMapVolumeSource, DownwardAPIVolumeSource, PersistentVolumeClaimSpec, Volume } from '../generated/types.ts';
import { defaultPullPolicy } from './pod-spec.ts';
import { roundResources } from './resource-list.ts';

/** 0644. */
const fileMode = 420;

function defaultFieldRefs(items: DownwardAPIVolumeSource['items']): void {
  for (const item of items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1';
}

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec | undefined): void {
  if (!spec) return;
  spec.volumeMode ??= 'Filesystem';
  roundResources(spec.resources?.limits, spec.resources?.requests);
}

/** A volume without a source is an emptyDir. */
export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  const withMode: (ConfigMapVolumeSource | undefined)[] = [volume.configMap, volume.secret as ConfigMapVolumeSource | undefined];
  for (const source of withMode) if (source) source.defaultMode ??= fileMode;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= fileMode;
    defaultFieldRefs(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      defaultFieldRefs(source.downwardAPI?.items);
    }
  }
  if (volume.hostPath) volume.hostPath.type ??= '';
  defaultClaimSpec(volume.ephemeral?.volumeClaimTemplate?.spec);
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference);
}
