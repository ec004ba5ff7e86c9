import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { progressDeadlineMs, replicasOf, rollingLimits, totalReplicas } from './deployment-spec.ts';

export function conditionOf(status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Sets a condition. One with the same status and reason is left as it is unless `renew` is set. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  next: { readonly type: string; readonly status: string; readonly reason: string; readonly message: string },
  nowMs: number,
  renew = false,
): DeploymentCondition[] {
  const before = conditions.find((condition) => condition.type === next.type);
  if (!renew && before?.status === next.status && before.reason === next.reason) return [...conditions];
  const now = timestamp(nowMs);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? now) : now;
  return [...conditions.filter((condition) => condition.type !== next.type), { ...next, lastUpdateTime: now, lastTransitionTime }];
}

export function withoutCondition(conditions: readonly DeploymentCondition[], type: string): DeploymentCondition[] {
  return conditions.filter((condition) => condition.type !== type);
}

/** Counts and availability, with the conditions that the Deployment has already. */
export function countedStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const sum = (count: (replicaSet: ReplicaSet) => number | undefined): number =>
    all.reduce((total, replicaSet) => total + (count(replicaSet) ?? 0), 0);
  const available = sum((replicaSet) => replicaSet.status?.availableReplicas);
  const counts = {
    replicas: sum((replicaSet) => replicaSet.status?.replicas),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum((replicaSet) => replicaSet.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalReplicas(all) - available),
  };
  const enough = available >= replicasOf(deployment) - rollingLimits(deployment).maxUnavailable;
  const availability = enough
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
  const { collisionCount, conditions } = deployment.status ?? {};
  return {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...terminating(all),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions ?? [], availability, nowMs),
  };
}

/** Known only once every ReplicaSet has counted its own. */
function terminating(all: readonly ReplicaSet[]): { terminatingReplicas?: number } {
  const counts = all.map((replicaSet) => replicaSet.status?.terminatingReplicas);
  return counts.includes(undefined) ? {} : { terminatingReplicas: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0) };
}

/** All pods are of the newest template, as many as wanted, and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldPods(now) < oldPods(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, nowMs: number): boolean {
  const condition = conditionOf(status, 'Progressing');
  const deadlineMs = progressDeadlineMs(deployment);
  if (condition === undefined || deadlineMs === undefined || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(condition.lastUpdateTime ?? '') + deadlineMs < nowMs;
}

/** The status after a step of a rollout: counts, progress and what the ReplicaSets report as failure. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const status = countedStatus(deployment, all, newest, nowMs);
  const before = deployment.status ?? {};
  const progressing = conditionOf(before, 'Progressing');
  const subject = newest ? `ReplicaSet "${newest.metadata.name ?? ''}"` : `Deployment "${deployment.metadata.name ?? ''}"`;
  let conditions = status.conditions ?? [];
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && progressing?.reason === 'NewReplicaSetAvailable';
  if (progressDeadlineMs(deployment) === undefined) conditions = withoutCondition(conditions, 'Progressing');
  else if (!wasComplete) {
    const set = (value: string, reason: string, message: string, renew = false): void => {
      conditions = withCondition(conditions, { type: 'Progressing', status: value, reason, message }, nowMs, renew);
    };
    if (isComplete(deployment, status)) set('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
    else if (hasProgressed(before, status)) set('True', 'ReplicaSetUpdated', `${subject} is progressing.`, true);
    else if (hasTimedOut(deployment, status, nowMs)) set('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  }
  const failure = [newest, ...all]
    .flatMap((replicaSet) => replicaSet?.status?.conditions ?? [])
    .find((condition) => condition.type === 'ReplicaFailure');
  conditions = failure
    ? withCondition(
        conditions,
        { type: 'ReplicaFailure', status: failure.status, reason: failure.reason ?? '', message: failure.message ?? '' },
        nowMs,
      )
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

/** After how long an unfinished rollout will have missed its deadline; undefined when it cannot. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const condition = conditionOf(status, 'Progressing');
  const deadlineMs = progressDeadlineMs(deployment);
  if (condition === undefined || deadlineMs === undefined || isComplete(deployment, status)) return undefined;
  if (condition.reason === 'ProgressDeadlineExceeded' || condition.reason === 'NewReplicaSetAvailable') return undefined;
  // One second more, because times in conditions are whole seconds.
  return Math.max(0, Date.parse(condition.lastUpdateTime ?? '') + deadlineMs - nowMs) + 1000;
}
