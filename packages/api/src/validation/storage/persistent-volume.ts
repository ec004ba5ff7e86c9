import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { PersistentVolume, PersistentVolumeSpec, Volume, VolumeNodeAffinity } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable, checkMember, checkOptional, checkRequired, checkSyntax, immutableFault, omit } from '../faults.ts';
import { checkNoBacksteps } from '../pods/paths.ts';
import { validateNodeSelector } from '../pods/scheduling.ts';
import { sharedSources, validateIscsi, validateSecretReference } from '../pods/volume-sources.ts';
import type { SourceCheck } from '../pods/volume-sources.ts';
import { checkDriverName } from '../pods/volumes.ts';
import { validatePositiveAmount } from '../resources.ts';
import { unifiedDiff } from '../unified-diff.ts';
import { validateAccessModes, volumeModes } from './claim-spec.ts';

const spec = FieldPath.of('spec');

/** The order in which kinds are looked at. */
const kinds = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

type Kind = (typeof kinds)[number];
type Check<K extends Kind> = (
  source: NonNullable<PersistentVolumeSpec[K]>,
  path: FieldPath,
  faults: Faults,
  volume: PersistentVolume,
) => void;

const soundNames = { name: dns1123SubdomainFaults, namespace: dns1123LabelFaults };

/** Kinds that differ from those of pods: what belongs to no namespace names that of its secrets. */
const own: { readonly [K in Kind]?: Check<K> } = {
  glusterfs(source, path, faults) {
    checkRequired(source.endpoints, undefined, path.child('endpoints'), faults);
    checkRequired(source.path, undefined, path.child('path'), faults);
    const namespace = source.endpointsNamespace;
    const here = path.child('endpointsNamespace');
    if (namespace === '') faults.push(fieldInvalid(here, namespace, 'if the endpointnamespace is set, it must be a valid namespace name'));
    else if (namespace !== undefined) checkSyntax(namespace, dns1123LabelFaults, here, faults);
  },
  iscsi(source, path, faults, { metadata }) {
    validateIscsi(source, { name: metadata?.name ?? '' }, path, faults);
  },
  cinder(source, path, faults) {
    checkRequired(source.volumeID, undefined, path.child('volumeID'), faults);
    validateSecretReference(source.secretRef, {}, path.child('secretRef'), faults);
  },
  azureFile(source, path, faults) {
    checkRequired(source.secretName, undefined, path.child('secretName'), faults);
    checkRequired(source.shareName, undefined, path.child('shareName'), faults);
    if (source.secretNamespace === '') faults.push(fieldRequired(path.child('secretNamespace')));
  },
  storageos(source, path, faults) {
    checkRequired(source.volumeName, dns1123LabelFaults, path.child('volumeName'), faults);
    checkOptional(source.volumeNamespace, dns1123LabelFaults, path.child('volumeNamespace'), faults);
    validateSecretReference(source.secretRef, {}, path.child('secretRef'), faults);
  },
  local(source, path, faults, volume) {
    checkRequired(source.path, undefined, path.child('path'), faults);
    checkNoBacksteps(source.path, path.child('path'), faults);
    if (volume.spec?.nodeAffinity === undefined) {
      faults.push(fieldRequired(spec.child('nodeAffinity'), 'Local volume requires node affinity'));
    }
  },
  csi(source, path, faults) {
    checkDriverName(source.driver, path.child('driver'), faults);
    checkRequired(source.volumeHandle, undefined, path.child('volumeHandle'), faults);
    for (const field of [
      'controllerPublishSecretRef',
      'controllerExpandSecretRef',
      'nodePublishSecretRef',
      'nodeExpandSecretRef',
    ] as const) {
      validateSecretReference(source[field], soundNames, path.child(field), faults);
    }
  },
};

function validateSource(volume: PersistentVolume, faults: Faults): void {
  const wanted = volume.spec ?? {};
  let found = false;
  for (const kind of kinds) {
    const source = wanted[kind];
    if (source === undefined) continue;
    if (found && kind !== 'flexVolume') {
      faults.push(fieldForbidden(spec.child(kind === 'cephfs' ? 'cephFS' : kind), 'may not specify more than 1 volume type'));
    } else {
      const shared = sharedSources[kind as keyof Volume] as SourceCheck<'nfs'> | undefined;
      const check = (own[kind] ?? shared) as Check<Kind> | undefined;
      check?.(source as never, spec.child(kind === 'gcePersistentDisk' ? 'persistentDisk' : kind), faults, volume);
    }
    found = true;
  }
  if (!found) faults.push(fieldRequired(spec, 'must specify a volume type'));
}

function validateCapacity(capacity: Readonly<Record<string, string>> | undefined, faults: Faults): void {
  const here = spec.child('capacity');
  const names = Object.keys(capacity ?? {});
  if (names.length === 0) faults.push(fieldRequired(here));
  if (capacity?.['storage'] === undefined || names.length > 1) faults.push(fieldNotSupported(here, capacity ?? null, ['storage']));
  for (const [name, text] of Object.entries(capacity ?? {})) validatePositiveAmount(text, here.key(name), faults);
}

