import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type { LabelSelector, ObjectMeta, OwnerReference } from '../generated/types.ts';
import { byteLength, dns1123LabelFaults, labelValueFaults, qualifiedNameFaults } from '../names.ts';
import { isSelectorOperator } from '../selectors/label-selector.ts';
import type { Faults } from './faults.ts';
import { checkSyntax, immutableFault } from './faults.ts';

const metadata = FieldPath.of('metadata');
/** All keys and values of an object's annotations together. */
const maxAnnotationBytes = 256 * 1024;
const plainFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: FieldPath, faults: Faults): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    checkSyntax(key, qualifiedNameFaults, path, faults);
    checkSyntax(value, labelValueFaults, path, faults);
  }
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: FieldPath, faults: Faults): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Prefixes in upper case were allowed once and stay so.
    for (const fault of qualifiedNameFaults(key.toLowerCase())) faults.push(fieldInvalid(path, key, fault));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxAnnotationBytes) faults.push(fieldTooLong(path, maxAnnotationBytes));
}

function validateOwners(owners: readonly OwnerReference[], path: FieldPath, faults: Faults): void {
  let controller: string | undefined;
  for (const [at, owner] of owners.entries()) {
    const here = path.index(at);
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (!owner[field]) faults.push(fieldInvalid(here.child(field), owner[field] ?? '', 'must not be empty'));
    }
    if (owner.kind === 'Event' && owner.apiVersion === 'v1') {
      faults.push(fieldInvalid(here, owner, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (owner.controller !== true) continue;
    if (controller !== undefined) {
      const fault = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.kind}/${owner.name}`;
      faults.push(fieldInvalid(path, owners, fault));
    } else controller = `${owner.kind}/${owner.name}`;
  }
}

function validateFinalizers(finalizers: readonly string[], path: FieldPath, faults: Faults): void {
  for (const finalizer of finalizers) {
    checkSyntax(finalizer, qualifiedNameFaults, path, faults);
    if (!finalizer.includes('/') && !plainFinalizers.has(finalizer)) {
      faults.push(fieldInvalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
    }
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    faults.push(fieldInvalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
}

/** Metadata of a new object; `nameSyntax` is the kind's. */
export function validateObjectMeta(meta: ObjectMeta, namespaced: boolean, nameSyntax: (name: string) => string[], faults: Faults): void {
  // A prefix may end in a dash: what follows completes the name.
  if (meta.generateName) {
    const prefix = meta.generateName.replace(/-$/, 'a');
    for (const fault of nameSyntax(prefix)) faults.push(fieldInvalid(metadata.child('generateName'), meta.generateName, fault));
  }
  if (!meta.name) faults.push(fieldRequired(metadata.child('name'), 'name or generateName is required'));
  else checkSyntax(meta.name, nameSyntax, metadata.child('name'), faults);
  if (!namespaced) {
    if (meta.namespace) faults.push(fieldForbidden(metadata.child('namespace'), 'not allowed on this type'));
  } else if (!meta.namespace) faults.push(fieldRequired(metadata.child('namespace')));
  else checkSyntax(meta.namespace, dns1123LabelFaults, metadata.child('namespace'), faults);
  validateLabels(meta.labels, metadata.child('labels'), faults);
  validateAnnotations(meta.annotations, metadata.child('annotations'), faults);
  validateOwners(meta.ownerReferences ?? [], metadata.child('ownerReferences'), faults);
  validateFinalizers(meta.finalizers ?? [], metadata.child('finalizers'), faults);
}

const immutableFields = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** What an update may not change. Absent bookkeeping counts as unchanged: the server fills it in. */
export function validateObjectMetaUpdate(next: ObjectMeta, old: ObjectMeta, faults: Faults): void {
  if (old.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((finalizer) => old.finalizers?.includes(finalizer) !== true);
    if (added.length > 0) {
      const shown = `[]string{${added.map((one) => JSON.stringify(one)).join(', ')}}`;
      const fault = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
      faults.push(fieldForbidden(metadata.child('finalizers'), fault));
    }
  }
  for (const field of immutableFields) {
    if (next[field] !== undefined && next[field] !== old[field]) {
      faults.push(fieldInvalid(metadata.child(field), next[field], immutableFault));
    }
  }
}

/** `anyValue` lets values be what no label can be: older objects may have such. */
export function validateLabelSelector(selector: LabelSelector | null | undefined, path: FieldPath, faults: Faults, anyValue = false): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, path.child('matchLabels'), faults);
  for (const [at, expression] of (selector.matchExpressions ?? []).entries()) {
    const here = path.child('matchExpressions').index(at);
    const { key, operator, values = [] } = expression;
    if (!isSelectorOperator(operator)) faults.push(fieldInvalid(here.child('operator'), operator, 'not a valid selector operator'));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      faults.push(fieldRequired(here.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      faults.push(fieldForbidden(here.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
    checkSyntax(key, qualifiedNameFaults, here.child('key'), faults);
    if (anyValue) continue;
    for (const [position, value] of values.entries()) checkSyntax(value, labelValueFaults, here.child('values').index(position), faults);
  }
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}
