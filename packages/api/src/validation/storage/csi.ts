import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { CSIDriver, CSINode, CSINodeDriver, CSIStorageCapacity, VolumeAttachment, VolumeError } from '../../generated/types.ts';
import { byteLength, dns1123SubdomainFaults, qualifiedNameFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkImmutable, checkMember, checkNotNegative, checkSyntax, checkUnique, eachOf, immutableFault, omit } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';
import { checkDriverName } from '../pods/volumes.ts';
import { validateAmount } from '../resources.ts';

const spec = FieldPath.of('spec');
const minPeriodSeconds = 10;
const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;
const maxNodeId = 256;
const maxMetadataBytes = 256 * 1024;
const maxErrorBytes = 1024;

export function validateDriver({ spec: wanted }: CSIDriver, faults: Faults): void {
  checkMember(wanted.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'], spec.child('fsGroupPolicy'), faults);
  const audiences = new Set<string>();
  eachOf(wanted.tokenRequests, spec.child('tokenRequests'), ({ audience, expirationSeconds: seconds }, here) => {
    if (!checkUnique(audience, audiences, here.child('audience'), faults) || seconds === undefined) return;
    const path = here.child('expirationSeconds');
    if (seconds < minTokenSeconds) faults.push(fieldInvalid(path, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > maxTokenSeconds) faults.push(fieldInvalid(path, seconds, 'may not specify a duration larger than 2^32 seconds'));
  });
  for (const mode of wanted.volumeLifecycleModes ?? [])
    checkMember(mode, ['Persistent', 'Ephemeral'], spec.child('volumeLifecycleModes'), faults);
  const period = wanted.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < minPeriodSeconds) {
    const fault = `must be greater than or equal to ${minPeriodSeconds.toString()} seconds`;
    faults.push(fieldInvalid(spec.child('nodeAllocatableUpdatePeriodSeconds'), period, fault));
  }
}

export function validateDriverUpdate(next: CSIDriver, old: CSIDriver, faults: Faults): void {
  checkImmutable(next.spec.attachRequired, old.spec.attachRequired, spec.child('attachedRequired'), faults);
  checkImmutable(next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, spec.child('volumeLifecycleModes'), faults);
}

export function validateCsiNode({ spec: wanted }: CSINode, faults: Faults): void {
  const names = new Set<string>();
  eachOf(wanted.drivers as MaybeList<CSINodeDriver>, spec.child('drivers'), ({ name, nodeID, allocatable, topologyKeys }, here) => {
    checkDriverName(name, here.child('name'), faults);
    if (!nodeID) faults.push(fieldRequired(here.child('nodeID')));
    if (nodeID.length > maxNodeId) {
      faults.push(fieldInvalid(here.child('nodeID'), nodeID, `must be ${maxNodeId.toString()} characters or less`));
    }
    checkNotNegative(allocatable?.count, here.child('allocatable', 'count'), faults);
    checkUnique(name, names, here.child('name'), faults);
    const keys = new Set<string>();
    for (const key of topologyKeys ?? []) {
      if (key === '') faults.push(fieldRequired(here));
      if (keys.has(key)) faults.push(fieldDuplicate(here, key));
      keys.add(key);
      checkSyntax(key, qualifiedNameFaults, here, faults);
    }
  });
}

export function validateCsiNodeUpdate(next: CSINode, old: CSINode, faults: Faults): void {
  for (const before of (old.spec.drivers as MaybeList<CSINodeDriver>) ?? []) {
    const after = (next.spec.drivers as MaybeList<CSINodeDriver>)?.find(({ name }) => name === before.name);
    if (after === undefined) continue;
    checkImmutable(omit(after, 'allocatable'), omit(before, 'allocatable'), spec.child('drivers'), faults);
  }
}

export function validateStorageCapacity(capacity: CSIStorageCapacity, faults: Faults): void {
  validateLabelSelector(capacity.nodeTopology, FieldPath.of('nodeTopology'), faults);
  checkSyntax(capacity.storageClassName, dns1123SubdomainFaults, FieldPath.of('storageClassName'), faults);
  if (capacity.capacity !== undefined) validateAmount(capacity.capacity, FieldPath.of('capacity'), faults);
}

export function validateStorageCapacityUpdate(next: CSIStorageCapacity, old: CSIStorageCapacity, faults: Faults): void {
  checkImmutable(next.nodeTopology, old.nodeTopology, FieldPath.of('nodeTopology'), faults);
  checkImmutable(next.storageClassName, old.storageClassName, FieldPath.of('storageClassName'), faults);
}

function validateError(error: VolumeError | undefined, path: FieldPath, faults: Faults): void {
  if (error === undefined) return;
  if (byteLength(error.message ?? '') > maxErrorBytes) faults.push(fieldTooLong(path.child('message'), maxMetadataBytes));
  const code = error.errorCode;
  if (code !== undefined && code < 0)
    faults.push(fieldInvalid(path.child('errorCode'), code, 'must be between 0 and 2147483647, inclusive'));
}

function validateAttachmentStatusOf({ status }: VolumeAttachment, faults: Faults): void {
  const path = FieldPath.of('status');
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + byteLength(key) + byteLength(value),
    0,
  );
  if (bytes > maxMetadataBytes) faults.push(fieldTooLong(path.child('attachmentMetadata'), maxMetadataBytes));
  validateError(status?.attachError, path.child('attachError'), faults);
  validateError(status?.detachError, path.child('detachError'), faults);
}

export function validateAttachment(attachment: VolumeAttachment, faults: Faults): void {
  const wanted = attachment.spec;
  if (!wanted.attacher) faults.push(fieldRequired(spec.child('attacher')));
  const { inlineVolumeSpec: inline, persistentVolumeName: named } = wanted.source;
  const source = spec.child('source');
  const fault = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inline === undefined && named === undefined) faults.push(fieldRequired(source, fault));
  else if (inline !== undefined && named !== undefined) faults.push(fieldForbidden(source, fault));
  else if (named === '') faults.push(fieldRequired(source.child('persistentVolumeName'), 'must specify non empty persistentVolumeName'));
  else if (inline !== undefined) {
    const here = source.child('inlineVolumeSpec');
    const context = 'in the context of inline volumes';
    for (const field of ['claimRef', 'capacity', 'nodeAffinity', 'storageClassName'] as const) {
      if (inline[field] !== undefined) faults.push(fieldForbidden(here.child(field), `may not be specified ${context}`));
    }
    if (inline.csi === undefined) faults.push(fieldRequired(here.child('csi'), `has to be specified ${context}`));
    if ((inline.accessModes ?? []).length === 0) faults.push(fieldRequired(here.child('accessModes')));
  }
  checkSyntax(wanted.nodeName, dns1123SubdomainFaults, spec.child('nodeName'), faults);
  validateAttachmentStatusOf(attachment, faults);
}

export function validateAttachmentCreate({ spec: wanted }: VolumeAttachment, faults: Faults): void {
  checkDriverName(wanted.attacher, FieldPath.of('spec.attacher'), faults);
  const named = wanted.source.persistentVolumeName;
  if (named !== undefined) checkSyntax(named, dns1123SubdomainFaults, FieldPath.of('spec.source.persistentVolumeName'), faults);
}

export function validateAttachmentUpdate(next: VolumeAttachment, old: VolumeAttachment, faults: Faults): void {
  if (!sameJson(next.spec, old.spec)) faults.push(fieldInvalid(spec, next.spec, immutableFault));
}

export function validateAttachmentStatus(next: VolumeAttachment, _old: VolumeAttachment, faults: Faults): void {
  validateAttachmentStatusOf(next, faults);
}