function validateAffinity(affinity: VolumeNodeAffinity | undefined, lenient: boolean, faults: Faults): void {
  if (affinity === undefined) return;
  const here = spec.child('nodeAffinity', 'required');
  if (affinity.required === undefined) faults.push(fieldRequired(here, 'must specify required node constraints'));
  else validateNodeSelector(affinity.required, lenient, here, faults);
}

function validateSpec(volume: PersistentVolume, lenient: boolean, faults: Faults): void {
  const wanted = volume.spec ?? {};
  if ((wanted.accessModes ?? []).length === 0) faults.push(fieldRequired(spec.child('accessModes')));
  validateAccessModes(wanted.accessModes, spec.child('accessModes'), faults);
  validateCapacity(wanted.capacity, faults);
  const policy = wanted.persistentVolumeReclaimPolicy;
  if (policy) checkMember(policy, ['Delete', 'Recycle', 'Retain'], spec.child('persistentVolumeReclaimPolicy'), faults);
  validateAffinity(wanted.nodeAffinity, lenient, faults);
  validateSource(volume, faults);
  if (policy === 'Recycle' && wanted.hostPath !== undefined && /^\/+(\.\/*)*$/.test(wanted.hostPath.path)) {
    faults.push(fieldForbidden(spec.child('persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"));
  }
  checkOptional(wanted.storageClassName, dns1123SubdomainFaults, spec.child('storageClassName'), faults);
  checkMember(wanted.volumeMode, volumeModes, spec.child('volumeMode'), faults);
  const attributes = wanted.volumeAttributesClassName;
  if (attributes === undefined) return;
  const here = spec.child('volumeAttributesClassName');
  if (attributes === '') faults.push(fieldRequired(here, 'an empty string is disallowed'));
  else checkSyntax(attributes, dns1123SubdomainFaults, here, faults);
  if (wanted.csi === undefined) faults.push(fieldRequired(spec.child('csi'), 'has to be specified when using volumeAttributesClassName'));
}

export function validatePersistentVolume(volume: PersistentVolume, faults: Faults): void {
  validateSpec(volume, false, faults);
}

/** Labels of nodes by their names of old; an affinity may move on to those of today. */
const renamed: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

function isSameAffinity(next: VolumeNodeAffinity | undefined, old: VolumeNodeAffinity): boolean {
  const moved = (affinity: VolumeNodeAffinity, from: VolumeNodeAffinity | undefined): unknown =>
    affinity.required?.nodeSelectorTerms.map((term, at) => ({
      ...term,
      matchExpressions: term.matchExpressions?.map((one, position) => {
        const wanted = from?.required?.nodeSelectorTerms[at]?.matchExpressions?.[position]?.key;
        return renamed[one.key] === wanted && wanted !== undefined ? { ...one, key: wanted } : one;
      }),
    }));
  return sameJson(next?.required?.nodeSelectorTerms, moved(old, next));
}

const generalFields = [
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
];

export function validatePersistentVolumeUpdate(next: PersistentVolume, old: PersistentVolume, faults: Faults): void {
  validateSpec(next, next.spec?.nodeAffinity !== undefined && sameJson(next.spec.nodeAffinity, old.spec?.nodeAffinity), faults);
  const sourceOf = (volume: PersistentVolume): Record<string, unknown> => omit(volume.spec, ...generalFields);
  const wanted = sourceOf(next);
  // A secret for growing may be added to a volume that was made without one.
  if (old.spec?.csi !== undefined && old.spec.csi.controllerExpandSecretRef === undefined && next.spec?.csi !== undefined) {
    wanted['csi'] = omit(next.spec.csi, 'controllerExpandSecretRef');
  }
  const before = sourceOf(old);
  if (!sameJson(wanted, before)) {
    const fault = `spec.persistentvolumesource is immutable after creation\n${unifiedDiff(before, wanted)}`;
    faults.push(fieldForbidden(spec.child('persistentvolumesource'), fault));
  }
  checkImmutable(next.spec?.volumeMode, old.spec?.volumeMode, FieldPath.of('volumeMode'), faults);
  if (old.spec?.nodeAffinity !== undefined && !isSameAffinity(next.spec?.nodeAffinity, old.spec.nodeAffinity)) {
    const fault = `${immutableFault}, except for updating from beta label to GA`;
    faults.push(fieldInvalid(FieldPath.of('nodeAffinity'), next.spec?.nodeAffinity ?? null, fault));
  }
  if (old.spec?.volumeAttributesClassName !== undefined && next.spec?.volumeAttributesClassName === undefined) {
    faults.push(fieldForbidden(spec.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden'));
  }
}
