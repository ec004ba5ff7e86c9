import type { Deployment, ReplicaSet } from '@bayplan/api';
import { scaledValue } from '../runtime/scaled-value.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
export const podTemplateHashLabel = 'pod-template-hash';

/** A deadline of this many seconds means that there is none. */
const noDeadlineSeconds = 2 ** 31 - 1;

export function replicasOf(object: Deployment | ReplicaSet): number {
  return object.spec?.replicas ?? 1;
}

export function totalReplicas(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + replicasOf(replicaSet), 0);
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec?.strategy?.type !== 'Recreate';
}

/** Pods above and below the wanted number that a rolling update may have; 0 and 0 for `Recreate`. */
export function rollingLimits(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = replicasOf(deployment);
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge ?? '25%', replicas, 'up');
  const unavailable = scaledValue(maxUnavailable ?? '25%', replicas, 'down');
  // Both 0 would stop every rollout: validation refuses it, but percentages may round to it.
  return { maxSurge: surge, maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) };
}

/** Undefined when the Deployment has no progress deadline. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds >= noDeadlineSeconds ? undefined : seconds * 1000;
}

/** 0 when the annotation is missing or not a number. */
export function revisionOf(replicaSet: ReplicaSet): number {
  return Number.parseInt(replicaSet.metadata.annotations?.[revisionAnnotation] ?? '0', 10) || 0;
}

export function annotatedNumber(replicaSet: ReplicaSet, annotation: string): number | undefined {
  const value = Number.parseInt(replicaSet.metadata.annotations?.[annotation] ?? '', 10);
  return Number.isNaN(value) ? undefined : value;
}

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

export function isScaledUp(replicaSet: ReplicaSet): boolean {
  return replicasOf(replicaSet) > 0;
}
