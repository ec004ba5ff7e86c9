import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { StorageClass, TopologySelectorTerm, VolumeAttributesClass } from '../../generated/types.ts';
import { byteLength, qualifiedNameFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable, checkMember, checkSyntax, checkUnique, eachOf } from '../faults.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

function validateProvisioner(name: string, path: FieldPath, faults: Faults): void {
  if (!name) faults.push(fieldRequired(path));
  else for (const fault of qualifiedNameFaults(name.toLowerCase())) faults.push(fieldInvalid(path, name.toLowerCase(), fault));
}

function validateParameters(parameters: Readonly<Record<string, string>> | undefined, mayBeEmpty: boolean, faults: Faults): void {
  const path = FieldPath.of('parameters');
  const entries = Object.entries(parameters ?? {});
  if (entries.length > maxParameters) {
    faults.push(fieldTooLong(path, maxParameters));
    return;
  }
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') faults.push(fieldInvalid(path, key, 'field can not be empty.'));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxParameterBytes) faults.push(fieldTooLong(path, maxParameterBytes));
  if (!mayBeEmpty && entries.length === 0) faults.push(fieldRequired(path, 'must contain at least one key/value pair'));
}

/** The values a term asks for by key, to compare terms whatever their order. */
function meaningOf(term: TopologySelectorTerm): Record<string, string[]> {
  return Object.fromEntries((term.matchLabelExpressions ?? []).map(({ key, values }) => [key, [...values].sort()]));
}

function validateTopologies(terms: readonly TopologySelectorTerm[] | undefined, faults: Faults): void {
  eachOf(terms, FieldPath.of('allowedTopologies'), (term, here, at) => {
    const keys = new Set<string>();
    eachOf(term.matchLabelExpressions, here.child('matchLabelExpressions'), ({ key, values }, expression) => {
      const list = (values as readonly string[] | null | undefined) ?? [];
      const path = expression.child('values');
      if (list.length === 0) faults.push(fieldRequired(path));
      const seen = new Set<string>();
      eachOf(list, path, (value, there) => {
        checkUnique(value, seen, there, faults);
      });
      checkSyntax(key, qualifiedNameFaults, expression.child('key'), faults);
      checkUnique(key, keys, expression.child('key'), faults);
    });
    const again = terms?.slice(0, at).some((other) => sameJson(meaningOf(other), meaningOf(term)));
    if (again === true) faults.push(fieldDuplicate(here.child('matchLabelExpressions'), ''));
  });
}

export function validateStorageClass(object: StorageClass, faults: Faults): void {
  validateProvisioner(object.provisioner, FieldPath.of('provisioner'), faults);
  validateParameters(object.parameters, true, faults);
  checkMember(object.reclaimPolicy, ['Delete', 'Retain'], FieldPath.of('reclaimPolicy'), faults);
  checkMember(object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], FieldPath.of('volumeBindingMode'), faults);
  validateTopologies(object.allowedTopologies, faults);
}

function checkKept(next: unknown, old: unknown, field: string, faults: Faults): void {
  if (!sameJson(next, old)) faults.push(fieldForbidden(FieldPath.of(field), `updates to ${field} are forbidden.`));
}

export function validateStorageClassUpdate(next: StorageClass, old: StorageClass, faults: Faults): void {
  checkKept(next.parameters ?? {}, old.parameters ?? {}, 'parameters', faults);
  checkKept(next.provisioner, old.provisioner, 'provisioner', faults);
  checkKept(next.reclaimPolicy, old.reclaimPolicy, 'reclaimPolicy', faults);
  checkImmutable(next.volumeBindingMode, old.volumeBindingMode, FieldPath.of('volumeBindingMode'), faults);
}

export function validateAttributesClass(object: VolumeAttributesClass, faults: Faults): void {
  validateProvisioner(object.driverName, FieldPath.of('driverName'), faults);
  validateParameters(object.parameters, false, faults);
}

export function validateAttributesClassUpdate(next: VolumeAttributesClass, old: VolumeAttributesClass, faults: Faults): void {
  checkKept(next.driverName, old.driverName, 'driverName', faults);
  checkKept(next.parameters ?? {}, old.parameters ?? {}, 'parameters', faults);
}
