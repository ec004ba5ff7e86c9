import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults, labelValueFaults, qualifiedNameFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkSyntax, eachOf, greaterThanZero } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';
import type { PodLeniency } from './context.ts';

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: MaybeList<Toleration>, path: FieldPath, faults: Faults): void {
  eachOf(tolerations, path, ({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, here) => {
    if (key !== '') checkSyntax(key, qualifiedNameFaults, here.child('key'), faults);
    else if (operator !== 'Exists') {
      const fault = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      faults.push(fieldInvalid(here.child('operator'), operator, fault));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      faults.push(fieldInvalid(here.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === '' || operator === 'Equal') {
      const texts = labelValueFaults(value);
      if (texts.length > 0) faults.push(fieldInvalid(here.child('operator'), value, texts.join(';')));
    } else if (operator === 'Exists') {
      if (value !== '') faults.push(fieldInvalid(here.child('operator'), value, "value must be empty when `operator` is 'Exists'"));
    } else faults.push(fieldNotSupported(here.child('operator'), operator, ['Equal', 'Exists']));
    if (effect !== '') checkMember(effect, taintEffects, here.child('effect'), faults);
  });
}

function validateNodeRequirement(requirement: NodeSelectorRequirement, lenient: boolean, path: FieldPath, faults: Faults): void {
  const { key, operator, values = [] } = requirement;
  const there = path.child('values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) faults.push(fieldRequired(there, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) faults.push(fieldForbidden(there, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) faults.push(fieldRequired(there, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      faults.push(fieldInvalid(path.child('operator'), operator, 'not a valid selector operator'));
  }
  checkSyntax(key, qualifiedNameFaults, path.child('key'), faults);
  if (lenient) return;
  eachOf(values, there, (value, here) => {
    checkSyntax(value, labelValueFaults, here, faults);
  });
}

function validateFieldRequirement({ key, operator, values = [] }: NodeSelectorRequirement, path: FieldPath, faults: Faults): void {
  if (operator !== 'In' && operator !== 'NotIn') {
    faults.push(fieldInvalid(path.child('operator'), operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    faults.push(fieldRequired(path.child('values'), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== 'metadata.name') faults.push(fieldInvalid(path.child('key'), key, 'not a valid field selector key'));
  else
    eachOf(values, path.child('values'), (value, here) => {
      checkSyntax(value, dns1123SubdomainFaults, here, faults);
    });
}

function validateNodeTerm(term: NodeSelectorTerm, lenient: boolean, path: FieldPath, faults: Faults): void {
  eachOf(term.matchExpressions, path.child('matchExpressions'), (requirement, here) => {
    validateNodeRequirement(requirement, lenient, here, faults);
  });
  eachOf(term.matchFields, path.child('matchFields'), (requirement, here) => {
    validateFieldRequirement(requirement, here, faults);
  });
}

/** Terms of which a node must meet one. `lenient` lets values be anything. */
export function validateNodeSelector(selector: NodeSelector, lenient: boolean, path: FieldPath, faults: Faults): void {
  const terms = selector.nodeSelectorTerms as MaybeList<NodeSelectorTerm>;
  const here = path.child('nodeSelectorTerms');
  if ((terms ?? []).length === 0) faults.push(fieldRequired(here, 'must have at least one node selector term'));
  eachOf(terms, here, (term, at) => {
    validateNodeTerm(term, lenient, at, faults);
  });
}

function checkWeight(weight: number, path: FieldPath, faults: Faults): void {
  if (weight < 1 || weight > 100) faults.push(fieldInvalid(path.child('weight'), weight, 'must be in the range 1-100'));
}

function checkLabelKeys(keys: MaybeList<string>, selector: LabelSelector | undefined, path: FieldPath, faults: Faults): void {
  if (!keys || keys.length === 0) return;
  if (selector === undefined) faults.push(fieldForbidden(path, 'must not be specified when labelSelector is not set'));
  else
    eachOf(keys, path, (key, here) => {
      checkSyntax(key, qualifiedNameFaults, here, faults);
    });
}

interface KeyedTerm {
  readonly matchLabelKeys?: string[] | undefined;
  readonly mismatchLabelKeys?: string[] | undefined;
  readonly labelSelector?: LabelSelector | undefined;
}

/**
 * Keys whose values are taken from the pod itself. The server merges them into the selector, so a key
 * may be named by one expression of it, not by more.
 */
function validateLabelKeys({ matchLabelKeys, mismatchLabelKeys, labelSelector }: KeyedTerm, path: FieldPath, faults: Faults): void {
  if (!matchLabelKeys && !mismatchLabelKeys) return;
  checkLabelKeys(matchLabelKeys, labelSelector, path.child('matchLabelKeys'), faults);
  checkLabelKeys(mismatchLabelKeys, labelSelector, path.child('mismatchLabelKeys'), faults);
  const named = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const at = matchLabelKeys?.indexOf(key) ?? -1;
    if (at >= 0 && named.has(key)) faults.push(fieldInvalid(path.index(at), key, 'exists in both matchLabelKeys and labelSelector'));
    named.add(key);
  }
  eachOf(matchLabelKeys, path.child('matchLabelKeys'), (key, here) => {
    if (mismatchLabelKeys?.includes(key) === true)
      faults.push(fieldInvalid(here, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  });
}

function validatePodTerm(term: PodAffinityTerm, lenient: PodLeniency, path: FieldPath, faults: Faults): void {
  const anyValue = lenient.selectorValues === true;
  validateLabelSelector(term.labelSelector, path.child('labelSelector'), faults, anyValue);
  validateLabelSelector(term.namespaceSelector, path.child('namespaceSelector'), faults, anyValue);
  for (const namespace of term.namespaces ?? []) checkSyntax(namespace, dns1123LabelFaults, path.child('namespace'), faults);
  validateLabelKeys(term, path, faults);
  if (!term.topologyKey) faults.push(fieldRequired(path.child('topologyKey'), 'can not be empty'));
  checkSyntax(term.topologyKey, qualifiedNameFaults, path.child('topologyKey'), faults);
}

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity | undefined, lenient: PodLeniency, path: FieldPath, faults: Faults): void {
  if (affinity === undefined) return;
  const { nodeAffinity } = affinity;
  if (nodeAffinity !== undefined) {
    const here = path.child('nodeAffinity');
    const required = nodeAffinity[hard];
    if (required !== undefined) validateNodeSelector(required, lenient.nodeAffinityValues === true, here.child(hard), faults);
    eachOf(nodeAffinity[soft], here.child(soft), ({ weight, preference }, at) => {
      checkWeight(weight, at, faults);
      validateNodeTerm(preference, true, at.child('preference'), faults);
    });
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity[kind];
    if (terms === undefined) continue;
    eachOf(terms[hard], path.child(kind, hard), (term, at) => {
      validatePodTerm(term, lenient, at, faults);
    });
    eachOf(terms[soft], path.child(kind, soft), ({ weight, podAffinityTerm }, at) => {
      checkWeight(weight, at, faults);
      validatePodTerm(podAffinityTerm, lenient, at.child('podAffinityTerm'), faults);
    });
  }
}

export function validateSpread(
  constraints: MaybeList<TopologySpreadConstraint>,
  lenient: PodLeniency,
  path: FieldPath,
  faults: Faults,
): void {
  eachOf(constraints, path, (constraint, here, at) => {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (maxSkew <= 0) faults.push(fieldInvalid(here.child('maxSkew'), maxSkew, greaterThanZero));
    if (!topologyKey) faults.push(fieldRequired(here.child('topologyKey'), 'can not be empty'));
    checkMember(whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], here.child('whenUnsatisfiable'), faults);
    const again = constraints?.slice(at + 1).some((one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === whenUnsatisfiable);
    if (again === true) {
      faults.push(fieldDuplicate(here.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) faults.push(fieldInvalid(here.child('minDomains'), minDomains, greaterThanZero));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const fault = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        faults.push(fieldInvalid(here.child('minDomains'), minDomains, fault));
      }
    }
    checkMember(constraint.nodeAffinityPolicy, ['Honor', 'Ignore'], here.child('nodeAffinityPolicy'), faults);
    checkMember(constraint.nodeTaintsPolicy, ['Honor', 'Ignore'], here.child('nodeTaintsPolicy'), faults);
    validateLabelKeys(constraint, here, faults);
    if (lenient.spreadSelectors !== true) validateLabelSelector(constraint.labelSelector, here.child('labelSelector'), faults);
  });
}
