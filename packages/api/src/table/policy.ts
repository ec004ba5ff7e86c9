import type {
  ClusterRoleBinding,
  FlowSchema,
  LabelSelector,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  PriorityLevelConfiguration,
  RbacV1Subject,
  ResourceV1ResourceClaim,
  ResourceSlice,
  RoleBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';
import { age, nameOf, none, orNone } from './cell-text.ts';
import type { Cell, KindTable } from './column.ts';
import { integer, kindTable, wide } from './column.ts';

const unset = '<unset>';
const bindingColumns = ['Name', 'Role', 'Age', wide('Users'), wide('Groups'), wide('ServiceAccounts')];

function subjectsOf(subjects: readonly RbacV1Subject[], kind: string): string {
  const found = subjects.filter((subject) => subject.kind === kind);
  return found.map(({ name, namespace = '' }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name)).join(', ');
}

function bindingCells(object: RoleBinding | ClusterRoleBinding, now: number): Cell[] {
  const subjects = object.subjects ?? [];
  return [
    nameOf(object),
    `${object.roleRef.kind}/${object.roleRef.name}`,
    age(object, now),
    subjectsOf(subjects, 'User'),
    subjectsOf(subjects, 'Group'),
    subjectsOf(subjects, 'ServiceAccount'),
  ];
}

interface ParamKind {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
}

function paramKindText(kind: ParamKind | undefined): string {
  return kind === undefined ? unset : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

/** A selector as it is shown in a cell: the notation of its Go type, which scripts may match. */
function selectorDump(selector: LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const requirements = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const matchLabels = `map[string]string{${labels.map(([key, value]) => `${key}: ${value},`).join('')}}`;
  return `&LabelSelector{MatchLabels:${matchLabels},MatchExpressions:[]LabelSelectorRequirement{${requirements.join('')}},}`;
}

interface ParamRef {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly selector?: LabelSelector | undefined;
}

function paramRefText(ref: ParamRef | undefined): string {
  if (ref?.name) return `${ref.namespace ? ref.namespace : '*'}/${ref.name}`;
  return ref?.selector === undefined ? unset : selectorDump(ref.selector);
}

function claimState(claim: ResourceV1ResourceClaim): string {
  const states: string[] = [];
  if (claim.metadata.deletionTimestamp !== undefined) states.push('deleted');
  if (claim.status?.allocation === undefined) {
    if (states.length === 0) states.push('pending');
  } else {
    states.push('allocated');
    if ((claim.status.reservedFor ?? []).length > 0) states.push('reserved');
  }
  return states.join(',');
}

function priorityLevelCells(object: PriorityLevelConfiguration, now: number): Cell[] {
  const limited = object.spec?.limited;
  const queuing = limited?.limitResponse?.queuing;
  return [
    nameOf(object),
    object.spec?.type ?? '',
    limited?.nominalConcurrencyShares ?? none,
    queuing?.queues ?? none,
    queuing?.handSize ?? none,
    queuing?.queueLengthLimit ?? none,
    age(object, now),
  ];
}

/** By `group/Kind`. */
export const policyTables: Readonly<Record<string, KindTable>> = {
  'rbac.authorization.k8s.io/RoleBinding': kindTable<RoleBinding>(bindingColumns, bindingCells),
  'rbac.authorization.k8s.io/ClusterRoleBinding': kindTable<ClusterRoleBinding>(bindingColumns, bindingCells),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': kindTable<MutatingWebhookConfiguration>(
    ['Name', integer('Webhooks'), 'Age'],
    (object, now) => [nameOf(object), (object.webhooks ?? []).length, age(object, now)],
  ),
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': kindTable<ValidatingWebhookConfiguration>(
    ['Name', integer('Webhooks'), 'Age'],
    (object, now) => [nameOf(object), (object.webhooks ?? []).length, age(object, now)],
  ),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': kindTable<ValidatingAdmissionPolicy>(
    ['Name', integer('Validations'), 'ParamKind', 'Age'],
    (object, now) => [nameOf(object), (object.spec?.validations ?? []).length, paramKindText(object.spec?.paramKind), age(object, now)],
  ),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': kindTable<ValidatingAdmissionPolicyBinding>(
    ['Name', 'PolicyName', 'ParamRef', 'Age'],
    (object, now) => [nameOf(object), object.spec?.policyName ?? '', paramRefText(object.spec?.paramRef), age(object, now)],
  ),
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': kindTable<MutatingAdmissionPolicy>(
    ['Name', integer('Mutations'), 'ParamKind', 'Age'],
    (object, now) => [nameOf(object), (object.spec?.mutations ?? []).length, paramKindText(object.spec?.paramKind), age(object, now)],
  ),
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': kindTable<MutatingAdmissionPolicyBinding>(
    ['Name', 'PolicyName', 'ParamRef', 'Age'],
    (object, now) => [nameOf(object), object.spec?.policyName ?? '', paramRefText(object.spec?.paramRef), age(object, now)],
  ),
  'flowcontrol.apiserver.k8s.io/FlowSchema': kindTable<FlowSchema>(
    ['Name', 'PriorityLevel', 'MatchingPrecedence', 'DistinguisherMethod', 'Age', 'MissingPL'],
    (object, now) => {
      const dangling = object.status?.conditions?.find(({ type }) => type === 'Dangling');
      return [
        nameOf(object),
        object.spec?.priorityLevelConfiguration.name ?? '',
        object.spec?.matchingPrecedence ?? 0,
        orNone(object.spec?.distinguisherMethod?.type),
        age(object, now),
        dangling?.status ?? '?',
      ];
    },
  ),
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': kindTable<PriorityLevelConfiguration>(
    ['Name', 'Type', 'NominalConcurrencyShares', 'Queues', 'HandSize', 'QueueLengthLimit', 'Age'],
    priorityLevelCells,
  ),
  'resource.k8s.io/ResourceClaim': kindTable<ResourceV1ResourceClaim>(['Name', 'State', 'Age'], (object, now) => [
    nameOf(object),
    claimState(object),
    age(object, now),
  ]),
  'resource.k8s.io/ResourceSlice': kindTable<ResourceSlice>(['Name', 'Node', 'Driver', 'Pool', 'Age'], (object, now) => [
    nameOf(object),
    object.spec.nodeName ?? '',
    object.spec.driver,
    object.spec.pool.name,
    age(object, now),
  ]),
};
