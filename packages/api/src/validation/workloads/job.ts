import { fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { CronJob, Job, JobSpec, PodTemplateSpec } from '../../generated/types.ts';
import { dns1123LabelFaults, domainPathFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import { selectorOf } from '../../selectors/label-selector.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable, checkMember, checkNotNegative, checkRequired, omit } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';
import { scheduleFault } from './cron-schedule.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './job-policies.ts';
import { matchTemplate, validateTemplateAgain } from './pod-owners.ts';

const spec = FieldPath.of('spec');
const maxManagedBy = 63;
// What keeps the lists of indexes in an indexed job's status small.
const maxParallelism = 100_000;
const maxFailedIndexes = 100_000;
const manyCompletions = 100_000;
const maxParallelismOfMany = 10_000;
const maxFailedIndexesOfMany = 10_000;

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

function validateIndexed(wanted: JobSpec, path: FieldPath, faults: Faults): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex } = wanted;
  if (completions === undefined) faults.push(fieldRequired(path.child('completions'), 'when completion mode is Indexed'));
  const atMost = (max: number, when = ''): string => `must be less than or equal to ${max.toString()}${when}`;
  if (parallelism > maxParallelism) {
    faults.push(fieldInvalid(path.child('parallelism'), parallelism, atMost(maxParallelism, ' when completion mode is Indexed')));
  }
  const here = path.child('maxFailedIndexes');
  if (completions !== undefined && failed !== undefined && failed > completions) {
    faults.push(fieldInvalid(here, failed, 'must be less than or equal to completions'));
  }
  if (failed !== undefined && failed > maxFailedIndexes) faults.push(fieldInvalid(here, failed, atMost(maxFailedIndexes)));
  if ((completions ?? 0) <= manyCompletions || backoffLimitPerIndex === undefined) return;
  const when = ` when completions are above ${manyCompletions.toString()} and used with backoff limit per index`;
  if (failed === undefined) faults.push(fieldRequired(here, `must be specified when completions is above ${manyCompletions.toString()}`));
  if (parallelism > maxParallelismOfMany) {
    faults.push(fieldInvalid(path.child('parallelism'), parallelism, atMost(maxParallelismOfMany, when)));
  }
  if (failed !== undefined && failed > maxFailedIndexesOfMany)
    faults.push(fieldInvalid(here, failed, atMost(maxFailedIndexesOfMany, when)));
}

