import { isAlreadyExists, isConflict, isNotFound, resources } from '@bayplan/api';
import type { CronJob, CronJobStatus, Job } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { finishOf } from '../job/job-spec.ts';
import { controlledBy, controllerOf, indexByController } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { parseSchedule, ScheduleError } from './cron-schedule.ts';
import type { Schedule } from './cron-schedule.ts';
import { beyondHistory, jobOfRun, referenceTo } from './cronjob-jobs.ts';
import { dueRun } from './missed-runs.ts';
import { findTimeZone } from './time-zone.ts';
import type { TimeZone } from './time-zone.ts';

/** A run is started this long after its time, so that it is never looked at too early. */
const delayMs = 100;

/** Makes Jobs by schedule, and clears away those that have finished. */
export async function runCronJobController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const cronJobs = informers.informer(resources.cronJobs);
  const jobs = indexByController(informers.informer(resources.jobs));
  const queue = queueFor(context, 'cronjob');

  onChange(context, cronJobs, (cronJob) => queue.add(keyOf(cronJob)));
  onChange(context, jobs, (job) => {
    const owner = controllerOf(job);
    if (owner?.kind === 'CronJob') queue.add(`${job.metadata.namespace ?? ''}/${owner.name}`);
  });

  function report(cronJob: CronJob, type: 'Normal' | 'Warning', reason: string, message: string): void {
    recorder.event({ ref: resources.cronJobs, object: cronJob }, type, reason, message);
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const cronJob = cronJobs.lister.get(key);
    if (cronJob === undefined) return;
    const mine = controlledBy(jobs, cronJob.metadata.uid ?? '');
    try {
      for (const job of beyondHistory(cronJob, mine)) await remove(cronJob, job);
      let status = await followJobs(cronJob, mine);
      const started = await start(cronJob, status);
      ({ status } = started);
      if (!semanticallyEqual(cronJob.status, status))
        await client.update(resources.cronJobs, { ...cronJob, status }, { subresource: 'status', signal });
      if (started.nextMs !== undefined) return { requeueAfterMs: Math.max(0, started.nextMs - clock.now()) + delayMs };
    } catch (error) {
      if (isNotFound(error) || namespaceIsTerminating(error)) return;
      // A change on its way to the cache brings the key back; if it is there already, this does.
      if (isConflict(error)) return { requeueAfterMs: delayMs };
      throw error;
    }
  }

  /** The status with the list of active Jobs brought up to date. */
  async function followJobs(cronJob: CronJob, mine: readonly Job[]): Promise<CronJobStatus> {
    let active = cronJob.status?.active ?? [];
    let lastSuccessfulTime = cronJob.status?.lastSuccessfulTime;
    for (const job of mine) {
      const name = job.metadata.name ?? '';
      const isListed = active.some((reference) => reference.uid === job.metadata.uid);
      const finish = finishOf(job);
      if (finish === undefined) {
        if (isListed || (cronJob.metadata.deletionTimestamp ?? job.metadata.deletionTimestamp) !== undefined) continue;
        // Made by a reconcile whose status was lost, or by somebody else: known from now on.
        const fresh = await client.get(
          resources.cronJobs,
          { namespace: cronJob.metadata.namespace, name: cronJob.metadata.name ?? '' },
          { signal },
        );
        if (fresh.status?.active?.some((reference) => reference.uid === job.metadata.uid)) active = fresh.status.active;
        else report(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`);
        continue;
      }
      if (isListed) {
        active = active.filter((reference) => reference.uid !== job.metadata.uid);
        report(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${finish.type}`);
      }
      const completed = finish.type === 'Complete' ? job.status?.completionTime : undefined;
      if (completed !== undefined && Date.parse(completed) > (Date.parse(lastSuccessfulTime ?? '') || 0)) lastSuccessfulTime = completed;
    }
    for (const reference of active) {
      if (mine.some((job) => job.metadata.uid === reference.uid)) continue;
      const job = await client
        .get(resources.jobs, { namespace: cronJob.metadata.namespace, name: reference.name ?? '' }, { signal })
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
      if (job?.metadata.uid === reference.uid) continue;
      active = active.filter((other) => other !== reference);
      report(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name ?? ''}`);
    }
    return { ...cronJob.status, active, ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }) };
  }

  /** Starts the run that is due; says when the next is. */
  async function start(cronJob: CronJob, status: CronJobStatus): Promise<{ status: CronJobStatus; nextMs: number | undefined }> {
    const idle = { status, nextMs: undefined };
    if (cronJob.metadata.deletionTimestamp !== undefined) return idle;
    const zone = findTimeZone(cronJob.spec?.timeZone);
    if (zone === undefined) {
      const name = cronJob.spec?.timeZone ?? '';
      report(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${name}": unknown time zone ${name}`);
      return idle;
    }
    if (cronJob.spec?.suspend) return idle;
    const schedule = scheduleOf(cronJob, zone);
    if (schedule === undefined) return idle;
    const nowMs = clock.now();
    const { dueMs, tooMany, nextMs } = dueRun({ ...cronJob, status }, schedule, nowMs);
    if (tooMany) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      report(cronJob, 'Warning', 'TooManyMissedTimes', message);
    }
    if (dueMs === undefined) return { status, nextMs };
    const deadlineSeconds = cronJob.spec?.startingDeadlineSeconds;
    if (deadlineSeconds !== undefined && dueMs + deadlineSeconds * 1000 < nowMs) {
      report(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString()}`);
      return { status, nextMs };
    }
    const wanted = jobOfRun(cronJob, dueMs, cronJob.spec?.timeZone === undefined ? undefined : zone);
    const active = status.active ?? [];
    if (active.some(({ name }) => name === wanted.metadata.name)) return { status, nextMs };
    if (cronJob.spec?.concurrencyPolicy === 'Forbid' && active.length > 0) {
      report(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
      return { status, nextMs };
    }
    const kept = cronJob.spec?.concurrencyPolicy === 'Replace' ? await replaceActive(cronJob, active) : active;
    const job = await create(cronJob, wanted);
    const listed = job === undefined || finishOf(job) !== undefined || kept.some(({ uid }) => uid === job.metadata.uid);
    return {
      status: { ...status, active: listed ? [...kept] : [...kept, referenceTo(job)], lastScheduleTime: timestamp(dueMs) },
      nextMs,
    };
  }

  function scheduleOf(cronJob: CronJob, zone: TimeZone): Schedule | undefined {
    const text = cronJob.spec?.schedule ?? '';
    try {
      return parseSchedule(text, zone);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      report(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${text}" : ${error.message}`);
      return undefined;
    }
  }

  async function replaceActive(cronJob: CronJob, active: NonNullable<CronJobStatus['active']>): Promise<typeof active> {
    for (const { name = '' } of active) {
      const job = jobs.lister.get(`${cronJob.metadata.namespace ?? ''}/${name}`);
      if (job !== undefined) await remove(cronJob, job);
    }
    return [];
  }

  /** The Job of a run, made now or by an earlier try; undefined when the name belongs to somebody else. */
  async function create(cronJob: CronJob, wanted: Job): Promise<Job | undefined> {
    const { namespace, name = '' } = wanted.metadata;
    try {
      const job = await client.create(resources.jobs, wanted, { signal });
      report(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return job;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const existing = await client.get(resources.jobs, { namespace, name }, { signal });
        if (controllerOf(existing)?.uid === cronJob.metadata.uid) return existing;
      }
      if (!namespaceIsTerminating(error)) report(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${textOf(error)}`);
      if (isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  async function remove(cronJob: CronJob, job: Job): Promise<void> {
    const { namespace, name = '', uid } = job.metadata;
    try {
      await client.delete(
        resources.jobs,
        { namespace, name },
        { propagationPolicy: 'Background', ...(uid ? { preconditions: { uid } } : {}), signal },
      );
      report(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (isNotFound(error)) return;
      report(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${textOf(error)}`);
      throw error;
    }
  }

  await runController(context, { queue, caches: [cronJobs, jobs], workers: 1, reconcile });
}
