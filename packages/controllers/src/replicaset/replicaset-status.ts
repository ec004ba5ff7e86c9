import { timestamp } from '@bayplan/component-base';
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '@bayplan/api';
import { availableInMs } from '../pods/pod-state.ts';

/**
 * The status for the pods that are there, and after how long to look again because a ready pod becomes
 * available then. `failure` is the text of what went wrong when pods were created or deleted.
 */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  active: readonly Pod[],
  failure: string | undefined,
  nowMs: number,
): { status: ReplicaSetStatus; availableInMs: number | undefined } {
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {});
  let ready = 0;
  let available = 0;
  let fullyLabeled = 0;
  let nextMs: number | undefined;
  for (const pod of active) {
    if (templateLabels.every(([label, value]) => pod.metadata.labels?.[label] === value)) fullyLabeled++;
    const waitMs = availableInMs(pod, minReadySeconds, nowMs);
    if (waitMs === undefined) continue;
    ready++;
    if (waitMs === 0) available++;
    else nextMs = Math.min(nextMs ?? waitMs, waitMs);
  }
  const conditions = failureCondition(replicaSet, active.length, failure, nowMs);
  const status: ReplicaSetStatus = {
    replicas: active.length,
    ...(fullyLabeled > 0 ? { fullyLabeledReplicas: fullyLabeled } : {}),
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...(available > 0 ? { availableReplicas: available } : {}),
    ...(replicaSet.metadata.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
    ...(conditions.length > 0 ? { conditions } : {}),
  };
  return { status, availableInMs: nextMs };
}

function failureCondition(replicaSet: ReplicaSet, activeCount: number, failure: string | undefined, nowMs: number): ReplicaSetCondition[] {
  const before = replicaSet.status?.conditions ?? [];
  const others = before.filter((condition) => condition.type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const reason = activeCount < (replicaSet.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
  const known = before.find((condition) => condition.type === 'ReplicaFailure');
  // The message is left as it was first, or a changing text would make every retry a write.
  if (known?.reason === reason) return [...before];
  return [...others, { type: 'ReplicaFailure', status: 'True', reason, message: failure, lastTransitionTime: timestamp(nowMs) }];
}
