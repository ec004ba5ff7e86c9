import type { Pod, StatefulSet } from '@bayplan/api';
import { availableInMs, isFinished } from '../pods/pod-state.ts';
import { scaledValue } from '../runtime/scaled-value.ts';
import { firstOrdinal, isHealthy, isLeaving, ordinalOf, revisionOfPod, runsAndIsReady } from './stateful-pods.ts';

/** One thing to do to the pod of one ordinal. */
export type StatefulStep =
  | { readonly kind: 'create'; readonly ordinal: number }
  /** A finished pod goes so that it can be made again; a `surplus` one by scaling; an `outdated` one by the update. */
  | { readonly kind: 'remove'; readonly pod: Pod; readonly why: 'finished' | 'surplus' | 'outdated' }
  /** Labels, claims and their owners are put right where they are not. */
  | { readonly kind: 'keep'; readonly pod: Pod; readonly ordinal: number };

export interface StatefulView {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  /** Names of the revisions. */
  readonly updateRevision: string;
  readonly nowMs: number;
}

export function replicasOf(set: StatefulSet): number {
  return set.spec?.replicas ?? 1;
}

export function isParallel(set: StatefulSet): boolean {
  return set.spec?.podManagementPolicy === 'Parallel';
}

/** Whether an ordinal is one of those that the set is to have. */
export function inRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= firstOrdinal(set) && ordinal < firstOrdinal(set) + replicasOf(set);
}

/**
 * Which revision a new pod gets: below the partition of a rolling update the one that the set had, else the newest.
 */
export function revisionFor(set: StatefulSet, ordinal: number, currentRevision: string, updateRevision: string): string {
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const isRolling = set.spec?.updateStrategy?.type !== 'OnDelete';
  return isRolling && ordinal < firstOrdinal(set) + partition ? currentRevision : updateRevision;
}

/**
 * What may be done now. Ordered sets go one pod at a time and wait for it to be available, so the steps end
 * where waiting begins; parallel sets do all at once. Nothing is planned for a set on its way out.
 */
export function planStatefulSet(view: StatefulView): StatefulStep[] {
  const { set } = view;
  if (set.metadata.deletionTimestamp !== undefined) return [];
  const parallel = isParallel(set);
  const byOrdinal = new Map<number, Pod>();
  for (const pod of view.pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const isAvailable = (pod: Pod): boolean => runsAndIsReady(pod) && availableInMs(pod, set.spec?.minReadySeconds ?? 0, view.nowMs) === 0;
  const steps: StatefulStep[] = [];
  const start = firstOrdinal(set);
  let waits = false;
  for (let ordinal = start; ordinal < start + replicasOf(set); ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) {
      steps.push({ kind: 'create', ordinal });
      if (!parallel) return steps;
      continue;
    }
    if (isFinished(pod)) {
      if (!isLeaving(pod)) steps.push({ kind: 'remove', pod, why: 'finished' });
      if (!parallel) return steps;
      waits = true;
      continue;
    }
    if (!isLeaving(pod)) steps.push({ kind: 'keep', pod, ordinal });
    if (!parallel && (isLeaving(pod) || !isAvailable(pod))) return steps;
  }
  const surplus = planScaleDown(view, byOrdinal, isAvailable);
  steps.push(...surplus.steps);
  if (waits || surplus.waits || steps.some((step) => step.kind !== 'keep')) return steps;
  return [...steps, ...planUpdate(view, byOrdinal, isAvailable)];
}

/** Pods outside the range go from the highest ordinal down. */
function planScaleDown(
  { set, pods }: StatefulView,
  byOrdinal: ReadonlyMap<number, Pod>,
  isAvailable: (pod: Pod) => boolean,
): { steps: StatefulStep[]; waits: boolean } {
  const parallel = isParallel(set);
  const outside = [...byOrdinal].filter(([ordinal]) => !inRange(set, ordinal)).sort(([a], [b]) => b - a);
  const unhealthy = pods.filter((pod) => !isHealthy(pod)).sort((a, b) => (ordinalOf(set, a) ?? 0) - (ordinalOf(set, b) ?? 0));
  const steps: StatefulStep[] = [];
  for (const [, pod] of outside) {
    if (isLeaving(pod)) {
      if (parallel) continue;
      return { steps, waits: true };
    }
    // An unhealthy pod is waited for, unless it is the first of its kind or finished: then nothing would mend it.
    if (!parallel && !isAvailable(pod) && !isFinished(pod) && pod !== unhealthy[0]) return { steps, waits: true };
    steps.push({ kind: 'remove', pod, why: 'surplus' });
    if (!parallel) break;
  }
  return { steps, waits: false };
}

/** Pods of old revisions go from the highest ordinal down to the partition, within `maxUnavailable`. */
function planUpdate(view: StatefulView, byOrdinal: ReadonlyMap<number, Pod>, isAvailable: (pod: Pod) => boolean): StatefulStep[] {
  const { set, updateRevision } = view;
  const strategy = set.spec?.updateStrategy;
  if (strategy?.type === 'OnDelete') return [];
  const start = firstOrdinal(set);
  const replicas = replicasOf(set);
  const maxUnavailable = Math.max(1, scaledValue(strategy?.rollingUpdate?.maxUnavailable ?? 1, replicas, 'down'));
  const isUp = (pod: Pod | undefined): boolean => pod !== undefined && isHealthy(pod) && isAvailable(pod);
  let unavailable = 0;
  for (let ordinal = start; ordinal < start + replicas; ordinal++) if (!isUp(byOrdinal.get(ordinal))) unavailable++;
  const steps: StatefulStep[] = [];
  let passed = 0;
  for (let ordinal = start + replicas - 1; ordinal >= start + (strategy?.rollingUpdate?.partition ?? 0); ordinal--) {
    if (passed >= maxUnavailable) break;
    const pod = byOrdinal.get(ordinal);
    const up = isUp(pod);
    if (pod !== undefined && !isLeaving(pod) && revisionOfPod(pod) !== updateRevision && (!up || unavailable < maxUnavailable)) {
      steps.push({ kind: 'remove', pod, why: 'outdated' });
      if (up) unavailable++;
      passed++;
    } else if (!up) passed++;
  }
  return steps;
}
