import { isConflict, isNotFound, resources, selectorOf } from '@bayplan/api';
import type { Job, JobStatus, Pod } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { claimChildren } from '../owners/claim-children.ts';
import { controllerOf, indexByController } from '../owners/owner-references.ts';
import { createPod, deletePod, namespaceIsTerminating } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { Expectations } from '../runtime/expectations.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { JobAccounts } from './job-accounts.ts';
import { recordEnds } from './job-backoff.ts';
import type { FailureRecord } from './job-backoff.ts';
import { withCondition, withEnding } from './job-conditions.ts';
import { completionOf, deadlineInMs, endingOf } from './job-ending.ts';
import type { JobEnding } from './job-ending.ts';
import { isTracked, jobPod } from './job-pods.ts';
import { planJob } from './job-plan.ts';
import type { JobPlan } from './job-plan.ts';
import { finishOf, isManagedElsewhere, isSuspended } from './job-spec.ts';
import { tallyJob } from './job-tally.ts';
import { OrphanedPods, removeFinalizer } from './orphaned-pods.ts';

/** Changes of pods are gathered this long, so that pods that end together cost one round of writes. */
const gatherMs = 500;

/** Runs the pods of Jobs to completion and keeps the books about them. */
export async function runJobController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const jobs = informers.informer(resources.jobs);
  const pods = indexByController(informers.informer(resources.pods));
  const queue = queueFor(context, 'job');
  const expectations = new Expectations(clock);
  const records = new Map<string, FailureRecord>();
  /** By key of the Job: uids of pods whose finalizer was taken and that the cache still shows with it. */
  const released = new Map<string, Set<string>>();
  const orphans = new OrphanedPods(context, jobs, pods);

  onChange(context, jobs, (job, _previous, deleted) => {
    const key = keyOf(job);
    if (deleted) {
      forget(key);
      orphans.addAllOf(job);
    }
    queue.add(key);
  });
  onChange(context, pods, (pod, previous, deleted) => {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      if (isTracked(pod) && !deleted) orphans.add(pod);
      return deleted ? undefined : enqueueAdopters(pod);
    }
    if (owner.kind !== 'Job') return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    const uid = pod.metadata.uid ?? '';
    if (previous === undefined && !deleted) expectations.creationSeen(key);
    if (deleted || pod.metadata.deletionTimestamp !== undefined) expectations.deletionSeen(key, uid);
    if (deleted || !isTracked(pod)) released.get(key)?.delete(uid);
    const job = jobs.lister.get(key);
    if (!deleted && isTracked(pod) && (job === undefined || job.metadata.uid !== owner.uid || finishOf(job) !== undefined))
      orphans.add(pod);
    queue.addAfter(key, gatherMs);
  });

  function forget(key: string): void {
    expectations.forget(key);
    records.delete(key);
    released.delete(key);
  }

  function enqueueAdopters(pod: Pod): void {
    for (const job of jobs.lister.list(pod.metadata.namespace))
      if (selectorOf(job.spec?.selector).matches(pod.metadata.labels ?? {})) queue.add(keyOf(job));
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const job = jobs.lister.get(key);
    if (job === undefined || finishOf(job) !== undefined) return forget(key);
    if (isManagedElsewhere(job)) return;
    try {
      return await work(key, job);
    } catch (error) {
      if (isNotFound(error) || namespaceIsTerminating(error)) return;
      throw error;
    }
  }

  async function work(key: string, job: Job): Promise<ReconcileResult | void> {
    const nowMs = clock.now();
    const settled = expectations.satisfied(key);
    const owned = await claimChildren({
      client,
      ownerRef: resources.jobs,
      owner: job,
      selector: job.spec?.selector,
      children: pods,
      adoptable: (pod) => pod.metadata.deletionTimestamp === undefined,
      signal,
    });
    const letGo = released.get(key) ?? new Set<string>();
    released.set(key, letGo);
    const tally = tallyJob(job, owned, letGo);
    const record = recordEnds(records.get(key), tally.newSucceeded, tally.newFailed, nowMs);
    let ending = endingOf(job, owned, tally, nowMs);
    let active = tally.active.length;
    let failure: unknown;
    let plan: JobPlan | undefined;
    let conditions = job.status?.conditions ?? [];
    // The clock of the deadline begins anew with each resumption.
    const startTime = isSuspended(job) && ending === undefined ? undefined : (job.status?.startTime ?? timestamp(nowMs));
    let status: JobStatus = { ...job.status, startTime };
    if (ending !== undefined) {
      const ended = settled ? await endPods(key, job, tally.active) : { count: 0, failure: undefined };
      active -= ended.count;
      ({ failure } = ended);
    } else if (settled && job.metadata.deletionTimestamp === undefined) {
      plan = planJob(job, tally, record, nowMs);
      const done = await carryOut(key, job, plan);
      active += done.created - done.removed;
      ({ failure } = done);
      ending = completionOf(job, tally, active);
      if (ending === undefined) {
        const changed = suspension(job, status, nowMs);
        status = changed;
        conditions = changed.conditions ?? [];
      }
    }
    if (ending !== undefined) conditions = [...withEnding(conditions, ending, false, nowMs)];
    const terminating = tally.terminating.length;
    status = {
      ...status,
      conditions,
      active: active > 0 ? active : undefined,
      ready: Math.min(tally.ready, active),
      terminating,
    };
    const accounts = new JobAccounts(context, job, letGo);
    status = await accounts.settle(status, owned, tally, ending !== undefined);
    if (record === undefined) records.delete(key);
    else records.set(key, record);
    // Pods that were only now told to go are on their way out.
    const isQuiet = tally.active.length === 0 && active === 0 && terminating === 0;
    const isOver = ending !== undefined && settled && isQuiet && !accounts.more && isBalanced(status);
    if (ending !== undefined && isOver) status = over(status, ending, clock.now());
    if (!semanticallyEqual(accounts.job.status, status)) {
      try {
        await client.update(resources.jobs, { ...accounts.job, status }, { subresource: 'status', signal });
      } catch (error) {
        // A change on its way to the cache brings the key back.
        if (!isConflict(error)) throw error;
        return { requeueAfterMs: gatherMs };
      }
      if (ending !== undefined && isOver) report(job, ending);
    }
    if (failure !== undefined) throw failure;
    if (accounts.more) return { requeueAfterMs: 1 };
    const waits = [plan?.waitMs, ending === undefined ? deadlineInMs({ ...job, status }, nowMs) : undefined].filter(
      (wait) => wait !== undefined,
    );
    if (waits.length > 0) return { requeueAfterMs: Math.max(1, Math.min(...waits)) };
  }

  /** Makes and takes away pods. Pods that are taken away have not failed: their finalizer goes first. */
  async function carryOut(key: string, job: Job, plan: JobPlan): Promise<{ created: number; removed: number; failure: unknown }> {
    const owner = { ref: resources.jobs, object: job };
    if (plan.remove.length > 0) {
      const { count, failure } = await removePods(key, plan.remove, async (pod) => {
        if (isTracked(pod)) await removeFinalizer(context, pod);
        await deletePod(context, owner, pod);
      });
      return { created: 0, removed: count, failure };
    }
    const count = plan.create.length;
    if (count === 0) return { created: 0, removed: 0, failure: undefined };
    expectations.expectCreations(key, count);
    const { succeeded, error } = await slowStart(count, async (position) => {
      const next = plan.create[position];
      await createPod(context, owner, jobPod(job, next?.index, next?.failures));
    });
    if (succeeded < count) expectations.creationSeen(key, count - succeeded);
    return { created: succeeded, removed: 0, failure: error };
  }

  async function endPods(key: string, job: Job, active: readonly Pod[]): Promise<{ count: number; failure: unknown }> {
    if (active.length === 0) return { count: 0, failure: undefined };
    return removePods(key, active, (pod) => deletePod(context, { ref: resources.jobs, object: job }, pod));
  }

  async function removePods(
    key: string,
    doomed: readonly Pod[],
    remove: (pod: Pod) => Promise<void>,
  ): Promise<{ count: number; failure: unknown }> {
    expectations.expectDeletions(
      key,
      doomed.map((pod) => pod.metadata.uid ?? ''),
    );
    const results = await Promise.allSettled(
      doomed.map((pod) =>
        remove(pod).catch((failure: unknown) => {
          expectations.deletionSeen(key, pod.metadata.uid ?? '');
          throw failure;
        }),
      ),
    );
    const failed = results.filter((result) => result.status === 'rejected');
    return { count: results.length - failed.length, failure: failed[0]?.reason as unknown };
  }

  /** The status with what suspending or resuming changes in it, reported as an event. */
  function suspension(job: Job, status: JobStatus, nowMs: number): JobStatus {
    const suspended = isSuspended(job);
    const conditions = status.conditions ?? [];
    const change = suspended
      ? ({ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' } as const)
      : ({ type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' } as const);
    const next = withCondition(conditions, change, nowMs);
    if (next === conditions) return status;
    recorder.event({ ref: resources.jobs, object: job }, 'Normal', suspended ? 'Suspended' : 'Resumed', change.message);
    return { ...status, conditions: [...next] };
  }

  function report(job: Job, { success, reason, message }: JobEnding): void {
    const subject = { ref: resources.jobs, object: job };
    if (success) recorder.event(subject, 'Normal', 'Completed', 'Job completed');
    else recorder.event(subject, 'Warning', reason, message);
  }

  await Promise.all([runController(context, { queue, caches: [jobs, pods], workers: 4, reconcile }), orphans.run()]);
}

function isBalanced({ uncountedTerminatedPods }: JobStatus): boolean {
  return (uncountedTerminatedPods?.succeeded ?? []).length + (uncountedTerminatedPods?.failed ?? []).length === 0;
}

/** The last status of a Job. */
function over(status: JobStatus, ending: JobEnding, nowMs: number): JobStatus {
  return {
    ...status,
    conditions: [...withEnding(status.conditions ?? [], ending, true, nowMs)],
    ready: 0,
    startTime: status.startTime ?? timestamp(nowMs),
    ...(ending.success ? { completionTime: timestamp(nowMs) } : {}),
  };
}
