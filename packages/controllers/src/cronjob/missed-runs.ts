import type { CronJob } from '@bayplan/api';
import type { Schedule } from './cron-schedule.ts';

export interface DueRun {
  /** The last time at which a Job was to be made and was not; undefined when there is none. */
  readonly dueMs: number | undefined;
  /** So many were missed that the clock or the object must be wrong. */
  readonly tooMany: boolean;
  /** When the next Job is to be made after now; undefined when never. */
  readonly nextMs: number | undefined;
}

const manyMissed = 100;

/** The run that is due, if any, since the last one or the start of the object, within the starting deadline. */
export function dueRun(cronJob: CronJob, schedule: Schedule, nowMs: number): DueRun {
  const createdMs = Date.parse(cronJob.metadata.creationTimestamp ?? '');
  const lastMs = Date.parse(cronJob.status?.lastScheduleTime ?? '');
  let earliestMs = Number.isNaN(lastMs) ? (Number.isNaN(createdMs) ? nowMs : createdMs) : lastMs;
  const deadlineSeconds = cronJob.spec?.startingDeadlineSeconds;
  if (deadlineSeconds !== undefined) earliestMs = Math.max(earliestMs, nowMs - deadlineSeconds * 1000);
  const nextMs = schedule.next(nowMs);
  const first = schedule.next(earliestMs);
  if (first === undefined || first > nowMs) return { dueMs: undefined, tooMany: false, nextMs: first ?? nextMs };
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { dueMs: first, tooMany: false, nextMs: second };
  const intervalMs = second - first;
  const missed = Math.floor((nowMs - first) / intervalMs) + 1;
  // Schedules may be irregular: the last run is looked for in windows that reach back further and further.
  for (let windowMs = 2 * intervalMs; ; windowMs *= 4) {
    const fromMs = Math.max(first, nowMs - windowMs);
    let dueMs: number | undefined = fromMs === first ? first : undefined;
    for (let at = schedule.next(fromMs); at !== undefined && at <= nowMs; at = schedule.next(at)) dueMs = at;
    if (dueMs !== undefined) return { dueMs, tooMany: missed > manyMissed, nextMs };
  }
}
