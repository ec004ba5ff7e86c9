import type { Job, Pod } from '@bayplan/api';
import { isFailed, isTracked } from './job-pods.ts';
import { completionsOf, conditionOf, isIndexed, isSuspended } from './job-spec.ts';
import type { JobTally } from './job-tally.ts';
import { judgeFailure } from './pod-failure-policy.ts';
import { metSuccessRule } from './success-policy.ts';

/** How a Job is to end: first the condition that says so, then, when its pods are gone, the one that it has ended. */
export interface JobEnding {
  readonly success: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Why a Job is to end now whatever its pods still do; undefined when it goes on. Deterministic for a tally. */
export function endingOf(job: Job, pods: readonly Pod[], tally: JobTally, nowMs: number): JobEnding | undefined {
  const decided = conditionOf(job, 'FailureTarget') ?? conditionOf(job, 'SuccessCriteriaMet');
  if (decided !== undefined)
    return { success: decided.type === 'SuccessCriteriaMet', reason: decided.reason ?? '', message: decided.message ?? '' };
  const fail = (reason: string, message: string): JobEnding => ({ success: false, reason, message });
  if (job.spec?.podFailurePolicy !== undefined) {
    for (const pod of pods) {
      if (!isFailed(job, pod) || !isTracked(pod)) continue;
      const { message } = judgeFailure(job, pod);
      if (message !== undefined) return fail('PodFailurePolicy', message);
    }
  }
  const backoffLimit = job.spec?.backoffLimit ?? 6;
  if (tally.failed > backoffLimit || restartsExceed(job, pods, backoffLimit))
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  const deadlineMs = deadlineInMs(job, nowMs);
  if (deadlineMs !== undefined && deadlineMs <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!isIndexed(job)) return undefined;
  const { maxFailedIndexes } = job.spec ?? {};
  const failedIndexes = tally.failedIndexes.size;
  if (maxFailedIndexes !== undefined && failedIndexes > maxFailedIndexes)
    return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  if (failedIndexes > 0 && failedIndexes + tally.succeededIndexes.size >= (completionsOf(job) ?? 0))
    return fail('FailedIndexes', 'Job has failed indexes');
  const rule = metSuccessRule(job, tally.succeededIndexes);
  return rule === undefined ? undefined : { success: true, reason: 'SuccessPolicy', message: rule };
}

/** Whether enough pods have succeeded and none is active any more. */
export function completionOf(job: Job, tally: JobTally, active: number): JobEnding | undefined {
  const completions = completionsOf(job);
  const enough = completions === undefined ? tally.succeeded > 0 : tally.succeeded >= completions;
  if (!enough || active > 0) return undefined;
  return { success: true, reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
}

/** Milliseconds until the active deadline; undefined when there is none or its clock does not run. */
export function deadlineInMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const startMs = Date.parse(job.status?.startTime ?? '');
  if (seconds === undefined || Number.isNaN(startMs) || isSuspended(job)) return undefined;
  return startMs + seconds * 1000 - nowMs;
}

/** Pods that restart their containers themselves count by their restarts. */
function restartsExceed(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
