import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong, fieldTooMany } from '../../errors/field-error.ts';
import type { FieldError } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicyRule } from '../../generated/types.ts';
import { qualifiedNameFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkNotNegative, checkSyntax, eachOf } from '../faults.ts';
import { parseIndexes } from './job-indexes.ts';

const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;
const maxIndexes = 65_536;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const statuses = ['False', 'True', 'Unknown'];

/** A fault whose value says nothing, because the fault is what is said together. */
function withoutValue(path: FieldPath, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field: path.toString(), body: `Invalid value: ${detail}` };
}

const goList = (values: readonly string[]): string => `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;

function checkChoice(value: string, allowed: readonly string[], path: FieldPath, faults: Faults): void {
  if (!value) faults.push(fieldRequired(path, goList(allowed)));
  else if (!allowed.includes(value)) faults.push(fieldNotSupported(path, value, allowed));
}

function validateExitCodes(
  codes: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  const { operator, containerName } = codes;
  const values = (codes.values as readonly number[] | null | undefined) ?? [];
  checkChoice(operator, ['In', 'NotIn'], path.child('operator'), faults);
  if (containerName !== undefined && !names.has(containerName)) {
    const fault = 'must be one of the container or initContainer names in the pod template';
    faults.push(fieldInvalid(path.child('containerName'), containerName, fault));
  }
  const list = path.child('values');
  if (values.length === 0) faults.push(fieldInvalid(list, values, 'at least one value is required'));
  else if (values.length > maxExitCodes) faults.push(fieldTooMany(list, values.length, maxExitCodes));
  const seen = new Set<number>();
  eachOf(values, list, (value, here) => {
    if (operator === 'In' && value === 0) faults.push(fieldInvalid(here, value, 'must not be 0 for the In operator'));
    if (seen.has(value)) faults.push(fieldDuplicate(here, value));
    seen.add(value);
  });
  if (values.some((value, at) => at > 0 && (values[at - 1] ?? 0) > value)) faults.push(fieldInvalid(list, values, 'must be ordered'));
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, path: FieldPath, faults: Faults): void {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      faults.push(fieldInvalid(path.child('action'), action, 'requires the backoffLimitPerIndex to be set'));
    }
  } else checkChoice(action, actions, path.child('action'), faults);
  if (onExitCodes !== undefined) validateExitCodes(onExitCodes, names, path.child('onExitCodes'), faults);
  const conditions = path.child('onPodConditions');
  if (onPodConditions.length > maxConditions) faults.push(fieldTooMany(conditions, onPodConditions.length, maxConditions));
  eachOf(onPodConditions, conditions, ({ type, status = '' }, here) => {
    checkSyntax(type, qualifiedNameFaults, here.child('type'), faults);
    checkChoice(status, statuses, here.child('status'), faults);
  });
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    faults.push(withoutValue(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    faults.push(withoutValue(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
}

/** What a failed pod means for its job. */
export function validateFailurePolicy(spec: JobSpec, path: FieldPath, faults: Faults): void {
  const rules = (spec.podFailurePolicy?.rules as readonly PodFailurePolicyRule[] | null | undefined) ?? [];
  const list = path.child('rules');
  if (rules.length > maxRules) faults.push(fieldTooMany(list, rules.length, maxRules));
  const pods = spec.template.spec;
  const names = new Set([...(pods?.containers ?? []), ...(pods?.initContainers ?? [])].map(({ name }) => name));
  eachOf(rules, list, (rule, here) => {
    validateFailureRule(rule, spec, names, here, faults);
  });
}

function validateSuccessRule(rule: SuccessPolicyRule, completions: number, path: FieldPath, faults: Faults): void {
  const { succeededCount, succeededIndexes } = rule;
  if (succeededCount === undefined && succeededIndexes === undefined) {
    faults.push(fieldRequired(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let named = 0;
  if (succeededIndexes !== undefined) {
    const here = path.child('succeededIndexes');
    if (succeededIndexes.length > maxIndexes) faults.push(fieldTooLong(here, maxIndexes));
    const parsed = parseIndexes(succeededIndexes, completions);
    if (typeof parsed === 'string') faults.push(fieldInvalid(here, succeededIndexes, `error parsing succeededIndexes: ${parsed}`));
    else named = parsed.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }
  if (succeededCount === undefined) return;
  const here = path.child('succeededCount');
  checkNotNegative(succeededCount, here, faults);
  const atMost = (count: number, what: string): string => `must be less than or equal to ${count.toString()} (the number of ${what})`;
  if (succeededCount > completions) faults.push(fieldInvalid(here, succeededCount, atMost(completions, 'specified completions')));
  if (succeededIndexes !== undefined && succeededCount > named) {
    faults.push(fieldInvalid(here, succeededCount, atMost(named, 'indexes in the specified succeededIndexes field')));
  }
}

/** Which indexes must succeed for the job to have succeeded. */
export function validateSuccessPolicy(spec: JobSpec, path: FieldPath, faults: Faults): void {
  const rules = (spec.successPolicy?.rules as readonly SuccessPolicyRule[] | null | undefined) ?? [];
  const list = path.child('rules');
  if (rules.length === 0) faults.push(fieldRequired(list, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > maxRules) faults.push(fieldTooMany(list, rules.length, maxRules));
  eachOf(rules, list, (rule, here) => {
    validateSuccessRule(rule, spec.completions ?? 0, here, faults);
  });
}
