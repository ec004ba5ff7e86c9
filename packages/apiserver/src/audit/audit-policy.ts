import { dns1123SubdomainFaults, fieldInvalid, fieldNotSupported, fieldRequired } from '@bayplan/api';
import type { RequestInfo } from '../chain/request-info.ts';
import type { User } from '../chain/user.ts';
import { readConfig } from '../config/config-node.ts';
import type { ConfigNode } from '../config/config-node.ts';

export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof auditLevels)[number];
export const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof auditStages)[number];

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly {
    readonly group: string;
    readonly resources: readonly string[];
    readonly resourceNames: readonly string[];
  }[];
  readonly namespaces: readonly string[];
  readonly nonResourceUrls: readonly string[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** How one request is recorded. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

const wanted = { kind: 'Policy', apiVersions: ['audit.k8s.io/v1'] } as const;

/** Reads the file of `--audit-policy-file`. Throws `ConfigError` with every fault. */
export function readAuditPolicy(text: string, name: string): AuditPolicy {
  return readConfig(text, name, wanted, (root) => {
    root.fields('apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields');
    const omitStages = readStages(root);
    const omitManagedFields = root.boolean('omitManagedFields', false);
    const rules = root.list('rules').map((node) => readRule(node, omitStages, omitManagedFields));
    if (rules.length === 0) root.fault(fieldRequired('rules', 'a policy without rules records nothing'));
    return { rules, omitStages, omitManagedFields };
  });
}

function readRule(node: ConfigNode, omitted: readonly AuditStage[], omitManagedFields: boolean): AuditRule {
  node.fields('level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages', 'omitManagedFields');
  const level = node.requiredString('level');
  const known = auditLevels.find((one) => one === level);
  if (level !== '' && known === undefined) node.fault(fieldNotSupported(node.child('level').where, level, auditLevels));
  const resources = node.list('resources').map(readResources);
  const namespaces = node.strings('namespaces');
  const nonResourceUrls = node.strings('nonResourceURLs');
  checkUrls(node, nonResourceUrls);
  if (nonResourceUrls.length > 0 && resources.length + namespaces.length > 0)
    node.fault(
      fieldInvalid(
        node.child('nonResourceURLs').where,
        nonResourceUrls,
        'rules cannot apply to both regular resources and non-resource URLs',
      ),
    );
  return {
    level: known ?? 'None',
    users: node.strings('users'),
    userGroups: node.strings('userGroups'),
    verbs: node.strings('verbs'),
    resources,
    namespaces,
    nonResourceUrls,
    omitStages: [...omitted, ...readStages(node)],
    omitManagedFields: node.boolean('omitManagedFields', omitManagedFields),
  };
}

function readResources(node: ConfigNode): AuditRule['resources'][number] {
  node.fields('group', 'resources', 'resourceNames');
  const group = node.string('group');
  const faults = group === '' || group === '*' ? [] : dns1123SubdomainFaults(group);
  if (faults.length > 0) node.fault(fieldInvalid(node.child('group').where, group, faults.join(',')));
  const resources = node.strings('resources');
  const resourceNames = node.strings('resourceNames');
  if (resourceNames.length > 0 && resources.length === 0)
    node.fault(fieldInvalid(node.child('resourceNames').where, resourceNames, 'using resourceNames requires at least one resource'));
  return { group, resources, resourceNames };
}

function checkUrls(node: ConfigNode, urls: readonly string[]): void {
  urls.forEach((url, index) => {
    const at = `${node.child('nonResourceURLs').where}[${index.toString()}]`;
    if (url === '*') return;
    if (!url.startsWith('/')) node.fault(fieldInvalid(at, url, "non-resource URL rules must begin with a '/' character"));
    if (url.slice(0, -1).includes('*'))
      node.fault(fieldInvalid(at, url, "non-resource URL wildcards '*' must be the final character of the rule"));
  });
}

function readStages(node: ConfigNode): AuditStage[] {
  return node.strings('omitStages').flatMap((stage, index) => {
    const known = auditStages.find((one) => one === stage);
    if (known !== undefined) return [known];
    node.fault(
      fieldInvalid(`${node.child('omitStages').where}[${index.toString()}]`, stage, `allowed stages are ${auditStages.join(',')}`),
    );
    return [];
  });
}

/** The first rule that matches decides; without one nothing is recorded. */
export function decide(policy: AuditPolicy, user: User, info: RequestInfo): AuditDecision {
  const rule = policy.rules.find((one) => ruleMatches(one, user, info));
  return rule ?? { level: 'None', omitStages: policy.omitStages, omitManagedFields: policy.omitManagedFields };
}

function ruleMatches(rule: AuditRule, user: User, info: RequestInfo): boolean {
  if (rule.users.length > 0 && !rule.users.includes(user.name)) return false;
  if (rule.userGroups.length > 0 && !user.groups.some((group) => rule.userGroups.includes(group))) return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(info.verb)) return false;
  if (rule.namespaces.length + rule.resources.length > 0) return info.isResource && resourceMatches(rule, info);
  if (rule.nonResourceUrls.length === 0) return true;
  return !info.isResource && rule.nonResourceUrls.some((pattern) => pathMatches(pattern, info.path));
}

function resourceMatches({ namespaces, resources }: AuditRule, info: RequestInfo & { readonly isResource: true }): boolean {
  if (namespaces.length > 0 && !namespaces.includes(info.namespace)) return false;
  if (resources.length === 0) return true;
  const { resource, subresource } = info;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some((one) => {
    if (one.group !== info.group && one.group !== '*') return false;
    if (one.resources.length === 0) return true;
    if (one.resourceNames.length > 0 && !one.resourceNames.includes(info.name)) return false;
    return one.resources.some(
      (pattern) =>
        pattern === whole || pattern === '*' || (subresource !== '' && pattern === `*/${subresource}`) || pattern === `${resource}/*`,
    );
  });
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}
