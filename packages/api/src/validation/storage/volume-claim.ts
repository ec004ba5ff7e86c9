import type { FieldError } from '../../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types.ts';
import { qualifiedNameFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Quantity } from '../../quantity.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable, immutableFault } from '../faults.ts';
import { readAmount, validateAmountOf } from '../resources.ts';
import { unifiedDiff } from '../unified-diff.ts';
import type { ClaimLeniency } from './claim-spec.ts';
import { validateClaimSpec } from './claim-spec.ts';

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const empty: PersistentVolumeClaimSpec = {};

export function validateVolumeClaim(claim: PersistentVolumeClaim, faults: Faults): void {
  validateClaimSpec(claim.spec ?? empty, spec, faults);
}

function validateAgain(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, faults: Faults): void {
  const found: FieldError[] = [];
  validateClaimSpec(claim.spec ?? empty, spec, found);
  if (found.length > 0) {
    const before = old.spec ?? empty;
    const oldFaults: FieldError[] = [];
    validateClaimSpec(before, spec, oldFaults);
    const lenient: ClaimLeniency = {
      selectorValues: oldFaults.some(({ field }) => field.startsWith('spec.selector')),
      sourceGroups: before.dataSource?.apiGroup !== undefined || before.dataSourceRef?.apiGroup !== undefined,
    };
    found.length = 0;
    validateClaimSpec(claim.spec ?? empty, spec, found, lenient);
  }
  faults.push(...found);
}

function sizeOf(amounts: Readonly<Record<string, string>> | undefined): Quantity {
  const text = amounts?.['storage'];
  return parseQuantity(text !== undefined && isQuantity(text) ? text : '0');
}

/** The wanted spec with what may change as it was. */
function withAllowed(next: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec {
  const wanted = { ...next.spec };
  const before = old.spec ?? empty;
  if (!before.volumeName) wanted.volumeName = before.volumeName;
  // The class may be filled in once for a claim that was made before there was a default, or that named it by annotation.
  const annotated = old.metadata?.annotations?.[classAnnotation];
  const named = wanted.storageClassName !== undefined && before.storageClassName === undefined;
  if (named && (annotated === undefined || wanted.storageClassName === annotated)) wanted.storageClassName = undefined;
  if (next.status?.phase === 'Bound') {
    const requests = { ...wanted.resources?.requests };
    const size = before.resources?.requests?.['storage'];
    if (wanted.resources?.requests !== undefined) {
      if (size !== undefined) requests['storage'] = size;
      wanted.resources = { ...wanted.resources, requests };
    }
    wanted.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  return wanted;
}

export function validateVolumeClaimUpdate(next: PersistentVolumeClaim, old: PersistentVolumeClaim, faults: Faults): void {
  validateAgain(next, old, faults);
  const annotations = FieldPath.of('metadata', 'annotations', classAnnotation);
  const named = next.metadata?.annotations?.[classAnnotation] ?? '';
  const before = old.metadata?.annotations?.[classAnnotation] ?? '';
  const moved = named === '' && before !== '' && old.spec?.storageClassName === undefined && next.spec?.storageClassName === before;
  if (named !== before && !moved) faults.push(fieldInvalid(annotations, named, immutableFault));
  const rest = withAllowed(next, old);
  const kept = !old.spec?.volumeName ? { ...old.spec, volumeName: rest.volumeName } : old.spec;
  if (!sameJson(rest, kept)) {
    const fault = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    faults.push(fieldForbidden(spec, `${fault}\n${unifiedDiff(kept, rest)}`));
  }
  const size = sizeOf(next.spec?.resources?.requests);
  if (size.compare(sizeOf(old.spec?.resources?.requests)) < 0 && size.compare(sizeOf(old.status?.capacity)) <= 0) {
    faults.push(fieldForbidden(spec.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'));
  }
  checkImmutable(next.spec?.volumeMode, old.spec?.volumeMode, FieldPath.of('volumeMode'), faults);
  const wanted = next.spec?.volumeAttributesClassName;
  if (wanted === old.spec?.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined) return;
  const here = spec.child('volumeAttributesClassName');
  const current = 'is forbidden when status.currentVolumeAttributesClassName is not nil';
  if (wanted === undefined) faults.push(fieldForbidden(here, `update to nil ${current}`));
  else if (wanted === '') faults.push(fieldForbidden(here, `update to empty string ${current}`));
}

const resizeStatuses = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
].sort();

function checkResourceKey(name: string, path: FieldPath, faults: Faults): boolean {
  const texts = qualifiedNameFaults(name);
  for (const text of texts) faults.push(fieldInvalid(path, name, text));
  if (texts.length > 0) return false;
  const native = !name.includes('/') || name.includes('kubernetes.io/');
  if (!native || name === 'storage') return true;
  faults.push(fieldNotSupported(path, name, ['storage']));
  return false;
}

export function validateVolumeClaimStatus(next: PersistentVolumeClaim, _old: PersistentVolumeClaim, faults: Faults): void {
  if ((next.spec?.accessModes ?? []).length === 0) faults.push(fieldRequired(FieldPath.of('Spec', 'accessModes')));
  const { capacity, allocatedResourceStatuses, allocatedResources } = next.status ?? {};
  for (const [name, text] of Object.entries(capacity ?? {})) {
    const here = status.child('capacity').key(name);
    const amount = readAmount(text, here, faults);
    if (amount !== undefined && amount.nanos < 0n) faults.push(fieldInvalid(here, amount.toUnits(), 'must be a valid resource quantity'));
  }
  const statuses = status.child('allocatedResourceStatuses');
  for (const [name, value] of Object.entries(allocatedResourceStatuses ?? {})) {
    checkResourceKey(name, statuses, faults);
    if (!resizeStatuses.includes(value)) faults.push(fieldNotSupported(statuses, name, resizeStatuses));
  }
  const allocated = status.child('allocatedResources');
  for (const [name, text] of Object.entries(allocatedResources ?? {})) {
    if (checkResourceKey(name, allocated, faults)) validateAmountOf('storage', text, allocated.key(name), faults);
  }
}
