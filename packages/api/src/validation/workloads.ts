import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  JobSpec,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.ts';
import { sameJson } from '../patch/json-value.ts';
import { isSelectorOperator, selectorOf, selectorOfLabels } from '../selectors/label-selector.ts';
import { scheduleFault } from './cron-schedule.ts';
import type { Faults } from './faults.ts';
import { checkAtMostWhole, checkCountOrPercent, checkImmutable, checkNotNegative, checkOneOf, omit } from './faults.ts';
import { isEmptySelector, validateLabelSelector } from './object-meta.ts';
import { validatePodTemplate } from './pod.ts';

const spec = FieldPath.of('spec');
const template = spec.child('template');

/** A template whose pods run until they are deleted, and whose labels the selector must find. */
function validateLongRunning(
  selector: LabelSelector | null | undefined,
  pods: PodTemplateSpec | undefined,
  kind: string,
  faults: Faults,
): void {
  // A selector that was not sent is null in a decoded object.
  if (!selector) {
    faults.push(fieldRequired(spec.child('selector')));
    rejectLabels(pods, faults);
  } else {
    validateLabelSelector(selector, spec.child('selector'), faults);
    if (isEmptySelector(selector)) faults.push(fieldInvalid(spec.child('selector'), selector, `empty selector is invalid for ${kind}`));
    else matchTemplate(selector, pods, faults);
  }
  validateTemplate(pods, faults);
}

function matchTemplate(selector: LabelSelector, pods: PodTemplateSpec | undefined, faults: Faults): void {
  const known = (selector.matchExpressions ?? []).every(({ operator }) => isSelectorOperator(operator));
  if (known && !selectorOf(selector).matches(pods?.metadata?.labels)) rejectLabels(pods, faults);
}

