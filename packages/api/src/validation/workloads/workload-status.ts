import { fieldInvalid } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { DaemonSet, Deployment, ReplicaSet, ReplicationController, StatefulSet } from '../../generated/types.ts';
import type { Faults } from '../faults.ts';
import { checkNotNegative } from '../faults.ts';

const status = FieldPath.of('status');
type Counts = Readonly<Record<string, unknown>>;

function count(counts: Counts, field: string): number | undefined {
  const value = counts[field];
  return typeof value === 'number' ? value : undefined;
}

function checkCounts(counts: Counts, fields: readonly string[], faults: Faults): void {
  for (const field of fields) checkNotNegative(count(counts, field), status.child(field), faults);
}

/** Parts of a whole are not larger than it. */
function checkParts(counts: Counts, parts: readonly string[], of: string, text: string, faults: Faults): void {
  const whole = count(counts, of) ?? 0;
  for (const part of parts) {
    const value = count(counts, part) ?? 0;
    if (value > whole) faults.push(fieldInvalid(status.child(part), value, `cannot be greater than ${text}`));
  }
}

function checkCollisions(next: number | undefined, old: number | undefined, faults: Faults): void {
  if (old !== undefined && (next ?? -1) < old) {
    faults.push(fieldInvalid(status.child('collisionCount'), next ?? 0, 'cannot be decremented'));
  }
}

export function validateDeploymentStatus(next: Deployment, old: Deployment, faults: Faults): void {
  const counts: Counts = { ...next.status };
  checkCounts(
    counts,
    [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
      'collisionCount',
    ],
    faults,
  );
  checkParts(counts, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas', faults);
  checkParts(counts, ['availableReplicas'], 'readyReplicas', 'readyReplicas', faults);
  checkCollisions(next.status?.collisionCount, old.status?.collisionCount, faults);
}

export function validateReplicaStatus(next: ReplicaSet | ReplicationController, _old: unknown, faults: Faults): void {
  const counts: Counts = { ...next.status };
  checkCounts(
    counts,
    ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas', 'observedGeneration'],
    faults,
  );
  checkParts(counts, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas', faults);
  checkParts(counts, ['availableReplicas'], 'readyReplicas', 'readyReplicas', faults);
}

export function validateStatefulSetStatus(next: StatefulSet, old: StatefulSet, faults: Faults): void {
  const counts: Counts = { ...next.status };
  checkCounts(
    counts,
    ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'],
    faults,
  );
  const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];
  checkParts(counts, parts, 'replicas', 'status.replicas', faults);
  checkParts(counts, ['availableReplicas'], 'readyReplicas', 'status.readyReplicas', faults);
  checkCollisions(next.status?.collisionCount, old.status?.collisionCount, faults);
}

export function validateDaemonSetStatus(next: DaemonSet, old: DaemonSet, faults: Faults): void {
  checkCounts(
    { ...next.status },
    [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ],
    faults,
  );
  checkCollisions(next.status?.collisionCount, old.status?.collisionCount, faults);
}
