import type { FieldPath } from '../errors/field-path.ts';
import type { PersistentVolumeClaimSpec, Volume, VolumeProjection } from '../generated/types.ts';
import { warnOfFractions } from './amounts.ts';

/** Kinds of volumes that mean nothing any more, and the name the warning gives the field. */
const gone = {
  photonPersistentDisk: ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  gitRepo: ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  scaleIO: ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  flocker: ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  storageos: ['storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  quobyte: ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  glusterfs: ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  cephfs: ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  rbd: ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
} as const satisfies Partial<Record<keyof Volume, readonly [string, string]>>;

const goneKinds = Object.keys(gone) as (keyof typeof gone)[];

export function warnOfClaim(spec: PersistentVolumeClaimSpec | undefined, path: FieldPath, warnings: string[]): void {
  warnOfFractions(spec?.resources?.requests, ['storage'], path.child('resources', 'requests'), warnings);
  warnOfFractions(spec?.resources?.limits, ['storage'], path.child('resources', 'limits'), warnings);
}

interface SourcePath {
  readonly path: string;
  readonly source: string;
}

function pathsOf(items: readonly { readonly path: string }[] | undefined, source: string): SourcePath[] {
  return (items ?? []).map(({ path }) => ({ path: path.replace(/\/+$/, ''), source }));
}

function pathsOfProjection(source: VolumeProjection): SourcePath[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  if (configMap?.items) return pathsOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`);
  if (secret?.items) return pathsOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`);
  if (downwardAPI?.items) return pathsOf(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken !== undefined) return [{ path: serviceAccountToken.path, source: 'ServiceAccountToken' }];
  if (clusterTrustBundle !== undefined) {
    const name = clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '';
    return [{ path: clusterTrustBundle.path, source: `ClusterTrustBundle ${JSON.stringify(name)}` }];
  }
  const parts = [
    { path: podCertificate?.certificateChainPath, source: 'PodCertificate chain' },
    { path: podCertificate?.keyPath, source: 'PodCertificate key' },
    { path: podCertificate?.credentialBundlePath, source: 'PodCertificate credential bundle' },
  ];
  return parts.flatMap(({ path, source: name }) => (path ? [{ path, source: name }] : []));
}

/** Paths that are the same, or of which one lies in the other. */
function overlapsOf(paths: readonly SourcePath[]): string[] {
  const shown = ({ path, source }: SourcePath): string => (source === '' ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`);
  return paths.flatMap((one, at) =>
    paths.slice(0, at).flatMap((other) => {
      const meets = one.path === other.path || one.path.startsWith(`${other.path}/`) || other.path.startsWith(`${one.path}/`);
      return meets ? [`${shown(one)} with ${shown(other)}`] : [];
    }),
  );
}

function warnOfOverlaps(volume: Volume, warnings: string[]): void {
  const { name, configMap, secret, downwardAPI, projected } = volume;
  const say = (of: string, paths: readonly SourcePath[]): void => {
    for (const overlap of overlapsOf(paths)) warnings.push(`volume ${JSON.stringify(name)} (${of}): overlapping paths: ${overlap}`);
  };
  if (configMap?.items) say(`ConfigMap ${JSON.stringify(configMap.name ?? '')}`, pathsOf(configMap.items, ''));
  if (secret?.items) say(`Secret ${JSON.stringify(secret.secretName ?? '')}`, pathsOf(secret.items, ''));
  if (downwardAPI?.items) say('DownwardAPI', pathsOf(downwardAPI.items, ''));
  if (projected === undefined) return;
  const sources = projected.sources ?? [];
  for (const source of sources) {
    const isEmpty = Object.values(source).every((value) => value === undefined);
    if (isEmpty) warnings.push(`volume ${JSON.stringify(name)} (Projected) has no sources provided`);
  }
  say('Projected', sources.flatMap(pathsOfProjection));
}

/** Of a pod's volumes. */
export function warnOfVolumes(volumes: readonly Volume[], path: FieldPath, warnings: string[]): void {
  for (const [at, volume] of volumes.entries()) {
    for (const kind of goneKinds) {
      if (volume[kind] === undefined) continue;
      const [field, why] = gone[kind];
      warnings.push(`${path.index(at).child(field).toString()}: ${why}`);
    }
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template !== undefined) warnOfClaim(template.spec, path.index(at).child('ephemeral', 'volumeClaimTemplate', 'spec'), warnings);
  }
  for (const volume of volumes) warnOfOverlaps(volume, warnings);
}
