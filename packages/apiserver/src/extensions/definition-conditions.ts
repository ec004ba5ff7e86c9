import { sameJson } from '@bayplan/api';
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from '@bayplan/api';
import { approvalOf, isProtectedGroup } from './api-approval.ts';

type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>;
type Status = NonNullable<CustomResourceDefinition['status']>;

/** The names that another definition holds; none before it was looked at. */
export interface AcceptedNames {
  readonly group: string;
  readonly names: CustomResourceDefinitionNames | undefined;
}

/**
 * The status that a definition should have, given the other definitions: which of its names are accepted,
 * and whether it is established, which it stays once it is.
 */
export function statusOf(object: CustomResourceDefinition, others: readonly AcceptedNames[], now: string): Status {
  const before: Status = object.status ?? {};
  const taken = takenNames(object, others);
  const { names, condition } = acceptedNames(object, taken);
  const established = before.conditions?.find((one) => one.type === 'Established');
  const conditions = [condition, establishedCondition(established, condition.status === 'True')];
  const approval = approvalCondition(object);
  if (approval !== undefined) conditions.push(approval);
  return { ...before, acceptedNames: names, conditions: withConditions(before.conditions ?? [], conditions, now) };
}

/** The conditions with some replaced or added; a time changes only with its status. */
export function withConditions(
  before: readonly CustomResourceDefinitionCondition[],
  wanted: readonly Condition[],
  now: string,
): CustomResourceDefinitionCondition[] {
  const result = [...before];
  for (const one of wanted) {
    const at = result.findIndex((other) => other.type === one.type);
    const old = result[at];
    const next = { lastTransitionTime: old?.status === one.status ? (old.lastTransitionTime ?? now) : now, ...one };
    if (at < 0) result.push(next);
    else if (old?.status !== one.status || old.reason !== one.reason || old.message !== one.message) result[at] = next;
  }
  return result;
}

interface TakenNames {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

function takenNames(object: CustomResourceDefinition, others: readonly AcceptedNames[]): TakenNames {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of others) {
    if (other.group !== object.spec.group || other.names === undefined) continue;
    const { plural, singular, shortNames, kind, listKind } = other.names;
    for (const name of [plural, singular, ...(shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [kind, listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}

function acceptedNames(
  object: CustomResourceDefinition,
  taken: TakenNames,
): { names: CustomResourceDefinitionNames; condition: Condition } {
  const wanted = object.spec.names;
  const before: CustomResourceDefinitionNames = object.status?.acceptedNames ?? { plural: '', kind: '' };
  const names: CustomResourceDefinitionNames = { ...before };
  let condition: Condition = { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  const refuse = (reason: string, message: string): void => {
    condition = { type: 'NamesAccepted', status: 'False', reason, message };
  };
  const accept = (field: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: ReadonlySet<string>): void => {
    const name = wanted[field];
    if (name !== undefined && name !== before[field] && used.has(name)) refuse(reason, inUse(name));
    else if (name !== undefined) names[field] = name;
  };
  accept('plural', 'PluralConflict', taken.resources);
  accept('singular', 'SingularConflict', taken.resources);
  if (!sameJson(wanted.shortNames, before.shortNames)) {
    const fresh = (wanted.shortNames ?? []).filter((name) => !before.shortNames?.includes(name));
    const conflicts = fresh.filter((name) => taken.resources.has(name)).map(inUse);
    if (conflicts.length > 0) refuse('ShortNamesConflict', conflicts.length === 1 ? (conflicts[0] ?? '') : `[${conflicts.join(', ')}]`);
    else if (wanted.shortNames === undefined) delete names.shortNames;
    else names.shortNames = wanted.shortNames;
  }
  accept('kind', 'KindConflict', taken.kinds);
  accept('listKind', 'ListKindConflict', taken.kinds);
  if (wanted.categories === undefined) delete names.categories;
  else names.categories = wanted.categories;
  return { names, condition };
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`;

function establishedCondition(before: CustomResourceDefinitionCondition | undefined, accepted: boolean): Condition {
  if (before?.status === 'True') return before;
  if (!accepted) return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  return { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
}

function approvalCondition(object: CustomResourceDefinition): Condition | undefined {
  if (!isProtectedGroup(object.spec.group)) return undefined;
  const { status, reason, message } = approvalOf(object);
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason, message };
}
