import type { CronJob, Job, JobSpec } from '../generated/types.ts';
import { defaultPodSpec } from './pod-spec.ts';

const maxInt32 = 2_147_483_647;

function defaultFailurePolicy(spec: JobSpec | undefined): void {
  for (const rule of spec?.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
}

function defaultJobSpec(spec: JobSpec): void {
  // Neither given: one pod. Parallelism alone: a work queue, whose completions stay open.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  defaultFailurePolicy(spec);
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
}

export function defaultJob(job: Job): void {
  const spec = job.spec;
  if (!spec) return;
  defaultJobSpec(spec);
  const labels = spec.template?.metadata?.labels;
  if (labels && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels };
  defaultPodSpec(spec.template?.spec);
}

/** The job inside keeps its own fields unset until a job is made of it; only its failure policy and its pod get defaults. */
export function defaultCronJob({ spec }: CronJob): void {
  if (!spec) return;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  defaultFailurePolicy(spec.jobTemplate?.spec);
  defaultPodSpec(spec.jobTemplate?.spec?.template?.spec);
}
