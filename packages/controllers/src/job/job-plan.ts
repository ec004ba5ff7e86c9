import type { Job, Pod } from '@bayplan/api';
import { podsToDelete } from '../replicaset/deletion-ranking.ts';
import { retryInMs } from './job-backoff.ts';
import type { FailureRecord } from './job-backoff.ts';
import { earlierFailures, finishedAtMs, ignoredFailures, indexOf } from './job-pods.ts';
import type { FailureCounts } from './job-pods.ts';
import { completionsOf, hasLimitPerIndex, isIndexed, isSuspended, parallelismOf, replacesOnlyFailed } from './job-spec.ts';
import { failuresBefore, indexesOf } from './job-tally.ts';
import type { JobTally } from './job-tally.ts';
import { judgeFailure } from './pod-failure-policy.ts';

export interface NewPod {
  /** Undefined for Jobs that are not indexed. */
  readonly index: number | undefined;
  readonly failures: FailureCounts | undefined;
}

export interface JobPlan {
  readonly create: readonly NewPod[];
  /** Pods that go without having failed. */
  readonly remove: readonly Pod[];
  /** When to plan again because a pod may be made then; undefined when nothing waits. */
  readonly waitMs: number | undefined;
}

/** Pods that one reconcile may create or delete at most. */
const burst = 500;
const nothing: JobPlan = { create: [], remove: [], waitMs: undefined };

/** How many pods of a Job that goes on are to be active: never more than its parallelism. */
export function wantedActive(job: Job, tally: JobTally): number {
  if (isSuspended(job)) return 0;
  const completions = completionsOf(job);
  // Without a number of completions the first success ends the making of pods; the others may finish.
  if (completions === undefined) return tally.succeeded > 0 ? Math.min(tally.active.length, parallelismOf(job)) : parallelismOf(job);
  return Math.max(0, Math.min(completions - tally.succeeded - tally.failedIndexes.size, parallelismOf(job)));
}

/** The pods to make or to take away now. */
export function planJob(job: Job, tally: JobTally, record: FailureRecord | undefined, nowMs: number): JobPlan {
  const { active } = tally;
  const leaving = replacesOnlyFailed(job) ? tally.terminating.length : 0;
  const wanted = wantedActive(job, tally);
  const remove = surplus(job, active, isSuspended(job) ? active.length : Math.max(0, active.length + leaving - wanted), nowMs);
  if (remove.length > 0) return { ...nothing, remove: remove.slice(0, burst) };
  const missing = Math.min(wanted - leaving - active.length, burst);
  if (missing <= 0) return nothing;
  if (hasLimitPerIndex(job)) return planIndexes(job, tally, missing, nowMs);
  const waitMs = retryInMs(record, nowMs);
  if (waitMs > 0) return { ...nothing, waitMs };
  if (!isIndexed(job)) return { ...nothing, create: Array.from({ length: missing }, () => ({ index: undefined, failures: undefined })) };
  return { ...nothing, create: pendingIndexes(job, tally, missing).map((index) => ({ index, failures: undefined })) };
}

/** Each index waits for itself. */
function planIndexes(job: Job, tally: JobTally, missing: number, nowMs: number): JobPlan {
  const create: NewPod[] = [];
  let nextMs: number | undefined;
  for (const index of pendingIndexes(job, tally, Infinity)) {
    if (create.length === missing) break;
    const failed = tally.waiting.get(index);
    if (failed === undefined) {
      create.push({ index, failures: undefined });
      continue;
    }
    const failures = failuresBefore(failed) + 1;
    const waitMs = retryInMs({ failures, lastMs: finishedAtMs(failed) ?? nowMs }, nowMs);
    if (waitMs > 0) {
      nextMs = Math.min(nextMs ?? waitMs, waitMs);
      continue;
    }
    const { counts } = judgeFailure(job, failed);
    create.push({
      index,
      failures: { counted: earlierFailures(failed) + (counts ? 1 : 0), ignored: ignoredFailures(failed) + (counts ? 0 : 1) },
    });
  }
  return { create, remove: [], waitMs: nextMs };
}

/** The lowest indexes that have neither a pod nor a result. */
function pendingIndexes(job: Job, tally: JobTally, count: number): number[] {
  const taken = new Set(indexesOf(job, replacesOnlyFailed(job) ? [...tally.active, ...tally.terminating] : tally.active));
  const found: number[] = [];
  for (let index = 0; index < (completionsOf(job) ?? 0) && found.length < count; index++) {
    if (!taken.has(index) && !tally.succeededIndexes.has(index) && !tally.failedIndexes.has(index)) found.push(index);
  }
  return found;
}

/** Pods to take away: first those whose index is not one of the Job's or is taken by an older pod. */
function surplus(job: Job, active: readonly Pod[], atLeast: number, nowMs: number): Pod[] {
  if (!isIndexed(job)) return atLeast > 0 ? podsToDelete(active, atLeast, active, nowMs) : [];
  const misplaced: Pod[] = [];
  const byIndex = new Map<number, Pod[]>();
  for (const pod of active) {
    const index = indexOf(job, pod);
    if (index === undefined) misplaced.push(pod);
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod]);
  }
  const rest: Pod[] = [];
  for (const pods of byIndex.values()) {
    const doomed = podsToDelete(pods, pods.length - 1, pods, nowMs);
    misplaced.push(...doomed);
    rest.push(...pods.filter((pod) => !doomed.includes(pod)));
  }
  const more = atLeast - misplaced.length;
  return more > 0 ? [...misplaced, ...podsToDelete(rest, more, rest, nowMs)] : misplaced;
}
