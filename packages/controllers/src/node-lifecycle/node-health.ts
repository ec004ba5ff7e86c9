import type { Node, NodeCondition, Taint } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';

/** A node that has not renewed its lease for this long is taken as gone. */
export const graceMs = 50_000;

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

const unknownConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Taints that follow from a node's conditions and `spec`, all with effect NoSchedule. */
const taintsByCondition: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: 'Ready', status: 'False', key: notReadyTaint },
  { type: 'Ready', status: 'Unknown', key: unreachableTaint },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure' },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure' },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure' },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable' },
];

const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const managedNoSchedule = new Set([...taintsByCondition.map((entry) => entry.key), unschedulableTaint]);
const managedNoExecute = new Set([notReadyTaint, unreachableTaint]);

/** The conditions of a node that went silent: all unknown. Undefined when they are that already. */
export function silentConditions(node: Node, nowMs: number): NodeCondition[] | undefined {
  const conditions = node.status?.conditions ?? [];
  const now = timestamp(nowMs);
  let changed = false;
  const next = conditions.map((condition) => {
    if (!unknownConditions.includes(condition.type) || condition.status === 'Unknown') return condition;
    changed = true;
    return {
      ...condition,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    };
  });
  for (const type of unknownConditions) {
    if (conditions.some((condition) => condition.type === type)) continue;
    changed = true;
    next.push({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastTransitionTime: now,
    });
  }
  return changed ? next : undefined;
}

/** Whether a node has a taint of ours that evicts pods. */
export function isEvicting(node: Node): boolean {
  return (node.spec?.taints ?? []).some((taint) => taint.effect === 'NoExecute' && managedNoExecute.has(taint.key));
}

/** Whether a node's state asks for a taint that evicts pods. */
export function asksForEviction(node: Node): boolean {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return ready === 'False' || ready === 'Unknown';
}

/**
 * The taints that a node should have; those of others are kept, times of existing ones too. Taints that evict
 * pods only with `mayEvict`.
 */
export function wantedTaints(node: Node, nowMs: number, mayEvict = true): Taint[] {
  const conditions = new Map((node.status?.conditions ?? []).map((condition) => [condition.type, condition.status]));
  const wanted: Taint[] = [];
  for (const { type, status, key } of taintsByCondition) {
    if (conditions.get(type) !== status) continue;
    wanted.push({ key, effect: 'NoSchedule' });
    if (mayEvict && managedNoExecute.has(key)) wanted.push({ key, effect: 'NoExecute' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule' });
  const existing = node.spec?.taints ?? [];
  // A node registers with the not-ready taint, and before its first status nothing is known against it.
  const neverReported = !conditions.has('Ready');
  const kept = existing.filter((taint) => {
    const managed = taint.effect === 'NoSchedule' ? managedNoSchedule : taint.effect === 'NoExecute' ? managedNoExecute : undefined;
    return (
      !managed?.has(taint.key) ||
      (neverReported && taint.key === notReadyTaint) ||
      wanted.some((one) => one.key === taint.key && one.effect === taint.effect)
    );
  });
  const added = wanted.filter((taint) => !kept.some((one) => one.key === taint.key && one.effect === taint.effect));
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: timestamp(nowMs) }))];
}
