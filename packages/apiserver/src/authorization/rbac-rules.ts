import type { PolicyRule } from '@bayplan/api';
import type { Access } from './authorizer.ts';

/** Whether a rule of RBAC allows an access. */
export function ruleAllows(rule: PolicyRule, access: Access): boolean {
  if (!matchesAny(rule.verbs, access.verb)) return false;
  if (access.kind === 'path') return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, access.path));
  const { group, resource, subresource, name } = access;
  if (!matchesAny(rule.apiGroups ?? [], group)) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && !names.includes(name)) return false;
  return (rule.resources ?? []).some((pattern) => resourceMatches(pattern, resource, subresource));
}

function matchesAny(patterns: readonly string[], value: string): boolean {
  return patterns.includes('*') || patterns.includes(value);
}

function resourceMatches(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === '*') return true;
  if (subresource === '') return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

/** Whether `owner` together allow everything that `wanted` allow: nobody may grant more than they have. */
export function rulesCover(owner: readonly PolicyRule[], wanted: readonly PolicyRule[]): boolean {
  return wanted.every((rule) => singles(rule).every((single) => owner.some((own) => covers(own, single))));
}

/** What `wanted` allow and `owner` do not, with the verbs of each resource joined. */
export function missingRules(owner: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = wanted.flatMap((rule) => singles(rule).filter((single) => !owner.some((own) => covers(own, single))));
  const joined = new Map<string, PolicyRule>();
  for (const { verbs, ...rest } of missing) {
    const key = JSON.stringify(rest);
    const present = joined.get(key);
    joined.set(key, { ...rest, verbs: [...new Set([...(present?.verbs ?? []), ...verbs])] });
  }
  return [...joined.values()];
}

/** A rule as Kubernetes prints it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function ruleText({ apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [], verbs }: PolicyRule): string {
  const parts = {
    APIGroups: apiGroups,
    Resources: resources,
    NonResourceURLs: nonResourceURLs,
    ResourceNames: resourceNames,
    Verbs: verbs,
  };
  const texts = Object.entries(parts)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`);
  return `{${texts.join(', ')}}`;
}

/** A rule as rules of one verb and one resource (or path) each. */
function singles(rule: PolicyRule): PolicyRule[] {
  const found: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) found.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames ?? [];
        if (names.length === 0) found.push({ verbs: [verb], apiGroups: [group], resources: [resource] });
        for (const name of names) found.push({ verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name] });
      }
    }
  }
  return found;
}

function covers(own: PolicyRule, single: PolicyRule): boolean {
  if (!hasAll(own.verbs, single.verbs)) return false;
  if (single.nonResourceURLs !== undefined) {
    return single.nonResourceURLs.every((url) => (own.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, url)));
  }
  if (!hasAll(own.apiGroups ?? [], single.apiGroups ?? [])) return false;
  const names = own.resourceNames ?? [];
  if (names.length > 0 && !(single.resourceNames ?? []).some((name) => names.includes(name))) return false;
  return (single.resources ?? []).every((resource) => {
    const [plain = '', subresource = ''] = resource.split('/');
    return (own.resources ?? []).some((pattern) => pattern === resource || resourceMatches(pattern, plain, subresource));
  });
}

function hasAll(own: readonly string[], wanted: readonly string[]): boolean {
  return own.includes('*') || wanted.every((value) => own.includes(value));
}