function validateRestartPolicy(wanted: JobSpec, path: FieldPath, faults: Faults): void {
  const policy = wanted.template.spec?.restartPolicy ?? '';
  const here = path.child('template', 'spec', 'restartPolicy');
  if (policy === '' || policy === 'Always') faults.push(fieldRequired(here, 'valid values: "OnFailure", "Never"'));
  else if (policy !== 'OnFailure' && policy !== 'Never') faults.push(fieldNotSupported(here, policy, ['OnFailure', 'Never']));
  else if (wanted.podFailurePolicy !== undefined && policy !== 'Never') {
    faults.push(fieldInvalid(here, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

/** A job's spec, its own or that of a CronJob's template. */
function validateSpec(wanted: JobSpec, old: PodTemplateSpec | undefined, path: FieldPath, faults: Faults): void {
  for (const field of counts) checkNotNegative(wanted[field], path.child(field), faults);
  if (wanted.maxFailedIndexes !== undefined && wanted.backoffLimitPerIndex === undefined) {
    faults.push(fieldRequired(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  if (wanted.managedBy !== undefined) {
    checkRequired(wanted.managedBy, domainPathFaults, path.child('managedBy'), faults);
    if (wanted.managedBy.length > maxManagedBy) faults.push(fieldTooLong(path.child('managedBy'), maxManagedBy));
  }
  checkMember(wanted.completionMode, ['NonIndexed', 'Indexed'], path.child('completionMode'), faults);
  const isIndexed = wanted.completionMode === 'Indexed';
  if (isIndexed) validateIndexed(wanted, path, faults);
  else if (wanted.completionMode === undefined || wanted.completionMode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      const value = wanted[field];
      if (value !== undefined) faults.push(fieldInvalid(path.child(field), value, 'requires indexed completion mode'));
    }
  }
  if (wanted.podFailurePolicy !== undefined) validateFailurePolicy(wanted, path.child('podFailurePolicy'), faults);
  if (wanted.successPolicy !== undefined) {
    const here = path.child('successPolicy');
    if (isIndexed) validateSuccessPolicy(wanted, here, faults);
    else faults.push(fieldInvalid(here, wanted.successPolicy, 'requires indexed completion mode'));
  }
  const replacement = wanted.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  checkMember(wanted.podReplacementPolicy, replacement, path.child('podReplacementPolicy'), faults);
  validateTemplateAgain(wanted.template, old, path.child('template'), faults);
  validateRestartPolicy(wanted, path, faults);
}

const emptySpec: JobSpec = { template: {} };

const generated = {
  uid: ['controller-uid', 'batch.kubernetes.io/controller-uid'],
  name: ['job-name', 'batch.kubernetes.io/job-name'],
} as const;

/** The selector that the server made names the job itself, and the template must carry the same labels. */
function validateGeneratedSelector({ metadata, spec: wanted }: Job, faults: Faults): void {
  if (wanted?.manualSelector === true || wanted?.selector === undefined) return;
  const uid = metadata?.uid ?? '';
  if (uid === '') faults.push(fieldRequired(FieldPath.of('metadata', 'uid')));
  const labels = wanted.template.metadata?.labels;
  const path = spec.child('template', 'metadata', 'labels');
  const expected: Record<string, string> = {};
  for (const at of [0, 1] as const) {
    for (const [key, value] of [
      [generated.uid[at], uid],
      [generated.name[at], metadata?.name ?? ''],
    ] as const) {
      expected[key] = value;
      if (labels?.[key] === undefined) faults.push(fieldRequired(path.key(key), `must be '${value}'`));
      else if (labels[key] !== value) faults.push(fieldInvalid(path.key(key), labels, `must be '${value}'`));
    }
  }
  if (!selectorOf(wanted.selector).matches(expected)) {
    faults.push(fieldInvalid(spec.child('selector'), wanted.selector, '`selector` not auto-generated'));
  }
}

function validateOwnSpec(wanted: JobSpec, old: PodTemplateSpec | undefined, faults: Faults): void {
  validateSpec(wanted, old, spec, faults);
  if (wanted.selector === undefined) faults.push(fieldRequired(spec.child('selector')));
  else {
    validateLabelSelector(wanted.selector, spec.child('selector'), faults);
    matchTemplate(wanted.selector, wanted.template, spec.child('template'), faults);
  }
}

export function validateJob(job: Job, faults: Faults): void {
  validateGeneratedSelector(job, faults);
  const wanted = job.spec ?? emptySpec;
  validateOwnSpec(wanted, undefined, faults);
  // Pods of an indexed job are named after it and their index, and that name is their host name.
  if (wanted.completionMode !== 'Indexed' || (wanted.completions ?? 0) <= 0) return;
  const last = `${job.metadata?.name ?? ''}-${((wanted.completions ?? 0) - 1).toString()}`;
  if (dns1123LabelFaults(last).length > 0) {
    const fault = `will not able to create pod with invalid DNS label: ${last}`;
    faults.push(fieldInvalid(FieldPath.of('metadata', 'name'), job.metadata?.name, fault));
  }
}

/** What may differ between two templates of a suspended job: where its pods run, and what they may use. */
function directives(pods: PodTemplateSpec, movable: boolean): unknown {
  if (!movable) return pods;
  const withoutResources = (list: readonly object[] | null | undefined): unknown =>
    (list ?? []).map((container) => omit(container, 'resources'));
  return {
    metadata: omit(pods.metadata, 'labels', 'annotations'),
    spec: {
      ...omit(pods.spec, 'nodeSelector', 'affinity', 'tolerations', 'schedulingGates', 'containers', 'initContainers'),
      podAffinity: omit(pods.spec?.affinity, 'nodeAffinity'),
      containers: withoutResources(pods.spec?.containers),
      initContainers: withoutResources(pods.spec?.initContainers),
    },
  };
}

/** A job that is suspended and has no running pods; its pods have not been made, or are all gone. */
function isAtRest({ spec: wanted, status }: Job): boolean {
  const isSuspended = status?.conditions?.some(({ type, status: value }) => type === 'Suspended' && value === 'True') === true;
  return wanted?.suspend === true && (status?.startTime === undefined || isSuspended) && (status?.active ?? 0) === 0;
}

export function validateJobUpdate(next: Job, old: Job, faults: Faults): void {
  const wanted = next.spec ?? emptySpec;
  const before = old.spec ?? emptySpec;
  validateOwnSpec(wanted, before.template, faults);
  const completions = spec.child('completions');
  if (wanted.completionMode !== 'Indexed') checkImmutable(wanted.completions, before.completions, completions, faults);
  else if (wanted.completions !== undefined && wanted.completions !== before.completions && wanted.completions !== wanted.parallelism) {
    faults.push(fieldInvalid(completions, wanted.completions, 'can only be modified in tandem with spec.parallelism'));
  }
  checkImmutable(wanted.selector, before.selector, spec.child('selector'), faults);
  const movable = isAtRest(old);
  if (!sameJson(directives(wanted.template, movable), directives(before.template, movable))) {
    checkImmutable(wanted.template, before.template, spec.child('template'), faults);
  }
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    checkImmutable(wanted[field], before[field], spec.child(field), faults);
  }
}

/** A job's name is its CronJob's and eleven characters of a time. */
const maxCronJobName = 52;
const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/;

function validateZone(zone: string | undefined, path: FieldPath, faults: Faults): void {
  if (zone === undefined) return;
  if (zone === '') {
    faults.push(fieldInvalid(path, zone, 'timeZone must be nil or non-empty string'));
    return;
  }
  const parts = zone.split('/');
  if (parts.some((part) => part === '.' || part === '..' || part.startsWith('-') || !zonePart.test(part))) {
    faults.push(fieldInvalid(path, zone, `unknown time zone ${zone}`));
    return;
  }
  if (zone.toLowerCase() === 'local') {
    faults.push(fieldInvalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'));
  } else if (!isKnownZone(zone)) faults.push(fieldInvalid(path, zone, `unknown time zone ${zone}`));
}

function isKnownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function validateCronWith({ spec: wanted }: CronJob, old: CronJob | undefined, faults: Faults): void {
  const here = spec.child('schedule');
  const schedule = wanted?.schedule ?? '';
  const zoned = schedule.includes('TZ');
  if (schedule === '') faults.push(fieldRequired(here));
  else {
    const fault = scheduleFault(schedule.replace(/^(CRON_)?TZ=\S+\s+/, ''));
    if (fault !== undefined) faults.push(fieldInvalid(here, schedule, fault));
    const wasZoned = old?.spec?.schedule.includes('TZ') === true;
    if (zoned && !wasZoned) faults.push(fieldInvalid(here, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
    else if (zoned && wanted?.timeZone !== undefined) {
      faults.push(fieldInvalid(here, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
    }
  }
  checkNotNegative(wanted?.startingDeadlineSeconds, spec.child('startingDeadlineSeconds'), faults);
  if (old === undefined || old.spec?.timeZone !== wanted?.timeZone) validateZone(wanted?.timeZone, spec.child('timeZone'), faults);
  checkMember(wanted?.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], spec.child('concurrencyPolicy'), faults);
  const job = wanted?.jobTemplate.spec ?? emptySpec;
  const path = spec.child('jobTemplate', 'spec');
  validateSpec(job, old?.spec?.jobTemplate.spec?.template, path, faults);
  if (job.selector !== undefined) faults.push(fieldInvalid(path.child('selector'), job.selector, '`selector` will be auto-generated'));
  if (job.manualSelector === true) faults.push(fieldNotSupported(path.child('manualSelector'), true, ['nil', 'false']));
  checkNotNegative(wanted?.successfulJobsHistoryLimit, spec.child('successfulJobsHistoryLimit'), faults);
  checkNotNegative(wanted?.failedJobsHistoryLimit, spec.child('failedJobsHistoryLimit'), faults);
}

export function validateCronJob(job: CronJob, faults: Faults): void {
  validateCronWith(job, undefined, faults);
  const name = job.metadata?.name ?? '';
  if (name.length > maxCronJobName) {
    faults.push(fieldInvalid(FieldPath.of('metadata', 'name'), name, `must be no more than ${maxCronJobName.toString()} characters`));
  }
}

export function validateCronJobUpdate(next: CronJob, old: CronJob, faults: Faults): void {
  validateCronWith(next, old, faults);
}
