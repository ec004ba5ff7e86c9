import { resources } from '@bayplan/api';
import type { CronJob, Job, ObjectReference } from '@bayplan/api';
import { finishOf } from '../job/job-spec.ts';
import { controllerReference } from '../owners/owner-references.ts';
import type { TimeZone } from './time-zone.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** The Job of one run. Its name is made of the minute, so that a run is never started twice. */
export function jobOfRun(cronJob: CronJob, dueMs: number, zone: TimeZone | undefined): Job {
  const { labels, annotations } = cronJob.spec?.jobTemplate.metadata ?? {};
  const { namespace, name = '' } = cronJob.metadata;
  return {
    metadata: {
      ...(namespace ? { namespace } : {}),
      name: `${name}-${String(Math.floor(dueMs / 60_000))}`,
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [scheduledAnnotation]: localTimestamp(dueMs, zone) },
      ownerReferences: [controllerReference(resources.cronJobs, cronJob)],
    },
    ...(cronJob.spec?.jobTemplate.spec ? { spec: cronJob.spec.jobTemplate.spec } : {}),
  };
}

/** RFC 3339 with the offset of the zone; UTC without one. */
function localTimestamp(ms: number, zone: TimeZone | undefined): string {
  const utc = new Date(ms).toISOString().slice(0, 19);
  if (zone === undefined) return `${utc}Z`;
  const { year, month, day, hour, minute } = zone.wallTime(ms);
  const local = Date.UTC(year, month - 1, day, hour, minute, new Date(ms).getUTCSeconds());
  const offset = Math.round((local - ms) / 60_000);
  if (offset === 0) return `${utc}Z`;
  const two = (number: number): string => String(number).padStart(2, '0');
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(local).toISOString().slice(0, 19)}${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}

export function referenceTo(job: Job): ObjectReference {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    namespace: job.metadata.namespace,
    name: job.metadata.name,
    uid: job.metadata.uid,
    resourceVersion: job.metadata.resourceVersion,
  };
}

/** Finished Jobs beyond the limits of the history, oldest first. */
export function beyondHistory(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
  const doomed = (type: string, limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    const finished = jobs.filter((job) => finishOf(job)?.type === type && job.metadata.deletionTimestamp === undefined);
    return finished.sort(byStart).slice(0, Math.max(0, finished.length - limit));
  };
  return [...doomed('Complete', successfulJobsHistoryLimit), ...doomed('Failed', failedJobsHistoryLimit)];
}

function byStart(a: Job, b: Job): number {
  const started = ({ status, metadata }: Job): string => status?.startTime ?? metadata.creationTimestamp ?? '';
  if (started(a) !== started(b)) return started(a) < started(b) ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
