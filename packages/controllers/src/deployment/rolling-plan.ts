import type { Deployment, ReplicaSet } from '@bayplan/api';
import {
  annotatedNumber,
  byCreation,
  desiredReplicasAnnotation,
  isRollingUpdate,
  isScaledUp,
  maxReplicasAnnotation,
  replicasOf,
  rollingLimits,
  totalReplicas,
} from './deployment-spec.ts';

/** A ReplicaSet and the number of replicas that it is to have. */
export interface ScaleStep {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

/** How many replicas the newest ReplicaSet may have now, given those of the others. */
export function newestReplicas(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  if (current > wanted) return wanted;
  const room = wanted + rollingLimits(deployment).maxSurge - totalReplicas(all);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/** Old ReplicaSets to shrink now: first what is broken in them, then what may be missed. */
export function shrinkOld(deployment: Deployment, all: readonly ReplicaSet[], newest: ReplicaSet, old: readonly ReplicaSet[]): ScaleStep[] {
  const oldTotal = totalReplicas(old);
  if (oldTotal === 0) return [];
  const minAvailable = replicasOf(deployment) - rollingLimits(deployment).maxUnavailable;
  const newestUnavailable = replicasOf(newest) - (newest.status?.availableReplicas ?? 0);
  const mayGo = totalReplicas(all) - minAvailable - newestUnavailable;
  if (mayGo <= 0) return [];
  const sizes = new Map(old.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  const oldestFirst = [...old].sort(byCreation);
  let gone = 0;
  for (const replicaSet of oldestFirst) {
    const size = replicasOf(replicaSet);
    const broken = Math.min(mayGo - gone, size - (replicaSet.status?.availableReplicas ?? 0));
    if (broken <= 0) continue;
    sizes.set(replicaSet, size - broken);
    gone += broken;
  }
  const available = all.reduce((sum, replicaSet) => sum + (replicaSet.status?.availableReplicas ?? 0), 0);
  let spare = available - minAvailable;
  for (const replicaSet of oldestFirst) {
    const size = sizes.get(replicaSet) ?? 0;
    const less = Math.min(size, spare);
    if (less <= 0) continue;
    sizes.set(replicaSet, size - less);
    spare -= less;
  }
  return oldestFirst
    .map((replicaSet) => ({ replicaSet, replicas: sizes.get(replicaSet) ?? 0 }))
    .filter((step) => step.replicas !== replicasOf(step.replicaSet));
}

/** Whether the Deployment's size changed since its ReplicaSets were last sized. */
export function wasResized(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all.filter(isScaledUp).some((replicaSet) => {
    const desired = annotatedNumber(replicaSet, desiredReplicasAnnotation);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/** Sizes after a change of the Deployment's size: during a rollout each ReplicaSet gets its share. */
export function resize(deployment: Deployment, newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): ScaleStep[] {
  const wanted = replicasOf(deployment);
  const all = newest ? [...old, newest] : [...old];
  const active = all.filter(isScaledUp);
  const only = active.length === 0 ? (newest ?? [...old].sort(byCreation).at(-1)) : active.length === 1 ? active[0] : undefined;
  if (only) return [{ replicaSet: only, replicas: wanted }];
  if (newest && isSaturated(deployment, newest))
    return active.filter((one) => one !== newest).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  if (!isRollingUpdate(deployment)) return [];
  const allowed = wanted > 0 ? wanted + rollingLimits(deployment).maxSurge : 0;
  const toAdd = allowed - totalReplicas(active);
  const growing = toAdd > 0;
  const ordered = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || (growing ? byCreation(b, a) : byCreation(a, b)));
  let added = 0;
  const steps = ordered.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, replicaSet, allowed, toAdd - added);
    added += share;
    return { replicaSet, replicas: replicasOf(replicaSet) + share };
  });
  const first = steps[0];
  if (first) steps[0] = { ...first, replicas: Math.max(0, first.replicas + toAdd - added) };
  return steps;
}

/** The part of a change that falls to one ReplicaSet, by its part of all replicas, within what is left. */
function shareOf(deployment: Deployment, replicaSet: ReplicaSet, allowed: number, left: number): number {
  const size = replicasOf(replicaSet);
  if (replicasOf(deployment) === 0) return Math.max(-size, left);
  const before = annotatedNumber(replicaSet, maxReplicasAnnotation) ?? deployment.status?.replicas ?? size;
  const share = Math.round((size * allowed) / Math.max(1, before)) - size;
  return left > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left));
}

function isSaturated(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return (
    replicasOf(replicaSet) === wanted &&
    annotatedNumber(replicaSet, desiredReplicasAnnotation) === wanted &&
    (replicaSet.status?.availableReplicas ?? 0) === wanted
  );
}
