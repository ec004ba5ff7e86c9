import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { isReady } from '../pods/pod-state.ts';
import { scaledValue } from '../runtime/scaled-value.ts';

/** An evicted pod that is still there after this long is taken to stay. */
export const evictionTimeoutMs = 2 * 60_000;

/** How many healthy pods a budget asks for, of how many. */
export interface BudgetGoal {
  readonly expected: number;
  readonly desired: number;
}

/** Whether the size of the pods' workloads has to be known, which it has not for an absolute minimum. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** `expected` is the size of the workloads, or the number of pods where that is not needed. */
export function goalOf({ spec }: PodDisruptionBudget, expected: number): BudgetGoal {
  if (spec?.maxUnavailable !== undefined)
    return { expected, desired: Math.max(0, expected - scaledValue(spec.maxUnavailable, expected, 'up')) };
  return { expected, desired: spec?.minAvailable === undefined ? 0 : scaledValue(spec.minAvailable, expected, 'up') };
}

/** Evicted pods of which it is not known yet that they are gone; when to look again; and those that stayed. */
export function disruptedPods(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): { readonly pods: Record<string, string>; readonly recheckMs: number | undefined; readonly stayed: readonly Pod[] } {
  const known = budget.status?.disruptedPods ?? {};
  const result: Record<string, string> = {};
  const stayed: Pod[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const name = pod.metadata.name ?? '';
    const since = known[name];
    if (since === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    const leftMs = Date.parse(since) + evictionTimeoutMs - nowMs;
    if (leftMs < 0) stayed.push(pod);
    else {
      result[name] = since;
      recheckMs = Math.min(recheckMs ?? leftMs, leftMs);
    }
  }
  return { pods: result, recheckMs: recheckMs === undefined ? undefined : recheckMs + 1, stayed };
}

/** The status that follows from the pods. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  goal: BudgetGoal,
  disrupted: Record<string, string>,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const healthy = pods.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name ?? ''] === undefined && isReady(pod),
  ).length;
  const allowed = goal.expected <= 0 ? 0 : Math.max(0, healthy - goal.desired);
  const condition =
    allowed > 0 ? { status: 'True', reason: 'SufficientPods', message: '' } : { status: 'False', reason: 'InsufficientPods', message: '' };
  return {
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: goal.desired,
    expectedPods: goal.expected,
    conditions: withAllowed(budget, condition, nowMs),
  };
}

/** The status of a budget that could not be computed: nothing may be evicted. */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  return {
    ...budget.status,
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
    disruptionsAllowed: 0,
    conditions: withAllowed(budget, { status: 'False', reason: 'SyncFailed', message }, nowMs),
  };
}

function withAllowed(
  { status, metadata }: PodDisruptionBudget,
  next: { readonly status: string; readonly reason: string; readonly message: string },
  nowMs: number,
): Condition[] {
  const conditions = status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : timestamp(nowMs);
  return [
    ...conditions.filter((condition) => condition !== before),
    {
      type: 'DisruptionAllowed',
      ...next,
      lastTransitionTime,
      ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    },
  ];
}

/** Milliseconds until a pod's announced disruption counts as called off; undefined when there is nothing to call off. */
export function staleDisruptionInMs(pod: Pod, nowMs: number): number | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
  const condition = pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  // What the node itself announced it will also carry out.
  if (condition === undefined || condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? '') + evictionTimeoutMs - nowMs);
}
