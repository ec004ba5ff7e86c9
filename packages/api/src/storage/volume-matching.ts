import type { PersistentVolume, PersistentVolumeClaim } from '../generated/types.ts';
import { parseQuantity } from '../quantity.ts';
import { selectorOf } from '../selectors/label-selector.ts';
import type { SelectableNode } from './node-selection.ts';
import { nodeSelectorMatches } from './node-selection.ts';

const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The class that a claim asks for; `''` for none. */
export function classOfClaim(claim: PersistentVolumeClaim): string {
  return claim.metadata.annotations?.[oldClassAnnotation] ?? claim.spec?.storageClassName ?? '';
}

/** Whether a claim leaves the choice of its class to the cluster's default. */
export function asksForDefaultClass(claim: PersistentVolumeClaim): boolean {
  return claim.metadata.annotations?.[oldClassAnnotation] === undefined && claim.spec?.storageClassName === undefined;
}

/** The class of a volume; `''` for none. */
export function classOfVolume(volume: PersistentVolume): string {
  return volume.metadata.annotations?.[oldClassAnnotation] ?? volume.spec?.storageClassName ?? '';
}

/** Whether a volume is bound to the claim or kept for it by whoever made the volume. */
export function isVolumeFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef;
  if (ref?.name !== claim.metadata.name || ref?.namespace !== claim.metadata.namespace) return false;
  return !ref?.uid || ref.uid === claim.metadata.uid;
}

/** Why a volume that a claim names cannot serve it, in Kubernetes' words; undefined when it can. */
export function volumeMismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (sizeOf(volume).compare(requestOf(claim)) < 0) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if (attributesOf(volume.spec) !== attributesOf(claim.spec)) return 'volumeAttributesClassName does not match';
  if (modeOf(volume.spec) !== modeOf(claim.spec)) return 'incompatible volumeMode';
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode';
}

/** Whether pods on a node can use a volume. */
export function volumeReaches(volume: PersistentVolume, node: SelectableNode): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return required === undefined || nodeSelectorMatches(required, node);
}

/**
 * The volume for a claim that names none: one that is kept for it, else the smallest that is available and
 * fits. `node`: only volumes that can be used there, as the scheduler asks. `keptOnly`: nothing but what is
 * kept for the claim, since its class waits for a first consumer. `taken` are volumes that are as good as bound.
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  options: { readonly node?: SelectableNode; readonly keptOnly?: boolean; readonly taken?: ReadonlySet<string> } = {},
): PersistentVolume | undefined {
  const wanted = requestOf(claim);
  const wantedClass = classOfClaim(claim);
  const selector = claim.spec?.selector === undefined ? undefined : selectorOf(claim.spec.selector);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp !== undefined || modeOf(volume.spec) !== modeOf(claim.spec)) continue;
    if (sizeOf(volume).compare(wanted) < 0 || attributesOf(volume.spec) !== attributesOf(claim.spec)) continue;
    const reachable = options.node === undefined || volumeReaches(volume, options.node);
    if (isVolumeFor(volume, claim)) return reachable ? volume : undefined;
    if (options.keptOnly || !reachable || volume.spec?.claimRef !== undefined || volume.status?.phase !== 'Available') continue;
    if (options.taken?.has(volume.metadata.name ?? '')) continue;
    if (classOfVolume(volume) !== wantedClass || !hasModes(volume, claim)) continue;
    if (selector !== undefined && !selector.matches(volume.metadata.labels ?? {})) continue;
    if (best === undefined || isBefore(volume, best)) best = volume;
  }
  return best;
}

function isBefore(a: PersistentVolume, b: PersistentVolume): boolean {
  const order = sizeOf(a).compare(sizeOf(b));
  return order < 0 || (order === 0 && (a.metadata.name ?? '') < (b.metadata.name ?? ''));
}

function hasModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));
}

function sizeOf(volume: PersistentVolume): ReturnType<typeof parseQuantity> {
  return parseQuantity(volume.spec?.capacity?.['storage'] ?? '0');
}

function requestOf(claim: PersistentVolumeClaim): ReturnType<typeof parseQuantity> {
  return parseQuantity(claim.spec?.resources?.requests?.['storage'] ?? '0');
}

function modeOf(spec: { readonly volumeMode?: string | undefined } | undefined): string {
  return spec?.volumeMode ?? 'Filesystem';
}

function attributesOf(spec: { readonly volumeAttributesClassName?: string | undefined } | undefined): string {
  return spec?.volumeAttributesClassName ?? '';
}
