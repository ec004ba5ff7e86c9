import type { FlowSchema, FlowSchemaSpec, FlowcontrolV1Subject } from '@bayplan/api';
import type { RequestInfo } from '../chain/request-info.ts';
import type { User } from '../chain/user.ts';

type Rules = NonNullable<FlowSchemaSpec['rules']>[number];

const accountPrefix = 'system:serviceaccount:';

/** Whether a request is one that a FlowSchema is about. */
export function schemaMatches(schema: FlowSchema, user: User, info: RequestInfo): boolean {
  return (schema.spec?.rules ?? []).some(
    (rules) => (rules.subjects ?? []).some((subject) => isSubject(subject, user)) && covers(rules, info),
  );
}

function isSubject(subject: FlowcontrolV1Subject, user: User): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === user.name;
    case 'Group':
      return subject.group?.name === '*' || user.groups.includes(subject.group?.name ?? '');
    case 'ServiceAccount': {
      const { namespace = '', name = '' } = subject.serviceAccount ?? {};
      if (name === '*') return user.name.startsWith(`${accountPrefix}${namespace}:`);
      return user.name === `${accountPrefix}${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function covers(rules: Rules, info: RequestInfo): boolean {
  if (!info.isResource)
    return (rules.nonResourceRules ?? []).some(
      ({ verbs, nonResourceURLs }) => has(verbs, info.verb) && (nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, info.path)),
    );
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (rules.resourceRules ?? []).some(
    ({ verbs, apiGroups, resources, namespaces, clusterScope }) =>
      has(verbs, info.verb) &&
      has(apiGroups, info.group) &&
      has(resources, resource) &&
      (info.namespace === '' ? clusterScope === true : has(namespaces, info.namespace)),
  );
}

function has(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes(wanted) || list.includes('*'));
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}
