import type { Job, Pod } from '@bayplan/api';
import { isActive, isReady, isTerminating } from '../pods/pod-state.ts';
import { IndexSet } from './index-set.ts';
import { earlierFailures, ignoredFailures, indexOf, isFailed, isTracked } from './job-pods.ts';
import { completionsOf, hasLimitPerIndex, isIndexed } from './job-spec.ts';
import { judgeFailure } from './pod-failure-policy.ts';

/** What the pods of a Job amount to now, together with those that its status has counted before. */
export interface JobTally {
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly ready: number;
  readonly succeeded: number;
  /** Those that count against the limits. */
  readonly failed: number;
  /** Ended pods that no status has counted yet; failed ones without those that a policy ignores. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  /** Empty for Jobs that are not indexed. */
  readonly succeededIndexes: IndexSet;
  /** Empty without a limit per index. */
  readonly failedIndexes: IndexSet;
  /** The last failed pod of an index that waits for its next try: it holds the count until its successor does. */
  readonly waiting: ReadonlyMap<number, Pod>;
}

/** Counts pods. `released` holds uids of pods that were counted but still show their finalizer in the cache. */
export function tallyJob(job: Job, pods: readonly Pod[], released: ReadonlySet<string>): JobTally {
  const { succeeded: uncountedSucceeded = [], failed: uncountedFailed = [] } = job.status?.uncountedTerminatedPods ?? {};
  const known = new Set([...uncountedSucceeded, ...uncountedFailed]);
  const limit = completionsOf(job) ?? 0;
  const fresh = pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? '') && !known.has(pod.metadata.uid ?? ''));
  const succeededPods = fresh.filter((pod) => pod.status?.phase === 'Succeeded');
  const failedPods = fresh.filter((pod) => isFailed(job, pod) && (!isIndexed(job) || indexOf(job, pod) !== undefined));
  const newFailed = failedPods.filter((pod) => judgeFailure(job, pod).counts);
  const active = pods.filter(isActive);
  const before = {
    succeeded: IndexSet.parse(isIndexed(job) ? job.status?.completedIndexes : undefined, limit),
    failed: IndexSet.parse(hasLimitPerIndex(job) ? job.status?.failedIndexes : undefined, limit),
  };
  const succeededIndexes = isIndexed(job) ? before.succeeded.union(IndexSet.of(indexesOf(job, succeededPods))) : IndexSet.empty;
  const failedIndexes = hasLimitPerIndex(job)
    ? before.failed.union(
        IndexSet.of(
          indexesOf(
            job,
            failedPods.filter((pod) => failsIndex(job, pod)),
          ),
        ),
      )
    : IndexSet.empty;
  return {
    active,
    terminating: pods.filter(isTerminating),
    ready: active.filter(isReady).length,
    succeeded: isIndexed(job) ? succeededIndexes.size : (job.status?.succeeded ?? 0) + uncountedSucceeded.length + succeededPods.length,
    failed: (job.status?.failed ?? 0) + uncountedFailed.length + newFailed.length,
    newSucceeded: succeededPods,
    newFailed,
    succeededIndexes,
    failedIndexes,
    waiting: hasLimitPerIndex(job) ? waitingPods(job, failedPods, active, succeededIndexes, failedIndexes) : new Map<number, Pod>(),
  };
}

/** The completion indexes of pods, without those that the Job does not have. */
export function indexesOf(job: Job, pods: readonly Pod[]): number[] {
  return pods.map((pod) => indexOf(job, pod)).filter((index) => index !== undefined);
}

function failsIndex(job: Job, pod: Pod): boolean {
  const { action, counts } = judgeFailure(job, pod);
  return action === 'FailIndex' || (counts && earlierFailures(pod) >= (job.spec?.backoffLimitPerIndex ?? Infinity));
}

/** All failures of an index up to this pod's start. */
export function failuresBefore(pod: Pod): number {
  return earlierFailures(pod) + ignoredFailures(pod);
}

function waitingPods(
  job: Job,
  failedPods: readonly Pod[],
  active: readonly Pod[],
  succeeded: IndexSet,
  failed: IndexSet,
): ReadonlyMap<number, Pod> {
  const running = new Set(indexesOf(job, active));
  const waiting = new Map<number, Pod>();
  for (const pod of failedPods) {
    const index = indexOf(job, pod);
    if (index === undefined || running.has(index) || succeeded.has(index) || failed.has(index)) continue;
    const other = waiting.get(index);
    if (other === undefined || failuresBefore(other) <= failuresBefore(pod)) waiting.set(index, pod);
  }
  return waiting;
}
