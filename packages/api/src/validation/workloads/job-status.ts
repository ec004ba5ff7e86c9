import type { FieldError } from '../../errors/field-error.ts';
import { fieldDuplicate, fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Job, JobStatus } from '../../generated/types.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkNotNegative, eachOf } from '../faults.ts';
import { parseIndexes, sharedIndex } from './job-indexes.ts';

const path = FieldPath.of('status');
const conditions = path.child('conditions');

function isTrue(job: Job, type: string): boolean {
  return job.status?.conditions?.some((one) => one.type === type && one.status === 'True') === true;
}

function contradicts(detail: string): FieldError {
  return { type: 'FieldValueInvalid', field: conditions.toString(), body: `Invalid value: ${detail}` };
}

function validateUncounted({ uncountedTerminatedPods: pods }: JobStatus, faults: Faults): void {
  const seen = new Set<string>();
  for (const field of ['succeeded', 'failed'] as const) {
    eachOf(pods?.[field], path.child('uncountedTerminatedPods', field), (uid, here) => {
      if (uid === '') faults.push(fieldInvalid(here, uid, 'must not be empty'));
      else if (seen.has(uid)) faults.push(fieldDuplicate(here, uid));
      seen.add(uid);
    });
  }
}

function validateConditions(job: Job, old: Job, faults: Faults): void {
  const complete = isTrue(job, 'Complete');
  const failed = isTrue(job, 'Failed');
  const failing = isTrue(job, 'FailureTarget');
  const succeeding = isTrue(job, 'SuccessCriteriaMet');
  const say = (holds: boolean, detail: string): void => void (holds && faults.push(contradicts(detail)));
  say(complete && failed, 'cannot set Complete=True and Failed=true conditions');
  say(complete && failing, 'cannot set Complete=True and FailureTarget=true conditions');
  const newlyFailed = failed && !isTrue(old, 'Failed');
  const newlyComplete = complete && !isTrue(old, 'Complete');
  say(newlyFailed && !failing, 'cannot set Failed=True condition without the FailureTarget=true condition');
  say(newlyComplete && !succeeding, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  say(succeeding && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  say(succeeding && failing, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    say(isTrue(old, type) && !isTrue(job, type), `cannot disable the terminal ${type}=True condition`);
  }
  say(isTrue(old, 'SuccessCriteriaMet') && !succeeding, 'cannot disable the SuccessCriteriaMet=True condition');
  const tooLate = isTrue(old, 'Complete') && !isTrue(old, 'SuccessCriteriaMet') && succeeding;
  say(tooLate, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
}

function validateTimes(job: Job, old: Job, faults: Faults): void {
  const { completionTime, startTime } = job.status ?? {};
  const before = old.status ?? {};
  const here = path.child('completionTime');
  const complete = isTrue(job, 'Complete');
  if (completionTime !== undefined && !complete) {
    faults.push(fieldInvalid(here, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
  }
  if (completionTime === undefined && complete) faults.push(fieldRequired(here, 'completionTime is required for Complete jobs'));
  if (completionTime !== undefined && startTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    faults.push(fieldInvalid(here, completionTime, 'completionTime cannot be set before startTime'));
  }
  if (completionTime !== undefined && before.completionTime !== undefined && completionTime !== before.completionTime) {
    faults.push(fieldInvalid(here, completionTime, 'completionTime cannot be mutated'));
  }
  if (before.startTime !== undefined && before.startTime !== startTime && job.spec?.suspend !== true) {
    faults.push(fieldRequired(path.child('startTime'), 'startTime cannot be removed for unsuspended job'));
  }
}

function validateIndexes(job: Job, faults: Faults): void {
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const { completions, backoffLimitPerIndex, completionMode } = job.spec ?? {};
  if (completions !== undefined) {
    const completed = parseIndexes(completedIndexes, completions);
    const failed = parseIndexes(failedIndexes ?? '', completions);
    if (typeof completed === 'string') {
      faults.push(fieldInvalid(path.child('completedIndexes'), completedIndexes, `error parsing completedIndexes: ${completed}`));
    }
    if (typeof failed === 'string' && backoffLimitPerIndex !== undefined) {
      faults.push(fieldInvalid(path.child('failedIndexes'), failedIndexes, `error parsing failedIndexes: ${failed}`));
    }
    const shared = typeof completed === 'string' || typeof failed === 'string' ? undefined : sharedIndex(completed, failed);
    if (shared !== undefined) {
      const fault = `failedIndexes and completedIndexes overlap at index: ${shared.toString()}`;
      faults.push(fieldInvalid(path.child('failedIndexes'), failedIndexes, fault));
    }
  }
  if (completedIndexes !== '' && completionMode !== 'Indexed') {
    const fault = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    faults.push(fieldInvalid(path.child('completedIndexes'), completedIndexes, fault));
  }
  if (failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    faults.push(
      fieldInvalid(path.child('failedIndexes'), failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'),
    );
  }
}

function validateFinished(job: Job, old: Job, faults: Faults): void {
  const { active = 0, startTime, uncountedTerminatedPods: uncounted, terminating } = job.status ?? {};
  const finished = (one: Job): boolean => isTrue(one, 'Complete') || isTrue(one, 'Failed');
  if (!finished(job) || finished(old)) return;
  if (active > 0) faults.push(fieldInvalid(path.child('active'), active, 'active>0 is invalid for finished job'));
  if (startTime === undefined) faults.push(fieldRequired(path.child('startTime'), 'startTime is required for finished job'));
  if ((uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length > 0) {
    const fault = 'uncountedTerminatedPods needs to be empty for finished job';
    faults.push(fieldInvalid(path.child('uncountedTerminatedPods'), uncounted, fault));
  }
  if ((terminating ?? 0) > 0)
    faults.push(fieldInvalid(path.child('terminating'), terminating, 'terminating>0 is invalid for finished job'));
}

/** What the job controller, or another that was named for it, reports. Only what changes is judged. */
export function validateJobStatus(next: Job, old: Job, faults: Faults): void {
  if (sameJson(next.status, old.status)) return;
  const status = next.status ?? {};
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    checkNotNegative(status[field], path.child(field), faults);
  validateUncounted(status, faults);
  validateConditions(next, old, faults);
  validateTimes(next, old, faults);
  validateFinished(next, old, faults);
  validateIndexes(next, faults);
  if (status.ready !== undefined && status.ready > (status.active ?? 0)) {
    faults.push(fieldInvalid(path.child('ready'), status.ready, 'cannot set more ready pods than active'));
  }
  // An indexed Job with fewer completions than before forgets those beyond.
  const counters = next.spec?.completionMode === 'Indexed' ? (['failed'] as const) : (['failed', 'succeeded'] as const);
  for (const field of counters) {
    if ((status[field] ?? 0) < (old.status?.[field] ?? 0)) {
      faults.push(fieldInvalid(path.child(field), status[field] ?? 0, `cannot decrease the ${field} counter`));
    }
  }
}
