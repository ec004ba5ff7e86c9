import type { Job, JobCondition } from '@bayplan/api';

export const controllerName = 'kubernetes.io/job-controller';

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}

export function completionsOf(job: Job): number | undefined {
  return job.spec?.completions;
}

export function parallelismOf(job: Job): number {
  return job.spec?.parallelism ?? 1;
}

export function isSuspended(job: Job): boolean {
  return job.spec?.suspend === true;
}

/** Somebody else's controller looks after this Job. */
export function isManagedElsewhere(job: Job): boolean {
  return job.spec?.managedBy !== undefined && job.spec.managedBy !== controllerName;
}

export function hasLimitPerIndex(job: Job): boolean {
  return isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;
}

/** Whether a pod is replaced only once it has ended, not as soon as it is told to. */
export function replacesOnlyFailed(job: Job): boolean {
  const policy = job.spec?.podReplacementPolicy ?? (job.spec?.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed');
  return policy === 'Failed';
}

export function conditionOf(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** The condition with which a Job ended, or undefined. */
export function finishOf(job: Job): JobCondition | undefined {
  return conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
}
