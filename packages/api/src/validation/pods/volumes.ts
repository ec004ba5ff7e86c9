import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import type { FieldError } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { ObjectMeta, Volume } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkRequired, eachOf } from '../faults.ts';
import { readAmount } from '../resources.ts';
import { validateClaimTemplate } from '../storage/claim-spec.ts';
import type { PodLeniency } from './context.ts';
import { checkFileMode } from './paths.ts';
import { validateDownwardFiles, validateItems, validateProjected } from './projected-volumes.ts';
import { sharedSources } from './volume-sources.ts';

interface VolumeContext {
  readonly meta: ObjectMeta | undefined;
  readonly isPod: boolean;
  readonly lenient: PodLeniency;
}

type Check<K extends keyof Volume> = (
  source: NonNullable<Volume[K]>,
  path: FieldPath,
  faults: Faults,
  volume: Volume,
  context: VolumeContext,
) => void;

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

/** Kinds of volumes that only pods have. */
const podSources: { readonly [K in keyof Volume]?: Check<K> } = {
  emptyDir({ sizeLimit }, path, faults) {
    if (sizeLimit === undefined) return;
    const here = path.child('sizeLimit');
    const amount = readAmount(sizeLimit, here, faults);
    if (amount !== undefined && amount.nanos < 0n) faults.push(fieldForbidden(here, 'SizeLimit field must be a valid resource quantity'));
  },
  secret(source, path, faults) {
    checkRequired(source.secretName, undefined, path.child('secretName'), faults);
    checkFileMode(source.defaultMode, path.child('defaultMode'), faults);
    validateItems(source.items, path.child('items'), faults);
  },
  configMap(source, path, faults) {
    checkRequired(source.name, undefined, path.child('name'), faults);
    checkFileMode(source.defaultMode, path.child('defaultMode'), faults);
    validateItems(source.items, path.child('items'), faults);
  },
  persistentVolumeClaim(source, path, faults) {
    checkRequired(source.claimName, undefined, path.child('claimName'), faults);
  },
  downwardAPI(source, path, faults) {
    checkFileMode(source.defaultMode, path.child('defaultMode'), faults);
    validateDownwardFiles(source.items, path, faults);
  },
  projected(source, path, faults, _volume, { lenient }) {
    validateProjected(source, lenient, path, faults);
  },
  csi({ driver, nodePublishSecretRef }, path, faults) {
    checkDriverName(driver, path.child('driver'), faults);
    if (nodePublishSecretRef === undefined) return;
    if (!nodePublishSecretRef.name) faults.push(fieldRequired(path.child('nodePublishSecretRef', 'name')));
    else checkRequired(nodePublishSecretRef.name, dns1123SubdomainFaults, path.child('name'), faults);
  },
  ephemeral({ volumeClaimTemplate }, path, faults, volume, { meta }) {
    if (volumeClaimTemplate === undefined) faults.push(fieldRequired(path.child('volumeClaimTemplate')));
    else validateClaimTemplate(volumeClaimTemplate, path.child('volumeClaimTemplate'), faults);
    if (!meta?.name || !volume.name) return;
    const claim = `${meta.name}-${volume.name}`;
    for (const fault of dns1123SubdomainFaults(claim)) {
      faults.push(fieldInvalid(path.child('name'), volume.name, `PVC name ${JSON.stringify(claim)}: ${fault}`));
    }
  },
  image({ reference, pullPolicy }, path, faults, _volume, { isPod }) {
    if (isPod && !reference) faults.push(fieldRequired(path.child('reference')));
    checkMember(pullPolicy, pullPolicies, path.child('pullPolicy'), faults);
  },
};

const maxDriverName = 63;

export function checkDriverName(name: string, path: FieldPath, faults: Faults): void {
  if (!name) faults.push(fieldRequired(path));
  if (name.length > maxDriverName) {
    faults.push({
      type: 'FieldValueTooLong',
      field: path.toString(),
      body: `Too long: may not be more than ${maxDriverName.toString()} bytes`,
    });
  }
  for (const fault of dns1123SubdomainFaults(name.toLowerCase())) faults.push(fieldInvalid(path, name, fault));
}

/** The order in which a volume's kinds are looked at: the first one counts, the others are one too many. */
const kinds = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const satisfies readonly (keyof Volume)[];

/** Where Kubernetes spells the field of a second kind unlike the field itself. */
const misspelt: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };
const maxIscsiName = 64;

function validateSource(volume: Volume, context: VolumeContext, path: FieldPath, faults: Faults): void {
  let found = false;
  for (const kind of kinds) {
    const source = volume[kind];
    if (source === undefined) continue;
    if (found) faults.push(fieldForbidden(path.child(misspelt[kind] ?? kind), 'may not specify more than 1 volume type'));
    else {
      // Kubernetes calls this one differently inside.
      const here = path.child(kind === 'gcePersistentDisk' ? 'persistentDisk' : kind);
      const check = (podSources[kind] ?? sharedSources[kind]) as Check<typeof kind> | undefined;
      check?.(source as never, here, faults, volume, context);
    }
    found = true;
  }
  const portal = volume.iscsi;
  if (portal?.initiatorName !== undefined && `${volume.name}:${portal.targetPortal}`.length > maxIscsiName) {
    const fault = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    faults.push(fieldInvalid(path.child('name'), volume.name, fault));
  }
  if (!found) faults.push(fieldRequired(path, 'must specify a volume type'));
}

/** Checks a pod's volumes and answers with those without a fault, by name. */
export function validateVolumes(volumes: MaybeList<Volume>, context: VolumeContext, path: FieldPath, faults: Faults): Map<string, Volume> {
  const sound = new Map<string, Volume>();
  if (!volumes) return sound;
  const made = new Set<string>();
  const owner = context.meta?.name;
  if (owner) for (const volume of volumes) if (volume.ephemeral !== undefined) made.add(`${owner}-${volume.name}`);
  eachOf(volumes, path, (volume, here) => {
    const own: FieldError[] = [];
    validateSource(volume, context, here, own);
    checkRequired(volume.name, dns1123LabelFaults, here.child('name'), own);
    if (sound.has(volume.name)) own.push(fieldDuplicate(here.child('name'), volume.name));
    if (own.length === 0) sound.set(volume.name, volume);
    else faults.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) {
      const fault = 'must not reference a PVC that gets created for an ephemeral volume';
      faults.push(fieldInvalid(here.child('persistentVolumeClaim', 'claimName'), claim, fault));
    }
  });
  return sound;
}
