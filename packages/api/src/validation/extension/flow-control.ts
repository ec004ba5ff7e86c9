import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type {
  FlowSchema,
  FlowcontrolV1Subject,
  LimitResponse,
  NonResourcePolicyRule,
  PriorityLevelConfiguration,
  ResourcePolicyRule,
} from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { atLeastZero, checkMember, checkRequired, checkSyntax, eachOf } from '../faults.ts';

const spec = FieldPath.of('spec');
const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** The bits of the hash that deals requests to queues. */
const maxHashBits = 60;
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const subjectKinds = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: FlowcontrolV1Subject, path: FieldPath, faults: Faults): void {
  const kind = subject.kind as keyof typeof subjectKinds;
  if (!Object.hasOwn(subjectKinds, kind)) {
    faults.push(fieldNotSupported(path.child('kind'), kind, ['Group', 'ServiceAccount', 'User']));
    return;
  }
  const field = subjectKinds[kind];
  const named = subject[field];
  const here = path.child(field);
  if (named === undefined) faults.push(fieldRequired(here, `${field} is required when subject kind is '${kind}'`));
  else if (field === 'serviceAccount' && subject.serviceAccount !== undefined) {
    const { name, namespace } = subject.serviceAccount;
    if (name !== '*') checkRequired(name, dns1123SubdomainFaults, here.child('name'), faults);
    if (namespace) checkSyntax(namespace, dns1123LabelFaults, here.child('namespace'), faults);
    else faults.push(fieldRequired(here.child('namespace'), 'must specify namespace for service account'));
  } else checkRequired(named.name, undefined, here.child('name'), faults);
  for (const [other, part] of Object.entries(subjectKinds)) {
    if (part === field || subject[part] === undefined) continue;
    faults.push(fieldForbidden(path.child(part), `${part} is forbidden when subject kind is not '${other}'`));
  }
}

function checkVerbs(asked: readonly string[], path: FieldPath, faults: Faults): void {
  if (asked.length === 0) faults.push(fieldRequired(path, 'verbs must contain at least one value'));
  else if (asked.includes('*')) {
    if (asked.length > 1) faults.push(fieldInvalid(path, asked, "if '*' is present, must not specify other verbs"));
  } else if (asked.some((verb) => !verbs.includes(verb))) faults.push(fieldNotSupported(path, asked, verbs));
}

function pathFault(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path === '/') return undefined;
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const stars = path.split('*').length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function validatePathRule(rule: NonResourcePolicyRule, path: FieldPath, faults: Faults): void {
  checkVerbs((rule.verbs as MaybeList<string>) ?? [], path.child('verbs'), faults);
  const urls = (rule.nonResourceURLs as MaybeList<string>) ?? [];
  const here = path.child('nonResourceURLs');
  if (urls.length === 0) faults.push(fieldRequired(here, 'nonResourceURLs must contain at least one value'));
  else if (urls.includes('*')) {
    if (urls.length > 1) faults.push(fieldInvalid(here, urls, "if '*' is present, must not specify other non-resource URLs"));
  } else
    eachOf(urls, here, (url, at) => {
      const fault = pathFault(url);
      if (fault !== undefined) faults.push(fieldInvalid(at, url, fault));
    });
}

function validateResourceRule(rule: ResourcePolicyRule, path: FieldPath, faults: Faults): void {
  checkVerbs((rule.verbs as MaybeList<string>) ?? [], path.child('verbs'), faults);
  for (const [field, one, others] of [
    ['apiGroups', 'api group', 'api groups'],
    ['resources', 'resource', 'resources'],
  ] as const) {
    const list = (rule[field] as MaybeList<string>) ?? [];
    const here = path.child(field);
    if (list.length === 0) faults.push(fieldRequired(here, `resource rules must supply at least one ${one}`));
    else if (list.length > 1 && list.includes('*')) {
      faults.push(fieldInvalid(here, list, `if '*' is present, must not specify other ${others}`));
    }
  }
  const namespaces = rule.namespaces ?? [];
  const here = path.child('namespaces');
  if (namespaces.length === 0 && rule.clusterScope !== true) {
    faults.push(fieldRequired(here, 'resource rules that are not cluster scoped must supply at least one namespace'));
  } else if (namespaces.includes('*')) {
    if (namespaces.length > 1) faults.push(fieldInvalid(here, namespaces, "if '*' is present, must not specify other namespaces"));
  } else
    eachOf(namespaces, here, (namespace, at) => {
      for (const fault of dns1123LabelFaults(namespace)) {
        faults.push(fieldInvalid(at, namespace, `each member of this list must be '*' or a DNS-1123 label; ${fault}`));
      }
    });
}

function validateTypes(conditions: MaybeList<{ readonly type?: string | undefined }>, faults: Faults): void {
  const seen = new Set<string>();
  eachOf(conditions, FieldPath.of('status', 'conditions'), ({ type = '' }, here) => {
    if (seen.has(type)) faults.push(fieldDuplicate(here.child('type'), type));
    seen.add(type);
    if (type === '') faults.push(fieldRequired(here.child('type'), 'must not be empty'));
  });
}

