import { fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { ISCSIVolumeSource, Volume } from '../../generated/types.ts';
import { dns1123LabelFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkMember, checkOptional, checkRange, checkRequired, checkSyntax } from '../faults.ts';
import { checkInnerPath, checkNoBacksteps } from './paths.ts';

type Source<K extends keyof Volume> = NonNullable<Volume[K]>;
export type SourceCheck<K extends keyof Volume> = (source: Source<K>, path: FieldPath, faults: Faults) => void;

const partitionFault = 'must be between 1 and 255, inclusive';
const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

function need(source: object, path: FieldPath, faults: Faults, ...fields: readonly string[]): void {
  const values = source as Record<string, unknown>;
  for (const field of fields) {
    const value = values[field];
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) {
      faults.push(fieldRequired(path.child(field)));
    }
  }
}

function checkPartition(partition: number | undefined, path: FieldPath, faults: Faults): void {
  if (partition !== undefined && (partition < 0 || partition > 255))
    faults.push(fieldInvalid(path.child('partition'), partition, partitionFault));
}

const initiatorForms: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

function checkInitiator(name: string, startFault: string, path: FieldPath, faults: Faults): void {
  const form = initiatorForms[name.slice(0, 3)];
  if (form === undefined) faults.push(fieldInvalid(path, name, startFault));
  else if (!form.test(name)) faults.push(fieldInvalid(path, name, 'must be valid format'));
}

/** iSCSI in pods and, with `persistent`, in PersistentVolumes, whose texts differ. */
export function validateIscsi(
  source: Omit<ISCSIVolumeSource, 'secretRef'> & { readonly secretRef?: { readonly name?: string | undefined } | undefined },
  persistent: { readonly name: string } | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const startFault = persistent === undefined ? 'must be valid format starting with iqn, eui, or naa' : 'must be valid format';
  need(source, path, faults, 'targetPortal');
  if (persistent !== undefined && source.initiatorName !== undefined && `${persistent.name}:${source.targetPortal}`.length > 64) {
    const fault = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    faults.push(fieldInvalid(path.child('targetportal'), source.targetPortal, fault));
  }
  if (!source.iqn) faults.push(fieldRequired(path.child('iqn')));
  else checkInitiator(source.iqn, startFault, path.child('iqn'), faults);
  checkRange(source.lun, 0, 255, path.child('lun'), faults);
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && source.secretRef === undefined) {
    faults.push(fieldRequired(path.child('secretRef')));
  }
  if (persistent !== undefined && source.secretRef !== undefined) need(source.secretRef, path.child('secretRef'), faults, 'name');
  if (source.initiatorName !== undefined) checkInitiator(source.initiatorName, startFault, path.child('initiatorname'), faults);
}

