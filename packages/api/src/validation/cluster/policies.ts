import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Lease, PodDisruptionBudget, PriorityClass, RuntimeClass } from '../../generated/types.ts';
import { dns1123LabelFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import {
  checkAtMostWhole,
  checkCountOrPercent,
  checkImmutable,
  checkMember,
  checkNotNegative,
  checkPositive,
  checkSyntax,
} from '../faults.ts';
import { validateConditions } from '../conditions.ts';
import { validateLabels, validateLabelSelector } from '../object-meta.ts';
import { validateTolerations } from '../pods/scheduling.ts';
import { validateRequirements } from '../resources.ts';

const spec = FieldPath.of('spec');

export function validateDisruptionBudget({ spec: wanted }: PodDisruptionBudget, faults: Faults): void {
  if (wanted?.minAvailable !== undefined && wanted.maxUnavailable !== undefined) {
    faults.push(fieldInvalid(spec, wanted, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    checkCountOrPercent(wanted?.[field], spec.child(field), faults);
    checkAtMostWhole(wanted?.[field], spec.child(field), faults);
  }
  validateLabelSelector(wanted?.selector, spec.child('selector'), faults);
  checkMember(wanted?.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'], spec.child('unhealthyPodEvictionPolicy'), faults);
}

export function validateDisruptionBudgetStatus(next: PodDisruptionBudget, _old: PodDisruptionBudget, faults: Faults): void {
  const path = FieldPath.of('status');
  validateConditions(next.status?.conditions, path.child('conditions'), faults);
  for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) {
    checkNotNegative(next.status?.[field], path.child(field), faults);
  }
}

const maxUserPriority = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export function validatePriorityClass(object: PriorityClass, faults: Faults): void {
  const name = object.metadata?.name ?? '';
  const value = object.value ?? 0;
  if (name.startsWith('system-')) {
    const expected = systemClasses[name];
    const why =
      expected === undefined
        ? `${name} is not a known system priority class`
        : value !== expected
          ? `value of ${name} PriorityClass must be ${expected.toString()}`
          : object.globalDefault === true
            ? `globalDefault of ${name} PriorityClass must be false`
            : undefined;
    if (why !== undefined) {
      const fault = `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`;
      faults.push(fieldForbidden(FieldPath.of('metadata', 'name'), fault));
    }
  } else if (value > maxUserPriority) {
    faults.push(fieldForbidden(FieldPath.of('value'), `maximum allowed value of a user defined priority is ${maxUserPriority.toString()}`));
  }
  checkMember(object.preemptionPolicy, ['PreemptLowerPriority', 'Never'], FieldPath.of('preemptionPolicy'), faults);
}

export function validatePriorityClassUpdate(next: PriorityClass, old: PriorityClass, faults: Faults): void {
  if ((next.value ?? 0) !== (old.value ?? 0)) faults.push(fieldForbidden(FieldPath.of('value'), 'may not be changed in an update.'));
  checkImmutable(next.preemptionPolicy, old.preemptionPolicy, FieldPath.of('preemptionPolicy'), faults);
}

export function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass, faults: Faults): void {
  checkSyntax(handler, dns1123LabelFaults, FieldPath.of('handler'), faults);
  if (overhead?.podFixed) {
    validateRequirements({ limits: overhead.podFixed }, { claimNames: new Set() }, FieldPath.of('overhead'), faults);
  }
  if (scheduling === undefined) return;
  const path = FieldPath.of('scheduling');
  validateLabels(scheduling.nodeSelector, path.child('nodeSelector'), faults);
  validateTolerations(scheduling.tolerations, path.child('tolerations'), faults);
}

export function validateRuntimeClassUpdate(next: RuntimeClass, old: RuntimeClass, faults: Faults): void {
  checkImmutable(next.handler, old.handler, FieldPath.of('handler'), faults);
}

export function validateLease({ spec: wanted }: Lease, faults: Faults): void {
  checkPositive(wanted?.leaseDurationSeconds, spec.child('leaseDurationSeconds'), faults);
  checkNotNegative(wanted?.leaseTransitions, spec.child('leaseTransitions'), faults);
  const strategy = wanted?.strategy;
  if (strategy !== undefined && strategy !== 'OldestEmulationVersion') {
    const parts = strategy.split('/');
    if (parts.length < 2) checkMember(strategy, ['OldestEmulationVersion'], spec.child('strategy'), faults);
  }
  if (wanted?.preferredHolder && !strategy) {
    faults.push(fieldForbidden(spec.child('preferredHolder'), 'may only be specified if `strategy` is defined'));
  }
}
