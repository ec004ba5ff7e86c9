import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, TypedObjectReference } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkOptional, checkRequired, omit } from '../faults.ts';
import { validateAnnotations, validateLabels, validateLabelSelector } from '../object-meta.ts';
import { validatePositiveAmount } from '../resources.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** How a volume may be mounted; exclusive use by one pod excludes the others. */
export function validateAccessModes(modes: MaybeList<string>, path: FieldPath, faults: Faults): void {
  for (const mode of modes ?? []) if (!accessModes.includes(mode)) faults.push(fieldNotSupported(path, mode, accessModes));
  const sound = (modes ?? []).filter((mode) => accessModes.includes(mode));
  if (sound.includes('ReadWriteOncePod') && sound.some((mode) => mode !== 'ReadWriteOncePod')) {
    faults.push(fieldForbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
}

export const volumeModes = ['Block', 'Filesystem'];

function validateSource(source: TypedObjectReference | undefined, anyGroup: boolean, path: FieldPath, faults: Faults): void {
  if (source === undefined) return;
  checkRequired(source.name, undefined, path.child('name'), faults);
  checkRequired(source.kind, undefined, path.child('kind'), faults);
  if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
    faults.push(fieldInvalid(path, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  if (!anyGroup) checkOptional(source.apiGroup, dns1123SubdomainFaults, path.child('apiGroup'), faults);
  checkOptional(source.namespace, dns1123LabelFaults, path.child('namespace'), faults);
}

/** What an older claim was allowed. */
export interface ClaimLeniency {
  readonly selectorValues?: boolean;
  readonly sourceGroups?: boolean;
}

/** What is claimed, wherever the claim stands. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: FieldPath, faults: Faults, lenient: ClaimLeniency = {}): void {
  if ((spec.accessModes ?? []).length === 0) faults.push(fieldRequired(path.child('accessModes'), 'at least 1 access mode is required'));
  validateLabelSelector(spec.selector, path.child('selector'), faults, lenient.selectorValues);
  validateAccessModes(spec.accessModes, path.child('accessModes'), faults);
  const storage = spec.resources?.requests?.['storage'];
  const here = path.child('resources').key('storage');
  if (storage === undefined) faults.push(fieldRequired(here));
  else validatePositiveAmount(storage, here, faults);
  checkOptional(spec.storageClassName, dns1123SubdomainFaults, path.child('storageClassName'), faults);
  checkMember(spec.volumeMode, volumeModes, path.child('volumeMode'), faults);
  const { dataSource, dataSourceRef } = spec;
  validateSource(dataSource, lenient.sourceGroups === true, path.child('dataSource'), faults);
  validateSource(dataSourceRef, lenient.sourceGroups === true, path.child('dataSourceRef'), faults);
  if (dataSource !== undefined && dataSourceRef !== undefined) {
    if (dataSourceRef.namespace)
      faults.push(fieldInvalid(path, dataSource, 'may not be specified when dataSourceRef.namespace is specified'));
    else if (!sameJson(dataSource, omit(dataSourceRef, 'namespace')))
      faults.push(fieldInvalid(path, dataSource, 'must match dataSourceRef'));
  }
  checkOptional(spec.volumeAttributesClassName, dns1123SubdomainFaults, path.child('volumeAttributesClassName'), faults);
}

/** A claim that is made for a pod. Its metadata may hold labels and annotations, nothing else. */
export function validateClaimTemplate(template: PersistentVolumeClaimTemplate, path: FieldPath, faults: Faults): void {
  const { metadata, spec } = template;
  validateAnnotations(metadata?.annotations, path.child('metadata', 'annotations'), faults);
  validateLabels(metadata?.labels, path.child('metadata', 'labels'), faults);
  for (const name of Object.keys(omit(metadata, 'labels', 'annotations'))) {
    faults.push(fieldForbidden(path.child('metadata', name), 'cannot be set'));
  }
  validateClaimSpec(spec, path.child('spec'), faults);
}