function validateFlexOptions(options: Readonly<Record<string, string>> | undefined, path: FieldPath, faults: Faults): void {
  for (const key of Object.keys(options ?? {})) {
    const domain = `.${(key.split('/')[0] ?? '').toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')) {
      faults.push(fieldInvalid(path.key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'));
    }
  }
}

const managedDisk = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const blobDisk = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
const hostPort = /^(\[[^[\]]*\]|[^:[\]]*):[^:]*$/;
const quobyteFault = 'must be a host:port pair or multiple pairs separated by commas';

/** Kinds of volumes that pods and PersistentVolumes share. */
export const sharedSources: { readonly [K in keyof Volume]?: SourceCheck<K> } = {
  hostPath({ path: place, type }, path, faults) {
    if (!place) faults.push(fieldRequired(path.child('path')));
    checkNoBacksteps(place, path.child('path'), faults);
    checkMember(type, hostPathTypes, path.child('type'), faults);
  },
  gitRepo(source, path, faults) {
    need(source, path, faults, 'repository');
    checkInnerPath(source.directory ?? '', path.child('directory'), faults);
  },
  gcePersistentDisk(source, path, faults) {
    need(source, path, faults, 'pdName');
    checkPartition(source.partition, path, faults);
  },
  awsElasticBlockStore(source, path, faults) {
    need(source, path, faults, 'volumeID');
    checkPartition(source.partition, path, faults);
  },
  nfs(source, path, faults) {
    need(source, path, faults, 'server', 'path');
    if (!source.path.startsWith('/')) faults.push(fieldInvalid(path.child('path'), source.path, 'must be an absolute path'));
  },
  iscsi(source, path, faults) {
    validateIscsi(source, undefined, path, faults);
  },
  glusterfs(source, path, faults) {
    need(source, path, faults, 'endpoints', 'path');
  },
  flocker({ datasetName = '', datasetUUID = '' }, path, faults) {
    if (datasetName === '' && datasetUUID === '') faults.push(fieldRequired(path, 'one of datasetName and datasetUUID is required'));
    if (datasetName !== '' && datasetUUID !== '') {
      faults.push(fieldInvalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
    }
    if (datasetName.includes('/')) faults.push(fieldInvalid(path.child('datasetName'), datasetName, "must not contain '/'"));
  },
  rbd(source, path, faults) {
    need(source, path, faults, 'monitors', 'image');
  },
  cinder(source, path, faults) {
    need(source, path, faults, 'volumeID');
    if (source.secretRef !== undefined) need(source.secretRef, path.child('secretRef'), faults, 'name');
  },
  cephfs(source, path, faults) {
    need(source, path, faults, 'monitors');
  },
  quobyte({ registry, tenant = '', volume }, path, faults) {
    if (!registry) faults.push(fieldRequired(path.child('registry'), quobyteFault));
    else if (tenant.length >= 65) {
      faults.push(fieldRequired(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
    } else {
      for (const pair of registry.split(',')) {
        if (!hostPort.test(pair)) faults.push(fieldInvalid(path.child('registry'), registry, quobyteFault));
      }
    }
    if (!volume) faults.push(fieldRequired(path.child('volume')));
  },
  fc({ targetWWNs = [], wwids = [], lun }, path, faults) {
    const names = path.child('targetWWNs');
    if (targetWWNs.length === 0 && wwids.length === 0) {
      faults.push(fieldRequired(names, 'must specify either targetWWNs or wwids, but not both'));
    }
    if (targetWWNs.length === 0) return;
    if (wwids.length > 0) faults.push(fieldInvalid(names, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
    if (lun === undefined) faults.push(fieldRequired(path.child('lun'), 'lun is required if targetWWNs is specified'));
    else checkRange(lun, 0, 255, path.child('lun'), faults);
  },
  flexVolume(source, path, faults) {
    need(source, path, faults, 'driver');
    validateFlexOptions(source.options, path.child('options'), faults);
  },
  azureFile(source, path, faults) {
    need(source, path, faults, 'secretName', 'shareName');
  },
  vsphereVolume(source, path, faults) {
    need(source, path, faults, 'volumePath');
  },
  photonPersistentDisk(source, path, faults) {
    need(source, path, faults, 'pdID');
  },
  portworxVolume(source, path, faults) {
    need(source, path, faults, 'volumeID');
  },
  azureDisk(source, path, faults) {
    need(source, path, faults, 'diskName', 'diskURI');
    checkMember(source.cachingMode, ['None', 'ReadOnly', 'ReadWrite'], path.child('cachingMode'), faults);
    checkMember(source.kind, ['Dedicated', 'Managed', 'Shared'], path.child('kind'), faults);
    if (source.kind === 'Managed' && !source.diskURI.startsWith('/subscriptions/')) {
      faults.push(fieldNotSupported(path.child('diskURI'), source.diskURI, [managedDisk]));
    }
    if (source.kind !== undefined && source.kind !== 'Managed' && !source.diskURI.startsWith('https://')) {
      faults.push(fieldNotSupported(path.child('diskURI'), source.diskURI, [blobDisk]));
    }
  },
  storageos(source, path, faults) {
    checkRequired(source.volumeName, dns1123LabelFaults, path.child('volumeName'), faults);
    checkOptional(source.volumeNamespace, dns1123LabelFaults, path.child('volumeNamespace'), faults);
    if (source.secretRef !== undefined) need(source.secretRef, path.child('secretRef'), faults, 'name');
  },
  scaleIO(source, path, faults) {
    need(source, path, faults, 'gateway', 'system', 'volumeName');
  },
};

/** A secret in a namespace that is named, for what belongs to no namespace. */
export function validateSecretReference(
  reference: { readonly name?: string | undefined; readonly namespace?: string | undefined } | undefined,
  syntax: { readonly name?: (value: string) => string[]; readonly namespace?: (value: string) => string[] },
  path: FieldPath,
  faults: Faults,
): void {
  if (reference === undefined) return;
  need(reference, path, faults, ...(reference.name ? [] : ['name']));
  if (reference.name && syntax.name !== undefined) checkSyntax(reference.name, syntax.name, path.child('name'), faults);
  need(reference, path, faults, ...(reference.namespace ? [] : ['namespace']));
  if (reference.namespace && syntax.namespace !== undefined)
    checkSyntax(reference.namespace, syntax.namespace, path.child('namespace'), faults);
}