export function validateFlowSchema({ metadata, spec: wanted, status }: FlowSchema, faults: Faults): void {
  const precedence = wanted?.matchingPrecedence ?? 0;
  const here = spec.child('matchingPrecedence');
  if (precedence <= 0) faults.push(fieldInvalid(here, precedence, 'must be a positive value'));
  if (precedence > maxPrecedence) faults.push(fieldInvalid(here, precedence, `must not be greater than ${maxPrecedence.toString()}`));
  if (precedence === 1 && metadata?.name !== 'exempt') {
    faults.push(fieldInvalid(here, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  const method = wanted?.distinguisherMethod;
  const methods = ['ByNamespace', 'ByUser'];
  if (method !== undefined && !methods.includes(method.type)) {
    faults.push(fieldNotSupported(spec.child('distinguisherMethod', 'type'), method, methods));
  }
  const level = wanted?.priorityLevelConfiguration.name;
  const there = spec.child('priorityLevelConfiguration', 'name');
  if (level) checkSyntax(level, dns1123SubdomainFaults, there, faults);
  else faults.push(fieldRequired(there, 'must reference a priority level'));
  eachOf(wanted?.rules, spec.child('rules'), ({ subjects, resourceRules, nonResourceRules }, at) => {
    const named = (subjects as MaybeList<FlowcontrolV1Subject>) ?? [];
    if (named.length === 0) faults.push(fieldRequired(at.child('subjects'), 'subjects must contain at least one value'));
    eachOf(named, at.child('subjects'), (subject, path) => {
      validateSubject(subject, path, faults);
    });
    if ((resourceRules ?? []).length === 0 && (nonResourceRules ?? []).length === 0) {
      faults.push(fieldRequired(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
    }
    eachOf(resourceRules, at.child('resourceRules'), (rule, path) => {
      validateResourceRule(rule, path, faults);
    });
    eachOf(nonResourceRules, at.child('nonResourceRules'), (rule, path) => {
      validatePathRule(rule, path, faults);
    });
  });
  validateTypes(status?.conditions, faults);
}

/** How many bits it takes to deal a hand of cards from a deck: the logarithm of the number of ordered hands. */
function entropyBits(deck: number, hand: number): number {
  return Math.ceil(Math.log2(deck) * hand);
}

function validateResponse(response: LimitResponse, path: FieldPath, faults: Faults): void {
  const { type, queuing } = response;
  const here = path.child('queuing');
  if (type === 'Reject') {
    if (queuing !== undefined) faults.push(fieldForbidden(here, 'must be nil if limited.limitResponse.type is not Limited'));
    return;
  }
  checkMember(type, ['Queue', 'Reject'], path.child('type'), faults);
  if (type !== 'Queue') return;
  if (queuing === undefined) {
    faults.push(fieldRequired(here, 'must not be empty if limited.limitResponse.type is Limited'));
    return;
  }
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) faults.push(fieldInvalid(here.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (queues <= 0) faults.push(fieldInvalid(here.child('queues'), queues, 'must be positive'));
  else if (queues > maxQueues) faults.push(fieldInvalid(here.child('queues'), queues, `must not be greater than ${maxQueues.toString()}`));
  const hand = here.child('handSize');
  if (handSize <= 0) faults.push(fieldInvalid(hand, handSize, 'must be positive'));
  else if (handSize > queues) faults.push(fieldInvalid(hand, handSize, `should not be greater than queues (${queues.toString()})`));
  else if (entropyBits(queues, handSize) > maxHashBits) {
    const fault = `required entropy bits of deckSize ${queues.toString()} and handSize ${handSize.toString()} should not be greater than ${maxHashBits.toString()}`;
    faults.push(fieldInvalid(hand, handSize, fault));
  }
}

export function validatePriorityLevel({ metadata, spec: wanted, status }: PriorityLevelConfiguration, faults: Faults): void {
  const type = wanted?.type ?? '';
  if ((metadata?.name === 'exempt') !== (type === 'Exempt')) {
    faults.push(fieldInvalid(spec.child('type'), type, "type must be 'Exempt' if and only if name is 'exempt'"));
  }
  const checkShares = (field: 'limited' | 'exempt'): void => {
    for (const part of ['nominalConcurrencyShares', 'lendablePercent'] as const) {
      const value = wanted?.[field]?.[part];
      const here = spec.child(field, part);
      if (value === undefined) continue;
      if (part === 'nominalConcurrencyShares' && value < 0) {
        faults.push(fieldInvalid(here, value, field === 'limited' ? 'must be a non-negative integer' : atLeastZero));
      }
      if (part === 'lendablePercent' && (value < 0 || value > 100))
        faults.push(fieldInvalid(here, value, 'must be between 0 and 100, inclusive'));
    }
  };
  if (type === 'Exempt') {
    if (wanted?.limited !== undefined) faults.push(fieldForbidden(spec.child('limited'), 'must be nil if the type is not Limited'));
    checkShares('exempt');
  } else if (type === 'Limited') {
    if (wanted?.exempt !== undefined) faults.push(fieldForbidden(spec.child('exempt'), 'must be nil if the type is Limited'));
    if (wanted?.limited === undefined) faults.push(fieldRequired(spec.child('limited'), 'must not be empty when type is Limited'));
    else {
      checkShares('limited');
      const borrowing = wanted.limited.borrowingLimitPercent;
      if (borrowing !== undefined && borrowing < 0) {
        faults.push(
          fieldInvalid(spec.child('limited', 'borrowingLimitPercent'), borrowing, 'if specified, must be a non-negative integer'),
        );
      }
      if (wanted.limited.limitResponse !== undefined) {
        validateResponse(wanted.limited.limitResponse, spec.child('limited', 'limitResponse'), faults);
      }
    }
  } else faults.push(fieldNotSupported(spec.child('type'), type, ['Exempt', 'Limited']));
  validateTypes(status?.conditions, faults);
}

export function validateFlowStatus(next: FlowSchema | PriorityLevelConfiguration, _old: unknown, faults: Faults): void {
  validateTypes(next.status?.conditions, faults);
}
