import type { DaemonSet, DaemonSetStatus, Node, Pod } from '@bayplan/api';
import { availableInMs } from '../pods/pod-state.ts';
import { byAge, isUpdated } from './daemon-pods.ts';
import { podsByNode } from './daemonset-plan.ts';
import { judgeNode } from './node-fit.ts';

/** The counts for the nodes and pods that are there, and when to look again because a pod becomes available. */
export function daemonSetStatus(
  daemonSet: DaemonSet,
  nodes: readonly Node[],
  pods: readonly Pod[],
  hash: string,
  nowMs: number,
): { readonly status: DaemonSetStatus; readonly availableInMs: number | undefined } {
  const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
  const byNode = podsByNode(pods);
  let desired = 0;
  let current = 0;
  let misscheduled = 0;
  let ready = 0;
  let available = 0;
  let updated = 0;
  let nextMs: number | undefined;
  for (const node of nodes) {
    const [first] = [...(byNode.get(node.metadata.name ?? '') ?? [])].sort(byAge);
    if (!judgeNode(daemonSet, node).shouldRun) {
      if (first) misscheduled++;
      continue;
    }
    desired++;
    if (first === undefined) continue;
    current++;
    if (isUpdated(first, hash)) updated++;
    const waitMs = availableInMs(first, minReadySeconds, nowMs);
    if (waitMs === undefined) continue;
    ready++;
    if (waitMs === 0) available++;
    else nextMs = Math.min(nextMs ?? waitMs, waitMs);
  }
  const { collisionCount, conditions } = daemonSet.status ?? {};
  const status: DaemonSetStatus = {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    ...(daemonSet.metadata.generation === undefined ? {} : { observedGeneration: daemonSet.metadata.generation }),
    ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
    ...(available > 0 ? { numberAvailable: available } : {}),
    ...(desired > available ? { numberUnavailable: desired - available } : {}),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
  return { status, availableInMs: nextMs };
}
