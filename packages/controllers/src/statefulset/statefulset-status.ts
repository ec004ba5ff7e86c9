import type { Pod, StatefulSet, StatefulSetStatus } from '@bayplan/api';
import { availableInMs } from '../pods/pod-state.ts';
import { isLeaving, revisionOfPod, runsAndIsReady } from './stateful-pods.ts';
import { replicasOf } from './statefulset-plan.ts';

export interface Revisions {
  readonly current: string;
  readonly update: string;
  readonly collisionCount: number | undefined;
}

/** The counts for the pods that are there, and when to look again because a pod becomes available. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  nowMs: number,
): { readonly status: StatefulSetStatus; readonly availableInMs: number | undefined } {
  let ready = 0;
  let available = 0;
  let current = 0;
  let updated = 0;
  let nextMs: number | undefined;
  for (const pod of pods) {
    if (!isLeaving(pod)) {
      if (revisionOfPod(pod) === revisions.current) current++;
      if (revisionOfPod(pod) === revisions.update) updated++;
    }
    if (!runsAndIsReady(pod)) continue;
    ready++;
    const waitMs = availableInMs(pod, set.spec?.minReadySeconds ?? 0, nowMs) ?? 0;
    if (waitMs === 0) available++;
    else nextMs = Math.min(nextMs ?? waitMs, waitMs);
  }
  const wanted = replicasOf(set);
  const isRolling = set.spec?.updateStrategy?.type !== 'OnDelete';
  // The update is over: from now on the new revision is the current one.
  const isOver = isRolling && updated === wanted && ready === wanted && pods.length === wanted;
  const { conditions } = set.status ?? {};
  const status: StatefulSetStatus = {
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    replicas: pods.length,
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...optional('currentReplicas', isOver ? updated : current),
    ...optional('updatedReplicas', updated),
    currentRevision: isOver ? revisions.update : revisions.current,
    updateRevision: revisions.update,
    collisionCount: revisions.collisionCount ?? 0,
    availableReplicas: available,
    ...(conditions === undefined ? {} : { conditions }),
  };
  return { status, availableInMs: nextMs };
}

function optional(name: 'currentReplicas' | 'updatedReplicas', count: number): Partial<StatefulSetStatus> {
  return count > 0 ? { [name]: count } : {};
}
