import { fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type { Affinity, NodeSelectorTerm, Pod, PodAffinityTerm, PodSpec, PodTemplateSpec, Toleration } from '../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults, ipFaults, labelValueFaults, qualifiedNameFaults } from '../names.ts';
import { sameJson } from '../patch/json-value.ts';
import { validateContainers } from './containers.ts';
import type { Faults } from './faults.ts';
import { checkNotNegative, checkOneOf, checkRange, checkSyntax, omit } from './faults.ts';
import { validateAnnotations, validateLabels, validateLabelSelector } from './object-meta.ts';
import { validateVolumes } from './volumes.ts';

const maxInt32 = 2_147_483_647;
const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: FieldPath, faults: Faults): void {
  for (const [at, toleration] of (tolerations ?? []).entries()) {
    const here = path.index(at);
    const { key = '', operator = 'Equal', value = '', effect, tolerationSeconds } = toleration;
    if (key !== '') checkSyntax(key, qualifiedNameFaults, here.child('key'), faults);
    else if (operator !== 'Exists') {
      faults.push(
        fieldInvalid(
          here.child('operator'),
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      faults.push(fieldInvalid(here.child('effect'), effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === 'Equal') checkSyntax(value, labelValueFaults, here.child('value'), faults);
    else if (operator === 'Exists' && value !== '') {
      faults.push(fieldInvalid(here.child('operator'), toleration, "value must be empty when `operator` is 'Exists'"));
    } else checkOneOf(operator, ['Equal', 'Exists'], here.child('operator'), faults);
    checkOneOf(effect, effects, here.child('effect'), faults);
  }
}

function validateTerm(term: NodeSelectorTerm, path: FieldPath, faults: Faults): void {
  for (const [at, { key, operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const here = path.child('matchExpressions').index(at);
    checkSyntax(key, qualifiedNameFaults, here.child('key'), faults);
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      faults.push(fieldRequired(here.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      faults.push(fieldForbidden(here.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
    if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
      faults.push(fieldRequired(here.child('values'), "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    }
    if (!['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'].includes(operator)) {
      faults.push(fieldInvalid(here.child('operator'), operator, 'not a valid selector operator'));
    }
  }
}

function validatePodTerm(term: PodAffinityTerm, path: FieldPath, faults: Faults): void {
  validateLabelSelector(term.labelSelector, path.child('labelSelector'), faults);
  if (!term.topologyKey) faults.push(fieldRequired(path.child('topologyKey'), 'can not be empty'));
  else checkSyntax(term.topologyKey, qualifiedNameFaults, path.child('topologyKey'), faults);
}

function validateWeight(weight: number, path: FieldPath, faults: Faults): void {
  if (weight < 1 || weight > 100) faults.push(fieldInvalid(path.child('weight'), weight, 'must be in the range 1-100'));
}

function validateAffinity(affinity: Affinity | undefined, path: FieldPath, faults: Faults): void {
  const node = affinity?.nodeAffinity;
  const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
  const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
  const terms = node?.[hard]?.nodeSelectorTerms;
  if (node?.[hard] !== undefined && (terms ?? []).length === 0) {
    faults.push(fieldRequired(path.child('nodeAffinity', hard, 'nodeSelectorTerms'), 'must have at least one node selector term'));
  }
  for (const [at, term] of (terms ?? []).entries())
    validateTerm(term, path.child('nodeAffinity', hard, 'nodeSelectorTerms').index(at), faults);
  for (const [at, term] of (node?.[soft] ?? []).entries()) {
    const here = path.child('nodeAffinity', soft).index(at);
    validateWeight(term.weight, here, faults);
    validateTerm(term.preference, here.child('preference'), faults);
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    for (const [at, term] of (affinity?.[kind]?.[hard] ?? []).entries()) validatePodTerm(term, path.child(kind, hard).index(at), faults);
    for (const [at, term] of (affinity?.[kind]?.[soft] ?? []).entries()) {
      const here = path.child(kind, soft).index(at);
      validateWeight(term.weight, here, faults);
      validatePodTerm(term.podAffinityTerm, here.child('podAffinityTerm'), faults);
    }
  }
}

function validateSpread(spec: PodSpec, path: FieldPath, faults: Faults): void {
  for (const [at, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    const here = path.index(at);
    if (constraint.maxSkew <= 0) faults.push(fieldInvalid(here.child('maxSkew'), constraint.maxSkew, 'must be greater than zero'));
    if (!constraint.topologyKey) faults.push(fieldRequired(here.child('topologyKey'), 'can not be empty'));
    checkOneOf(constraint.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], here.child('whenUnsatisfiable'), faults, true);
    validateLabelSelector(constraint.labelSelector, here.child('labelSelector'), faults);
  }
}

/** A pod's spec, wherever it stands. */
export function validatePodSpec(spec: PodSpec, path: FieldPath, faults: Faults): void {
  const volumes = validateVolumes(spec.volumes, path.child('volumes'), faults);
  validateContainers(spec, { volumes, hostNetwork: spec.hostNetwork === true }, path, faults);
  checkOneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], path.child('restartPolicy'), faults);
  checkOneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], path.child('dnsPolicy'), faults);
  validateLabels(spec.nodeSelector, path.child('nodeSelector'), faults);
  if (spec.serviceAccountName) checkSyntax(spec.serviceAccountName, dns1123SubdomainFaults, path.child('serviceAccountName'), faults);
  if (spec.nodeName) checkSyntax(spec.nodeName, dns1123SubdomainFaults, path.child('nodeName'), faults);
  if (spec.hostname) checkSyntax(spec.hostname, dns1123LabelFaults, path.child('hostname'), faults);
  if (spec.subdomain) checkSyntax(spec.subdomain, dns1123LabelFaults, path.child('subdomain'), faults);
  checkRange(spec.activeDeadlineSeconds, 1, maxInt32, path.child('activeDeadlineSeconds'), faults);
  checkNotNegative(spec.terminationGracePeriodSeconds, path.child('terminationGracePeriodSeconds'), faults);
  checkRange(spec.securityContext?.runAsUser, 0, maxInt32, path.child('securityContext', 'runAsUser'), faults);
  checkRange(spec.securityContext?.runAsGroup, 0, maxInt32, path.child('securityContext', 'runAsGroup'), faults);
  checkRange(spec.securityContext?.fsGroup, 0, maxInt32, path.child('securityContext', 'fsGroup'), faults);
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    faults.push(fieldInvalid(path.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  for (const [at, alias] of (spec.hostAliases ?? []).entries())
    checkSyntax(alias.ip, ipFaults, path.child('hostAliases').index(at).child('ip'), faults);
  for (const [at, gate] of (spec.readinessGates ?? []).entries()) {
    checkSyntax(gate.conditionType, qualifiedNameFaults, path.child('readinessGates').index(at).child('conditionType'), faults);
  }
  validateTolerations(spec.tolerations, path.child('tolerations'), faults);
  validateAffinity(spec.affinity, path.child('affinity'), faults);
  validateSpread(spec, path.child('topologySpreadConstraints'), faults);
}

export function validatePodTemplate(template: PodTemplateSpec, path: FieldPath, faults: Faults): void {
  validateLabels(template.metadata?.labels, path.child('metadata', 'labels'), faults);
  validateAnnotations(template.metadata?.annotations, path.child('metadata', 'annotations'), faults);
  validatePodSpec(template.spec ?? { containers: [] }, path.child('spec'), faults);
}

const specPath = FieldPath.of('spec');

export function validatePod(pod: Pod, faults: Faults): void {
  validatePodSpec(pod.spec ?? { containers: [] }, specPath, faults);
}

export function validatePodCreate(pod: Pod, faults: Faults): void {
  if ((pod.spec?.ephemeralContainers ?? []).length > 0)
    faults.push(fieldForbidden(specPath.child('ephemeralContainers'), 'cannot be set on create'));
}

const updateFault =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** The part of a spec that an update must leave alone. */
function fixedPart(spec: PodSpec | undefined, gated: boolean): Record<string, unknown> {
  const free = ['containers', 'initContainers', 'activeDeadlineSeconds', 'tolerations', 'schedulingGates'];
  const whileGated = gated ? ['nodeSelector', 'affinity'] : [];
  const withoutImage = (container: object): object => omit(container, 'image');
  return {
    ...omit(spec, ...free, ...whileGated),
    containers: (spec?.containers ?? []).map(withoutImage),
    initContainers: (spec?.initContainers ?? []).map(withoutImage),
  };
}

export function validatePodUpdate(next: Pod, old: Pod, faults: Faults): void {
  const before = old.spec;
  const after = next.spec;
  if ((before?.containers ?? []).length !== (after?.containers ?? []).length) {
    faults.push(fieldForbidden(specPath.child('containers'), 'pod updates may not add or remove containers'));
    return;
  }
  const oldDeadline = before?.activeDeadlineSeconds;
  const newDeadline = after?.activeDeadlineSeconds;
  if (oldDeadline !== undefined && newDeadline === undefined) {
    faults.push(fieldInvalid(specPath.child('activeDeadlineSeconds'), null, 'must not update from a positive integer to nil value'));
  } else if (oldDeadline !== undefined && newDeadline !== undefined && newDeadline > oldDeadline) {
    faults.push(fieldInvalid(specPath.child('activeDeadlineSeconds'), newDeadline, `must be less than or equal to previous value`));
  }
  const kept = (before?.tolerations ?? []).every((one) =>
    (after?.tolerations ?? []).some((other) => sameJson(omit(one, 'tolerationSeconds'), omit(other, 'tolerationSeconds'))),
  );
  if (!kept)
    faults.push(fieldForbidden(specPath.child('tolerations'), 'existing toleration can not be modified except its tolerationSeconds'));
  const oldGates = (before?.schedulingGates ?? []).map(({ name }) => name);
  const added = (after?.schedulingGates ?? []).map(({ name }) => name).filter((name) => !oldGates.includes(name));
  if (added.length > 0)
    faults.push(
      fieldForbidden(specPath.child('schedulingGates'), `only deletion is allowed, but found new scheduling gates '${added.join(', ')}'`),
    );
  const gated = oldGates.length > 0;
  if (!sameJson(fixedPart(before, gated), fixedPart(after, gated))) faults.push(fieldForbidden(specPath, updateFault));
}
