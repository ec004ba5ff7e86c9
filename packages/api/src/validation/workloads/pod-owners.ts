import type { FieldError } from '../../errors/field-error.ts';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
} from '../../generated/types.ts';
import { isSelectorOperator, selectorOf, selectorOfLabels } from '../../selectors/label-selector.ts';
import type { Faults } from '../faults.ts';
import { checkAtMostWhole, checkCountOrPercent, checkImmutable, checkNotNegative, isNone } from '../faults.ts';
import { isEmptySelector, validateLabelSelector } from '../object-meta.ts';
import type { PodLeniency } from '../pods/context.ts';
import { validatePodTemplate } from '../pods/pod-spec.ts';

const spec = FieldPath.of('spec');
const template = spec.child('template');

/** Reports a template that the selector would not find. */
export function matchTemplate(selector: LabelSelector, pods: PodTemplateSpec | undefined, path: FieldPath, faults: Faults): void {
  const known = (selector.matchExpressions ?? []).every(({ operator }) => isSelectorOperator(operator));
  if (known && selectorOf(selector).matches(pods?.metadata?.labels)) return;
  if (known) rejectLabels(pods, path, faults);
}

function rejectLabels(pods: PodTemplateSpec | undefined, path: FieldPath, faults: Faults): void {
  const labels = pods?.metadata?.labels ?? null;
  faults.push(fieldInvalid(path.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'));
}

/**
 * A template as it is after an update. What its earlier state was not sound in may stay that way; `old`
 * is undefined for a new object.
 */
export function validateTemplateAgain(
  next: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const found: FieldError[] = [];
  validatePodTemplate(next ?? {}, path, found);
  if (found.length > 0 && old !== undefined) {
    const before: FieldError[] = [];
    validatePodTemplate(old, path, before);
    const kept = new Set(before.map(({ field, body }) => `${field}: ${body}`));
    if (found.some(({ field, body }) => kept.has(`${field}: ${body}`))) {
      const lenient: PodLeniency = {
        selectorValues: true,
        spreadSelectors: true,
        nodeAffinityValues: true,
        tokenPaths: true,
        hostSysctls: true,
        deletionCost: true,
      };
      found.length = 0;
      validatePodTemplate(next ?? {}, path, found, lenient);
    }
  }
  faults.push(...found);
}

/** Pods of such a template run until they are deleted. */
export function checkLongRunning(pods: PodTemplateSpec | undefined, owner: string, faults: Faults): void {
  const policy = pods?.spec?.restartPolicy ?? 'Always';
  if (policy !== 'Always') faults.push(fieldNotSupported(template.child('spec', 'restartPolicy'), policy, ['Always']));
  if (pods?.spec?.activeDeadlineSeconds !== undefined) {
    const fault = `activeDeadlineSeconds in ${owner} is not Supported`;
    faults.push(fieldForbidden(template.child('spec', 'activeDeadlineSeconds'), fault));
  }
}

/** A selector that was not sent is null in a decoded object. Answers whether it can be compared with a template. */
export function validateOwnSelector(selector: LabelSelector | null | undefined, kind: string, faults: Faults): void {
  const here = spec.child('selector');
  if (!selector) {
    faults.push(fieldRequired(here));
    return;
  }
  validateLabelSelector(selector, here, faults);
  if (isEmptySelector(selector)) faults.push(fieldInvalid(here, selector, `empty selector is invalid for ${kind}`));
}

export function checkTemplateLabels(selector: LabelSelector | null | undefined, pods: PodTemplateSpec | undefined, faults: Faults): void {
  if (!selector) rejectLabels(pods, template, faults);
  else if (!isEmptySelector(selector)) matchTemplate(selector, pods, template, faults);
}

function validateReplicaTemplate(
  selector: LabelSelector | null | undefined,
  next: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined,
  faults: Faults,
): void {
  checkTemplateLabels(selector, next, faults);
  validateTemplateAgain(next, old, template, faults);
  checkLongRunning(next, 'ReplicaSet', faults);
}

function validateDeploymentWith({ spec: wanted }: Deployment, old: Deployment | undefined, faults: Faults): void {
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  validateOwnSelector(wanted?.selector, 'deployment', faults);
  validateReplicaTemplate(wanted?.selector, wanted?.template, old?.spec?.template, faults);
  const strategy = wanted?.strategy;
  const here = spec.child('strategy');
  const rolling = strategy?.rollingUpdate;
  if (strategy !== undefined && strategy.type !== 'Recreate' && strategy.type !== 'RollingUpdate') {
    faults.push(fieldNotSupported(here, strategy, ['Recreate', 'RollingUpdate']));
  } else if (strategy?.type === 'Recreate' && rolling !== undefined) {
    faults.push(fieldForbidden(here.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'"));
  } else if (rolling !== undefined) {
    const unavailable = here.child('rollingUpdate', 'maxUnavailable');
    checkCountOrPercent(rolling.maxUnavailable, unavailable, faults);
    checkCountOrPercent(rolling.maxSurge, here.child('rollingUpdate', 'maxSurge'), faults);
    if (isNone(rolling.maxUnavailable) && isNone(rolling.maxSurge)) {
      faults.push(fieldInvalid(unavailable, rolling.maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
    }
    checkAtMostWhole(rolling.maxUnavailable, unavailable, faults);
  }
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  checkNotNegative(wanted?.revisionHistoryLimit, spec.child('revisionHistoryLimit'), faults);
  const deadline = wanted?.progressDeadlineSeconds;
  const there = spec.child('progressDeadlineSeconds');
  checkNotNegative(deadline, there, faults);
  if (deadline !== undefined && deadline <= (wanted?.minReadySeconds ?? 0)) {
    faults.push(fieldInvalid(there, deadline, 'must be greater than minReadySeconds'));
  }
}

export function validateDeployment(object: Deployment, faults: Faults): void {
  validateDeploymentWith(object, undefined, faults);
}

export function validateDeploymentUpdate(next: Deployment, old: Deployment, faults: Faults): void {
  validateDeploymentWith(next, old, faults);
  checkImmutable(next.spec?.selector, old.spec?.selector, spec.child('selector'), faults);
}

function validateReplicaSetWith({ spec: wanted }: ReplicaSet, old: ReplicaSet | undefined, faults: Faults): void {
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  validateOwnSelector(wanted?.selector, 'deployment', faults);
  validateReplicaTemplate(wanted?.selector, wanted?.template, old?.spec?.template, faults);
}

export function validateReplicaSet(object: ReplicaSet, faults: Faults): void {
  validateReplicaSetWith(object, undefined, faults);
}

export function validateReplicaSetUpdate(next: ReplicaSet, old: ReplicaSet, faults: Faults): void {
  validateReplicaSetWith(next, old, faults);
  checkImmutable(next.spec?.selector, old.spec?.selector, spec.child('selector'), faults);
}

function validateControllerWith({ spec: wanted }: ReplicationController, old: ReplicationController | undefined, faults: Faults): void {
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  const isEmpty = Object.keys(wanted?.selector ?? {}).length === 0;
  if (isEmpty) faults.push(fieldRequired(spec.child('selector')));
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  if (wanted?.template === undefined) {
    faults.push(fieldRequired(template));
    return;
  }
  if (!isEmpty && !selectorOfLabels(wanted.selector).matches(wanted.template.metadata?.labels))
    rejectLabels(wanted.template, template, faults);
  validateTemplateAgain(wanted.template, old?.spec?.template, template, faults);
  checkLongRunning(wanted.template, 'ReplicationController', faults);
}

export function validateReplicationController(object: ReplicationController, faults: Faults): void {
  validateControllerWith(object, undefined, faults);
}

export function validateReplicationControllerUpdate(next: ReplicationController, old: ReplicationController, faults: Faults): void {
  validateControllerWith(next, old, faults);
}

function validateDaemonSetWith({ spec: wanted }: DaemonSet, old: DaemonSet | undefined, faults: Faults): void {
  const selector = wanted?.selector as LabelSelector | null | undefined;
  validateLabelSelector(selector, spec.child('selector'), faults);
  if (!selector) rejectLabels(wanted?.template, template, faults);
  else {
    matchTemplate(selector, wanted?.template, template, faults);
    if (isEmptySelector(selector)) faults.push(fieldInvalid(spec.child('selector'), selector, 'empty selector is invalid for daemonset'));
  }
  validateTemplateAgain(wanted?.template, old?.spec?.template, template, faults);
  checkLongRunning(wanted?.template, 'DaemonSet', faults);
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  validateDaemonStrategy(wanted?.updateStrategy, faults);
  checkNotNegative(wanted?.revisionHistoryLimit, spec.child('revisionHistoryLimit'), faults);
}

function validateDaemonStrategy(strategy: NonNullable<DaemonSet['spec']>['updateStrategy'], faults: Faults): void {
  const here = spec.child('updateStrategy');
  if (strategy === undefined || strategy.type === 'OnDelete') return;
  if (strategy.type !== 'RollingUpdate') {
    faults.push(fieldNotSupported(here, strategy, ['RollingUpdate', 'OnDelete']));
    return;
  }
  const rolling = strategy.rollingUpdate;
  if (rolling === undefined) {
    faults.push(fieldRequired(here.child('rollingUpdate')));
    return;
  }
  const unavailable = here.child('rollingUpdate', 'maxUnavailable');
  const surge = here.child('rollingUpdate', 'maxSurge');
  checkCountOrPercent(rolling.maxUnavailable, unavailable, faults);
  checkCountOrPercent(rolling.maxSurge, surge, faults);
  checkAtMostWhole(rolling.maxUnavailable, unavailable, faults);
  checkAtMostWhole(rolling.maxSurge, surge, faults);
  const takesDown = !isNone(rolling.maxUnavailable);
  const adds = !isNone(rolling.maxSurge);
  if (takesDown && adds) faults.push(fieldInvalid(surge, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'));
  else if (!takesDown && !adds) faults.push(fieldRequired(unavailable, 'cannot be 0 when maxSurge is 0'));
}

export function validateDaemonSet(object: DaemonSet, faults: Faults): void {
  validateDaemonSetWith(object, undefined, faults);
}

export function validateDaemonSetUpdate(next: DaemonSet, old: DaemonSet, faults: Faults): void {
  validateDaemonSetWith(next, old, faults);
  checkImmutable(next.spec?.selector, old.spec?.selector, spec.child('selector'), faults);
}

export function validateRevision(revision: ControllerRevision, faults: Faults): void {
  if (revision.data === undefined || revision.data === null) faults.push(fieldRequired(FieldPath.of('data'), 'data is mandatory'));
  checkNotNegative(revision.revision, FieldPath.of('revision'), faults);
}

export function validateRevisionUpdate(next: ControllerRevision, old: ControllerRevision, faults: Faults): void {
  checkImmutable(next.data, old.data, FieldPath.of('data'), faults);
}