function rejectLabels(pods: PodTemplateSpec | undefined, faults: Faults): void {
  const labels = pods?.metadata?.labels ?? null;
  faults.push(fieldInvalid(template.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'));
}

function validateTemplate(pods: PodTemplateSpec | undefined, faults: Faults): void {
  validatePodTemplate(pods ?? {}, template, faults);
  const policy = pods?.spec?.restartPolicy;
  if (policy !== undefined && policy !== 'Always') {
    faults.push(fieldNotSupported(template.child('spec', 'restartPolicy'), policy, ['Always']));
  }
  if (pods?.spec?.activeDeadlineSeconds !== undefined) {
    faults.push(fieldForbidden(template.child('spec', 'activeDeadlineSeconds'), 'activeDeadlineSeconds in ReplicaSet is not Supported'));
  }
}

function isZero(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || (typeof value === 'string' && Number.parseInt(value, 10) === 0);
}

export function validateDeployment({ spec: wanted }: Deployment, faults: Faults): void {
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  validateLongRunning(wanted?.selector, wanted?.template, 'deployment', faults);
  const strategy = wanted?.strategy;
  const here = spec.child('strategy');
  checkOneOf(strategy?.type, ['Recreate', 'RollingUpdate'], here.child('type'), faults);
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === 'Recreate' && rolling !== undefined) {
    faults.push(fieldForbidden(here.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'"));
  } else if (rolling !== undefined) {
    const there = here.child('rollingUpdate');
    checkCountOrPercent(rolling.maxUnavailable, there.child('maxUnavailable'), faults);
    checkCountOrPercent(rolling.maxSurge, there.child('maxSurge'), faults);
    if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
      faults.push(fieldInvalid(there.child('maxUnavailable'), rolling.maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
    }
    checkAtMostWhole(rolling.maxUnavailable, there.child('maxUnavailable'), faults);
  }
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  checkNotNegative(wanted?.revisionHistoryLimit, spec.child('revisionHistoryLimit'), faults);
  const deadline = wanted?.progressDeadlineSeconds;
  checkNotNegative(deadline, spec.child('progressDeadlineSeconds'), faults);
  if (deadline !== undefined && deadline <= (wanted?.minReadySeconds ?? 0)) {
    faults.push(fieldInvalid(spec.child('progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds'));
  }
}

export function validateReplicaSet({ spec: wanted }: ReplicaSet, faults: Faults): void {
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  validateLongRunning(wanted?.selector, wanted?.template, 'deployment', faults);
}

export function validateReplicationController({ spec: wanted }: ReplicationController, faults: Faults): void {
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  if (Object.keys(wanted?.selector ?? {}).length === 0) faults.push(fieldRequired(spec.child('selector')));
  else if (!selectorOfLabels(wanted?.selector).matches(wanted?.template?.metadata?.labels)) {
    const labels = wanted?.template?.metadata?.labels ?? null;
    faults.push(fieldInvalid(template.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'));
  }
  if (wanted?.template === undefined) faults.push(fieldRequired(template));
  else validateTemplate(wanted.template, faults);
}

/** Deployments, ReplicaSets and DaemonSets: their pods are found by a selector that stays. */
export function validateSelectorUpdate(
  next: Deployment | ReplicaSet | DaemonSet,
  old: Deployment | ReplicaSet | DaemonSet,
  faults: Faults,
): void {
  checkImmutable(next.spec?.selector, old.spec?.selector, spec.child('selector'), faults);
}

export function validateDaemonSet({ spec: wanted }: DaemonSet, faults: Faults): void {
  validateLongRunning(wanted?.selector, wanted?.template, 'daemonset', faults);
  const here = spec.child('updateStrategy');
  checkOneOf(wanted?.updateStrategy?.type, ['RollingUpdate', 'OnDelete'], here.child('type'), faults);
  const rolling = wanted?.updateStrategy?.rollingUpdate;
  if (wanted?.updateStrategy?.type === 'RollingUpdate' && rolling !== undefined) {
    checkCountOrPercent(rolling.maxUnavailable, here.child('rollingUpdate', 'maxUnavailable'), faults);
    checkCountOrPercent(rolling.maxSurge, here.child('rollingUpdate', 'maxSurge'), faults);
    if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
      faults.push(fieldRequired(here.child('rollingUpdate', 'maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
    }
  }
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  checkNotNegative(wanted?.revisionHistoryLimit, spec.child('revisionHistoryLimit'), faults);
}

export function validateStatefulSet({ spec: wanted }: StatefulSet, faults: Faults): void {
  checkOneOf(wanted?.podManagementPolicy, ['OrderedReady', 'Parallel'], spec.child('podManagementPolicy'), faults);
  checkOneOf(wanted?.updateStrategy?.type, ['OnDelete', 'RollingUpdate'], spec.child('updateStrategy', 'type'), faults);
  checkNotNegative(wanted?.updateStrategy?.rollingUpdate?.partition, spec.child('updateStrategy', 'rollingUpdate', 'partition'), faults);
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  checkNotNegative(wanted?.ordinals?.start, spec.child('ordinals', 'start'), faults);
  validateLongRunning(wanted?.selector, templateWithClaims(wanted), 'statefulset', faults);
}

/** The template as pods get it: with a volume for each claim, in place of one of the same name. */
function templateWithClaims(wanted: StatefulSet['spec']): PodTemplateSpec | undefined {
  const names = (wanted?.volumeClaimTemplates ?? []).flatMap((claim) => claim.metadata?.name ?? []);
  const template = wanted?.template;
  if (names.length === 0 || !template?.spec) return template;
  const others = (template.spec.volumes ?? []).filter((volume) => !names.includes(volume.name));
  const volumes = [...others, ...names.map((name) => ({ name, emptyDir: {} }))];
  return { ...template, spec: { ...template.spec, volumes } };
}

const statefulSetFree = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function validateStatefulSetUpdate(next: StatefulSet, old: StatefulSet, faults: Faults): void {
  if (sameJson(omit(next.spec, ...statefulSetFree), omit(old.spec, ...statefulSetFree))) return;
  const names = statefulSetFree.map((name) => `'${name}'`);
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  faults.push(fieldForbidden(spec, `updates to statefulset spec for fields other than ${listed} are forbidden`));
}

function validateJobSpec(wanted: JobSpec | undefined, path: FieldPath, faults: Faults): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    checkNotNegative(wanted?.[field], path.child(field), faults);
  }
  checkOneOf(wanted?.completionMode, ['NonIndexed', 'Indexed'], path.child('completionMode'), faults);
  if (wanted?.completionMode === 'Indexed' && wanted.completions === undefined) {
    faults.push(fieldRequired(path.child('completions'), 'when completion mode is Indexed'));
  }
  validatePodTemplate(wanted?.template ?? {}, path.child('template'), faults);
  const policy = wanted?.template.spec?.restartPolicy;
  const here = path.child('template', 'spec', 'restartPolicy');
  if (policy === undefined || policy === '' || policy === 'Always') faults.push(fieldRequired(here, 'valid values: "OnFailure", "Never"'));
}

export function validateJob({ spec: wanted }: Job, faults: Faults): void {
  validateJobSpec(wanted, spec, faults);
  if (wanted?.selector === undefined) faults.push(fieldRequired(spec.child('selector')));
  else {
    validateLabelSelector(wanted.selector, spec.child('selector'), faults);
    matchTemplate(wanted.selector, wanted.template, faults);
  }
}

export function validateJobUpdate(next: Job, old: Job, faults: Faults): void {
  // Of a suspended job that never started, Kubernetes lets queueing controllers change where its pods run.
  const movable = old.spec?.suspend === true && old.status?.startTime === undefined;
  const fixed = (pods: PodTemplateSpec | undefined): unknown => {
    if (!movable || pods === undefined) return pods;
    const metadata = omit(pods.metadata, 'labels', 'annotations');
    return { metadata, spec: omit(pods.spec, 'nodeSelector', 'affinity', 'tolerations', 'schedulingGates') };
  };
  if (next.spec?.completionMode !== 'Indexed')
    checkImmutable(next.spec?.completions, old.spec?.completions, spec.child('completions'), faults);
  checkImmutable(next.spec?.selector, old.spec?.selector, spec.child('selector'), faults);
  checkImmutable(fixed(next.spec?.template), fixed(old.spec?.template), template, faults);
  checkImmutable(next.spec?.completionMode, old.spec?.completionMode, spec.child('completionMode'), faults);
  checkImmutable(next.spec?.podFailurePolicy, old.spec?.podFailurePolicy, spec.child('podFailurePolicy'), faults);
}

/** A Job's pods carry its name, so a CronJob leaves room for the suffix. */
const maxCronJobName = 52;

export function validateCronJob({ metadata, spec: wanted }: CronJob, faults: Faults): void {
  if ((metadata.name ?? '').length > maxCronJobName) {
    faults.push(
      fieldInvalid(FieldPath.of('metadata', 'name'), metadata.name, `must be no more than ${maxCronJobName.toString()} characters`),
    );
  }
  if (!wanted?.schedule) faults.push(fieldRequired(spec.child('schedule')));
  else {
    const fault = scheduleFault(wanted.schedule);
    if (fault !== undefined) faults.push(fieldInvalid(spec.child('schedule'), wanted.schedule, fault));
  }
  checkNotNegative(wanted?.startingDeadlineSeconds, spec.child('startingDeadlineSeconds'), faults);
  checkOneOf(wanted?.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], spec.child('concurrencyPolicy'), faults);
  checkNotNegative(wanted?.successfulJobsHistoryLimit, spec.child('successfulJobsHistoryLimit'), faults);
  checkNotNegative(wanted?.failedJobsHistoryLimit, spec.child('failedJobsHistoryLimit'), faults);
  validateJobSpec(wanted?.jobTemplate.spec, spec.child('jobTemplate', 'spec'), faults);
}
