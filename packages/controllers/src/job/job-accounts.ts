import { resources } from '@bayplan/api';
import type { Job, JobStatus, Pod } from '@bayplan/api';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { forEachLimited } from '../runtime/slow-start.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { indexOf, isFailed, isTracked } from './job-pods.ts';
import { hasLimitPerIndex, isIndexed } from './job-spec.ts';
import type { JobTally } from './job-tally.ts';
import { removeFinalizer } from './orphaned-pods.ts';
import { judgeFailure } from './pod-failure-policy.ts';

/** Pods that one status names as ended and not yet counted. */
const maxUncounted = 500;
const parallelWrites = 16;

/**
 * The books of one Job. A pod that has ended is first written down by its uid, then let go by taking its
 * finalizer, then counted: so that no crash in between counts it twice or not at all.
 */
export class JobAccounts {
  readonly #context: ControllerContext;
  readonly #released: Set<string>;
  job: Job;
  /** Pods are left that did not fit into this round. */
  more = false;

  constructor(context: ControllerContext, job: Job, released: Set<string>) {
    this.#context = context;
    this.#released = released;
    this.job = job;
  }

  /** Books ended pods on top of `status`; returns it with their counts. `isEnding` lets every pod on its way out go. */
  async settle(status: JobStatus, pods: readonly Pod[], tally: JobTally, isEnding: boolean): Promise<JobStatus> {
    const tracked = new Map(
      pods.filter((pod) => isTracked(pod) && !this.#released.has(pod.metadata.uid ?? '')).map((pod) => [pod.metadata.uid ?? '', pod]),
    );
    const succeeded = new Set(status.uncountedTerminatedPods?.succeeded);
    const failed = new Set(status.uncountedTerminatedPods?.failed);
    const leaving = this.#enter(tracked, succeeded, failed, tally, isEnding);
    const written = await this.write(this.#withBooks(status, tally, succeeded, failed));
    try {
      await forEachLimited(leaving, parallelWrites, (pod) => this.#release(pod));
    } finally {
      for (const pod of leaving) if (this.#released.has(pod.metadata.uid ?? '')) tracked.delete(pod.metadata.uid ?? '');
    }
    const countedSucceeded = [...succeeded].filter((uid) => !tracked.has(uid));
    const countedFailed = [...failed].filter((uid) => !tracked.has(uid));
    for (const uid of countedSucceeded) succeeded.delete(uid);
    for (const uid of countedFailed) failed.delete(uid);
    const total = (before: number | undefined, more: number): number => (before ?? 0) + more;
    return this.#withBooks(
      {
        ...written,
        ...(countedSucceeded.length > 0 ? { succeeded: total(written.succeeded, countedSucceeded.length) } : {}),
        ...(countedFailed.length > 0 ? { failed: total(written.failed, countedFailed.length) } : {}),
      },
      tally,
      succeeded,
      failed,
    );
  }

  /** Enters pods that have ended into the books; returns those that may be let go. */
  #enter(
    tracked: ReadonlyMap<string, Pod>,
    succeeded: Set<string>,
    failed: Set<string>,
    tally: JobTally,
    isEnding: boolean,
  ): readonly Pod[] {
    const { job } = this;
    const waiting = new Set([...tally.waiting.values()].map((pod) => pod.metadata.uid));
    const leaving: Pod[] = [];
    for (const [uid, pod] of tracked) {
      const isOver = isEnding || job.metadata.deletionTimestamp !== undefined;
      const hasSucceeded = pod.status?.phase === 'Succeeded';
      const hasFailed = isFailed(job, pod) || (isOver && !hasSucceeded && pod.metadata.deletionTimestamp !== undefined);
      if (!hasSucceeded && !hasFailed) continue;
      if (waiting.has(uid) && !isOver && pod.metadata.deletionTimestamp === undefined) continue;
      if (leaving.length >= maxUncounted) {
        this.more = true;
        break;
      }
      leaving.push(pod);
      const hasIndex = !isIndexed(job) || indexOf(job, pod) !== undefined;
      // The index of a success is in the status itself.
      if (hasSucceeded) {
        if (!isIndexed(job) && !failed.has(uid)) succeeded.add(uid);
      } else if (hasIndex && judgeFailure(job, pod).counts) failed.add(uid);
    }
    return leaving;
  }

  #withBooks(status: JobStatus, tally: JobTally, succeeded: ReadonlySet<string>, failed: ReadonlySet<string>): JobStatus {
    const { job } = this;
    const indexes = isIndexed(job)
      ? {
          succeeded: tally.succeededIndexes.size || undefined,
          completedIndexes: tally.succeededIndexes.toString() || undefined,
          ...(hasLimitPerIndex(job) ? { failedIndexes: tally.failedIndexes.toString() || undefined } : {}),
        }
      : {};
    const books = { ...(succeeded.size > 0 ? { succeeded: [...succeeded] } : {}), ...(failed.size > 0 ? { failed: [...failed] } : {}) };
    return { ...status, ...indexes, uncountedTerminatedPods: books };
  }

  async #release(pod: Pod): Promise<void> {
    await removeFinalizer(this.#context, pod);
    this.#released.add(pod.metadata.uid ?? '');
  }

  /** Writes the status if what is counted in it differs from what the server has. */
  async write(status: JobStatus): Promise<JobStatus> {
    const { client, signal } = this.#context;
    if (!isBookkept(this.job.status, status)) {
      this.job = await client.update(resources.jobs, { ...this.job, status }, { subresource: 'status', signal });
    }
    return status;
  }
}

/** Whether the server has the books already: counts of active pods alone are written at the end. */
function isBookkept(stored: JobStatus | undefined, next: JobStatus): boolean {
  const books = (status: JobStatus | undefined) => [
    new Set(status?.uncountedTerminatedPods?.succeeded).size,
    new Set(status?.uncountedTerminatedPods?.failed).size,
    status?.uncountedTerminatedPods?.succeeded ?? [],
    status?.uncountedTerminatedPods?.failed ?? [],
    status?.completedIndexes ?? '',
    status?.failedIndexes ?? '',
  ];
  return semanticallyEqual(books(stored), books(next));
}
