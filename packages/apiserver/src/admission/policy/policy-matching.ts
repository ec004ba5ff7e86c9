import { selectorOf } from '@bayplan/api';
import type { MatchResources, NamedRuleWithOperations } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import { sharesObjects, subresourceOf } from '../../registry/served-resource.ts';
import type { AdmissionRequest } from '../admission.ts';
import { kindIn, matchesNamespace, matchesObjects, matchesRule } from '../webhook/hook-matching.ts';
import type { Invocation } from '../webhook/hook-matching.ts';

/** Whether a policy or binding is concerned with a request, and in which version. Throws `NotFound` for a lost namespace. */
export async function policyInvocation(
  match: MatchResources | undefined,
  request: AdmissionRequest,
  registry: Registry,
): Promise<Invocation | undefined> {
  const asRequested = { resource: request.resource, kind: kindIn(request.resource, request) };
  if (match === undefined) return asRequested;
  if (!matchesObjects(selectorOf(match.objectSelector ?? {}), request)) return undefined;
  if (!(await matchesNamespace(selectorOf(match.namespaceSelector ?? {}), request, registry))) return undefined;
  const equivalent = match.matchPolicy !== 'Exact';
  if (ruledResource(match.excludeResourceRules ?? [], equivalent, request, registry) !== undefined) return undefined;
  const rules = match.resourceRules ?? [];
  if (rules.length === 0) return asRequested;
  const resource = ruledResource(rules, equivalent, request, registry);
  return resource === undefined ? undefined : { resource, kind: kindIn(resource, request) };
}

function ruledResource(
  rules: readonly NamedRuleWithOperations[],
  equivalent: boolean,
  request: AdmissionRequest,
  registry: Registry,
): ServedResource | undefined {
  const named = (rule: NamedRuleWithOperations): boolean => {
    const names = rule.resourceNames ?? [];
    return names.length === 0 || names.includes(request.name);
  };
  const holds = (resource: ServedResource): boolean => rules.some((rule) => named(rule) && matchesRule(rule as never, request, resource));
  if (holds(request.resource)) return request.resource;
  if (!equivalent || request.resource.storage === undefined) return undefined;
  for (const other of registry.all()) {
    if (other === request.resource || !sharesObjects(other, request.resource)) continue;
    if (request.subresource !== '' && subresourceOf(other, request.subresource) === undefined) continue;
    if (holds(other)) return other;
  }
  return undefined;
}
