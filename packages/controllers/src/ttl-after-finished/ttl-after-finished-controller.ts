import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { Job } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { finishOf } from '../job/job-spec.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

/** Milliseconds until a finished Job is to be deleted, at most 0 when that is due; undefined when it never is. */
export function expiresInMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  const finishedMs = Date.parse(finishOf(job)?.lastTransitionTime ?? '');
  if (seconds === undefined || Number.isNaN(finishedMs) || job.metadata.deletionTimestamp !== undefined) return undefined;
  return finishedMs + seconds * 1000 - nowMs;
}

/** Deletes Jobs, with their pods, some time after they have finished. */
export async function runTtlAfterFinishedController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, signal } = context;
  const jobs = informers.informer(resources.jobs);
  const queue = queueFor(context, 'ttl_jobs_to_delete');
  onChange(context, jobs, (job, _previous, deleted) => {
    if (deleted) return;
    const waitMs = expiresInMs(job, clock.now());
    if (waitMs !== undefined) queue.addAfter(keyOf(job), Math.max(0, waitMs));
  });

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const cached = jobs.lister.get(key);
    const waitMs = cached === undefined ? undefined : expiresInMs(cached, clock.now());
    if (waitMs === undefined) return;
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    try {
      // The time may have been made longer a moment ago.
      const job = await client.get(resources.jobs, splitKey(key), { signal });
      const leftMs = expiresInMs(job, clock.now());
      if (leftMs === undefined) return;
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      const { uid, resourceVersion } = job.metadata;
      const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      await client.delete(resources.jobs, splitKey(key), { propagationPolicy: 'Foreground', preconditions, signal });
    } catch (error) {
      if (isNotFound(error)) return;
      if (isConflict(error)) return { requeueAfterMs: 100 };
      throw error;
    }
  }

  await runController(context, { queue, caches: [jobs], workers: 1, reconcile });
}
