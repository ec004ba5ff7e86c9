import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type {
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from '../../generated/types.ts';
import { dns1123LabelFaults, pathSegmentFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { aboveZero, checkMember, checkNotNegative, checkRequired, checkSyntax, eachOf, greaterThanZero } from '../faults.ts';
import { validateContainerResourceName } from '../resource-names.ts';
import { readAmount, validateAmount } from '../resources.ts';

type Autoscaler = V2HorizontalPodAutoscaler;
const spec = FieldPath.of('spec');
const maxWindowSeconds = 3600;
const maxPeriodSeconds = 1800;

interface Reference {
  readonly kind: string;
  readonly name: string;
  readonly apiVersion?: string | undefined;
}

function validateReference({ kind, name, apiVersion = '' }: Reference, path: FieldPath, faults: Faults): void {
  checkRequired(kind, pathSegmentFaults, path.child('kind'), faults);
  checkRequired(name, pathSegmentFaults, path.child('name'), faults);
  if (apiVersion.split('/').length > 2) {
    faults.push(fieldInvalid(path.child('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  }
}

function checkPositive(text: string | undefined, path: FieldPath, faults: Faults): void {
  if (text === undefined) return;
  const amount = readAmount(text, path, faults);
  if (amount !== undefined && amount.nanos <= 0n) faults.push(fieldInvalid(path, amount.toString(), 'must be positive'));
}

function validateTarget(target: V2MetricTarget, path: FieldPath, faults: Faults): void {
  const here = path.child('type');
  if (!target.type) faults.push(fieldRequired(here, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type)) {
    faults.push(fieldInvalid(here, target.type, 'must be either Utilization, Value, or AverageValue'));
  }
  checkPositive(target.value, path.child('value'), faults);
  checkPositive(target.averageValue, path.child('averageValue'), faults);
  const share = target.averageUtilization;
  if (share !== undefined && share < 1) faults.push(fieldInvalid(path.child('averageUtilization'), share, aboveZero));
}

function validateMetric(metric: V2MetricIdentifier, path: FieldPath, faults: Faults): void {
  if (!metric.name) faults.push(fieldRequired(path.child('name'), 'must specify a metric name'));
  else checkSyntax(metric.name, pathSegmentFaults, path.child('name'), faults);
}

/** Of what a node measures: a share of what was asked for, or an amount. */
function validateShare(target: V2MetricTarget, path: FieldPath, faults: Faults): void {
  validateTarget(target, path, faults);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    faults.push(fieldRequired(path.child('averageUtilization'), 'must set either a target raw value or a target utilization'));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    faults.push(fieldForbidden(path.child('averageValue'), 'may not set both a target raw value and a target utilization'));
  }
}

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof sources)[number];
const types: Readonly<Record<string, Source>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

function validateSource(metric: V2MetricSpec, source: Source, path: FieldPath, faults: Faults): void {
  const { object, external, pods, resource, containerResource } = metric;
  const target = path.child('target');
  if (source === 'object' && object !== undefined) {
    validateReference(object.describedObject, path.child('describedObject'), faults);
    validateMetric(object.metric, path.child('metric'), faults);
    validateTarget(object.target, target, faults);
    if (object.target.value === undefined && object.target.averageValue === undefined) {
      faults.push(fieldRequired(target.child('averageValue'), 'must set either a target value or averageValue'));
    }
  } else if (source === 'external' && external !== undefined) {
    validateMetric(external.metric, path.child('metric'), faults);
    validateTarget(external.target, target, faults);
    const { value, averageValue } = external.target;
    if (value === undefined && averageValue === undefined) {
      faults.push(fieldRequired(target.child('averageValue'), 'must set either a target value for metric or a per-pod target'));
    }
    if (value !== undefined && averageValue !== undefined) {
      faults.push(fieldForbidden(target.child('value'), 'may not set both a target value for metric and a per-pod target'));
    }
  } else if (source === 'pods' && pods !== undefined) {
    validateMetric(pods.metric, path.child('metric'), faults);
    validateTarget(pods.target, target, faults);
    if (pods.target.averageValue === undefined) {
      faults.push(fieldRequired(target.child('averageValue'), 'must specify a positive target averageValue'));
    }
  } else if (source === 'resource' && resource !== undefined) {
    if (!resource.name) faults.push(fieldRequired(path.child('name'), 'must specify a resource name'));
    validateShare(resource.target, target, faults);
  } else if (containerResource !== undefined) {
    const { name, container } = containerResource;
    if (!name) faults.push(fieldRequired(path.child('name'), 'must specify a resource name'));
    else validateContainerResourceName(name, path.child('name'), faults);
    if (!container) faults.push(fieldRequired(path.child('container'), 'must specify a container'));
    else checkSyntax(container, dns1123LabelFaults, path.child('container'), faults);
    validateShare(containerResource.target, target, faults);
  }
}

function validateMetricSpec(metric: V2MetricSpec, path: FieldPath, faults: Faults): void {
  const known = Object.keys(types);
  const here = path.child('type');
  if (!metric.type) faults.push(fieldRequired(here, 'must specify a metric source type'));
  if (!known.includes(metric.type)) faults.push(fieldNotSupported(here, metric.type, known));
  const present = sources.filter((source) => metric[source] !== undefined);
  const [first] = present;
  if (first !== undefined) validateSource(metric, first, path.child(first), faults);
  const expected = types[metric.type];
  if (expected !== undefined && metric[expected] === undefined) {
    faults.push(fieldRequired(path.child(expected), 'must populate information for the given metric source'));
  }
  if (present.length === 1) return;
  for (const source of present) {
    if (source !== expected) faults.push(fieldForbidden(path.child(source), 'must populate the given metric source only'));
  }
}

function validateRules(rules: V2HPAScalingRules | undefined, path: FieldPath, faults: Faults): void {
  if (rules === undefined) return;
  const seconds = rules.stabilizationWindowSeconds;
  const here = path.child('stabilizationWindowSeconds');
  if (seconds !== undefined && seconds < 0) faults.push(fieldInvalid(here, seconds, 'must be greater than or equal to zero'));
  if (seconds !== undefined && seconds > maxWindowSeconds) {
    faults.push(fieldInvalid(here, seconds, `must be less than or equal to ${maxWindowSeconds.toString()}`));
  }
  checkMember(rules.selectPolicy, ['Disabled', 'Max', 'Min'], path.child('selectPolicy'), faults);
  const policies = path.child('policies');
  if ((rules.policies ?? []).length === 0) faults.push(fieldRequired(policies, 'must specify at least one Policy'));
  eachOf(rules.policies, policies, ({ type, value, periodSeconds }, at) => {
    checkMember(type, ['Percent', 'Pods'], at.child('type'), faults);
    if (value <= 0) faults.push(fieldInvalid(at.child('value'), value, greaterThanZero));
    const period = at.child('periodSeconds');
    if (periodSeconds <= 0) faults.push(fieldInvalid(period, periodSeconds, greaterThanZero));
    if (periodSeconds > maxPeriodSeconds) {
      faults.push(fieldInvalid(period, periodSeconds, `must be less than or equal to ${maxPeriodSeconds.toString()}`));
    }
  });
  if (rules.tolerance !== undefined) validateAmount(rules.tolerance, path.child('tolerance'), faults);
}

/** Both versions, in the one they are stored in. */
export function validateAutoscaler({ spec: wanted }: Autoscaler, faults: Faults): void {
  const max = wanted?.maxReplicas ?? 0;
  const min = wanted?.minReplicas;
  if (min !== undefined && min < 1) faults.push(fieldInvalid(spec.child('minReplicas'), min, 'must be greater than or equal to 1'));
  if (max < 1) faults.push(fieldInvalid(spec.child('maxReplicas'), max, aboveZero));
  if (min !== undefined && max < min) {
    faults.push(fieldInvalid(spec.child('maxReplicas'), max, 'must be greater than or equal to `minReplicas`'));
  }
  validateReference(wanted?.scaleTargetRef ?? { kind: '', name: '' }, spec.child('scaleTargetRef'), faults);
  const metrics = wanted?.metrics ?? [];
  eachOf(metrics, spec.child('metrics'), (metric, here) => {
    validateMetricSpec(metric, here, faults);
  });
  if (min === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const fault = 'must specify at least one Object or External metric to support scaling to zero replicas';
    faults.push(fieldForbidden(spec.child('metrics'), fault));
  }
  validateRules(wanted?.behavior?.scaleUp, spec.child('behavior', 'scaleUp'), faults);
  validateRules(wanted?.behavior?.scaleDown, spec.child('behavior', 'scaleDown'), faults);
}

export function validateAutoscalerStatus(next: Autoscaler, _old: Autoscaler, faults: Faults): void {
  for (const field of ['currentReplicas', 'desiredReplicas'] as const) {
    checkNotNegative(next.status?.[field], FieldPath.of('status', field), faults);
  }
}
