import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type {
  HorizontalPodAutoscaler,
  Lease,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  PriorityClass,
  ResourceQuota,
  StorageClass,
} from '../generated/types.ts';
import { cidrFaults, labelValueFaults, qualifiedNameFaults } from '../names.ts';
import { isQuantity, parseQuantity } from '../quantity.ts';
import { sameJson } from '../patch/json-value.ts';
import type { Faults } from './faults.ts';
import {
  aboveZero,
  checkAtMostWhole,
  checkCountOrPercent,
  checkImmutable,
  checkNotNegative,
  checkOneOf,
  checkPositive,
  checkRequired,
  checkSyntax,
  omit,
} from './faults.ts';
import { validateLabelSelector } from './object-meta.ts';
import { validateAmount, validateAmounts } from './resources.ts';

const spec = FieldPath.of('spec');
const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

export function validateNamespace({ spec: wanted }: Namespace, faults: Faults): void {
  for (const finalizer of wanted?.finalizers ?? []) checkSyntax(finalizer, qualifiedNameFaults, spec.child('finalizers'), faults);
}

export function validateNode({ spec: wanted }: Node, faults: Faults): void {
  const seen = new Set<string>();
  for (const [at, taint] of (wanted?.taints ?? []).entries()) {
    const here = spec.child('taints').index(at);
    checkSyntax(taint.key, qualifiedNameFaults, here.child('key'), faults);
    checkSyntax(taint.value ?? '', labelValueFaults, here.child('value'), faults);
    checkOneOf(taint.effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], here.child('effect'), faults, true);
    const identity = `${taint.key}:${taint.effect}`;
    if (seen.has(identity)) faults.push(fieldDuplicate(here, taint));
    seen.add(identity);
  }
  for (const [at, range] of (wanted?.podCIDRs ?? []).entries()) checkSyntax(range, cidrFaults, spec.child('podCIDRs').index(at), faults);
}

export function validateNodeUpdate(next: Node, old: Node, faults: Faults): void {
  if ((old.spec?.podCIDRs ?? []).length > 0 && !sameJson(next.spec?.podCIDRs, old.spec?.podCIDRs)) {
    faults.push(fieldForbidden(spec.child('podCIDRs'), 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && next.spec?.providerID !== old.spec.providerID) {
    faults.push(fieldForbidden(spec.child('providerID'), 'node updates may not change providerID except from "" to valid'));
  }
}

export function validateLease({ spec: wanted }: Lease, faults: Faults): void {
  checkPositive(wanted?.leaseDurationSeconds, spec.child('leaseDurationSeconds'), faults);
  checkNotNegative(wanted?.leaseTransitions, spec.child('leaseTransitions'), faults);
}

function validateModes(modes: readonly string[] | undefined, path: FieldPath, faults: Faults): void {
  for (const mode of modes ?? []) checkOneOf(mode, accessModes, path, faults, true);
  if (modes?.includes('ReadWriteOncePod') === true && modes.length > 1) {
    faults.push(fieldForbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
}

const volumeFields = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

export function validatePersistentVolume({ spec: wanted }: PersistentVolume, faults: Faults): void {
  if ((wanted?.accessModes ?? []).length === 0) faults.push(fieldRequired(spec.child('accessModes')));
  validateModes(wanted?.accessModes, spec.child('accessModes'), faults);
  if (wanted?.capacity?.storage === undefined) faults.push(fieldRequired(spec.child('capacity')));
  else if (isQuantity(wanted.capacity.storage) && parseQuantity(wanted.capacity.storage).nanos <= 0n) {
    faults.push(fieldInvalid(spec.child('capacity').key('storage'), wanted.capacity.storage, 'must be greater than zero'));
  }
  validateAmounts(wanted?.capacity, spec.child('capacity'), faults);
  checkOneOf(wanted?.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'], spec.child('persistentVolumeReclaimPolicy'), faults);
  checkOneOf(wanted?.volumeMode, ['Block', 'Filesystem'], spec.child('volumeMode'), faults);
  const sources = Object.entries(wanted ?? {}).filter(([name, value]) => value !== undefined && !volumeFields.has(name));
  if (sources.length === 0) faults.push(fieldRequired(spec, 'must specify a volume type'));
  for (const [name] of sources.slice(1)) faults.push(fieldForbidden(spec.child(name), 'may not specify more than 1 volume type'));
}

export function validateVolumeClaim({ spec: wanted }: PersistentVolumeClaim, faults: Faults): void {
  if ((wanted?.accessModes ?? []).length === 0) faults.push(fieldRequired(spec.child('accessModes'), 'at least 1 access mode is required'));
  validateModes(wanted?.accessModes, spec.child('accessModes'), faults);
  validateLabelSelector(wanted?.selector, spec.child('selector'), faults);
  const storage = wanted?.resources?.requests?.storage;
  const here = spec.child('resources').key('storage');
  if (storage === undefined) faults.push(fieldRequired(here));
  else if (!isQuantity(storage)) validateAmount(storage, here, faults);
  else if (parseQuantity(storage).nanos <= 0n) faults.push(fieldInvalid(here, storage, 'must be greater than zero'));
  checkOneOf(wanted?.volumeMode, ['Block', 'Filesystem'], spec.child('volumeMode'), faults);
}

export function validateVolumeClaimUpdate(next: PersistentVolumeClaim, old: PersistentVolumeClaim, faults: Faults): void {
  const free = ['resources', 'volumeAttributesClassName', ...(old.spec?.volumeName ? [] : ['volumeName'])];
  // A class may be filled in once for a claim that was made before there was a default.
  if (old.spec?.storageClassName === undefined) free.push('storageClassName');
  if (!sameJson(omit(next.spec, ...free), omit(old.spec, ...free))) {
    faults.push(
      fieldForbidden(spec, 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
    );
  }
  const before = old.spec?.resources?.requests?.storage;
  const after = next.spec?.resources?.requests?.storage;
  if (before === undefined || after === undefined || !isQuantity(before) || !isQuantity(after)) return;
  if (parseQuantity(after).compare(parseQuantity(before)) < 0) {
    faults.push(fieldForbidden(spec.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'));
  }
}

export function validateStorageClass(object: StorageClass, faults: Faults): void {
  checkRequired(object.provisioner, undefined, FieldPath.of('provisioner'), faults);
  checkOneOf(object.reclaimPolicy, ['Delete', 'Retain'], FieldPath.of('reclaimPolicy'), faults);
  checkOneOf(object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], FieldPath.of('volumeBindingMode'), faults);
}

export function validateStorageClassUpdate(next: StorageClass, old: StorageClass, faults: Faults): void {
  if (!sameJson(next.parameters ?? {}, old.parameters ?? {}))
    faults.push(fieldForbidden(FieldPath.of('parameters'), 'updates to parameters are forbidden.'));
  if (next.provisioner !== old.provisioner)
    faults.push(fieldForbidden(FieldPath.of('provisioner'), 'updates to provisioner are forbidden.'));
  if (next.reclaimPolicy !== old.reclaimPolicy)
    faults.push(fieldForbidden(FieldPath.of('reclaimPolicy'), 'updates to reclaimPolicy are forbidden.'));
  checkImmutable(next.volumeBindingMode, old.volumeBindingMode, FieldPath.of('volumeBindingMode'), faults);
}

/** Both versions: what they share. */
export function validateAutoscaler({ spec: wanted }: HorizontalPodAutoscaler, faults: Faults): void {
  const max = wanted?.maxReplicas ?? 0;
  const min = wanted?.minReplicas;
  if (min !== undefined && min < 1) faults.push(fieldInvalid(spec.child('minReplicas'), min, 'must be greater than or equal to 1'));
  if (max < 1) faults.push(fieldInvalid(spec.child('maxReplicas'), max, aboveZero));
  if (min !== undefined && max < min)
    faults.push(fieldInvalid(spec.child('maxReplicas'), max, 'must be greater than or equal to `minReplicas`'));
  checkRequired(wanted?.scaleTargetRef.kind, undefined, spec.child('scaleTargetRef', 'kind'), faults);
  checkRequired(wanted?.scaleTargetRef.name, undefined, spec.child('scaleTargetRef', 'name'), faults);
}

export function validateDisruptionBudget({ spec: wanted }: PodDisruptionBudget, faults: Faults): void {
  if (wanted?.minAvailable !== undefined && wanted.maxUnavailable !== undefined) {
    faults.push(fieldInvalid(spec, wanted, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    checkCountOrPercent(wanted?.[field], spec.child(field), faults);
    checkAtMostWhole(wanted?.[field], spec.child(field), faults);
  }
  validateLabelSelector(wanted?.selector, spec.child('selector'), faults);
  checkOneOf(wanted?.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'], spec.child('unhealthyPodEvictionPolicy'), faults);
}

const maxUserPriority = 1_000_000_000;
const systemPriorities = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
]);

export function validatePriorityClass(object: PriorityClass, faults: Faults): void {
  const name = object.metadata.name ?? '';
  const value = object.value ?? 0;
  if (name.startsWith('system-')) {
    if (systemPriorities.get(name) !== value) {
      faults.push(
        fieldForbidden(FieldPath.of('metadata', 'name'), "priority class names with 'system-' prefix are reserved for system use only"),
      );
    }
  } else if (value > maxUserPriority) {
    const fault = `maximum allowed value of a user defined priority is ${maxUserPriority.toString()}`;
    faults.push(fieldForbidden(FieldPath.of('value'), fault));
  }
  checkOneOf(object.preemptionPolicy, ['Never', 'PreemptLowerPriority'], FieldPath.of('preemptionPolicy'), faults);
}

export function validatePriorityClassUpdate(next: PriorityClass, old: PriorityClass, faults: Faults): void {
  if ((next.value ?? 0) !== (old.value ?? 0)) faults.push(fieldForbidden(FieldPath.of('value'), 'may not be changed in an update.'));
  checkImmutable(next.preemptionPolicy, old.preemptionPolicy, FieldPath.of('preemptionPolicy'), faults);
}

export function validateQuota({ spec: wanted }: ResourceQuota, faults: Faults): void {
  validateAmounts(wanted?.hard, spec.child('hard'), faults);
}

export function validateQuotaUpdate(next: ResourceQuota, old: ResourceQuota, faults: Faults): void {
  checkImmutable(next.spec?.scopes, old.spec?.scopes, spec.child('scopes'), faults);
}

export function validateLimitRange({ spec: wanted }: LimitRange, faults: Faults): void {
  const types = new Set<string>();
  for (const [at, limit] of (wanted?.limits ?? []).entries()) {
    const here = spec.child('limits').index(at);
    checkRequired(limit.type, undefined, here.child('type'), faults);
    if (types.has(limit.type)) faults.push(fieldDuplicate(here.child('type'), limit.type));
    types.add(limit.type);
    for (const field of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const)
      validateAmounts(limit[field], here.child(field), faults);
    if (limit.type === 'Pod') {
      for (const field of ['default', 'defaultRequest'] as const) {
        if (limit[field] !== undefined) faults.push(fieldForbidden(here.child(field), "may not be specified when `type` is 'Pod'"));
      }
    }
    for (const [name, min] of Object.entries(limit.min ?? {})) {
      const max = limit.max?.[name];
      if (max === undefined || !isQuantity(min) || !isQuantity(max) || parseQuantity(min).compare(parseQuantity(max)) <= 0) continue;
      faults.push(fieldInvalid(here.child('min').key(name), min, `min value ${min} is greater than max value ${max}`));
    }
  }
}
