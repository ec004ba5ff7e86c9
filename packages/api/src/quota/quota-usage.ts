import type { ResourceQuota } from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import type { Quantity } from '../quantity.ts';
import { addTo, noAmount, only } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import { claimEvaluator, countEvaluator, resourceClaimEvaluator, serviceEvaluator } from './object-evaluators.ts';
import type { QuotaEvaluator, QuotaScope } from './evaluator.ts';
import { podEvaluator } from './pod-evaluator.ts';

const special: readonly QuotaEvaluator[] = [podEvaluator, serviceEvaluator, claimEvaluator, resourceClaimEvaluator];

/** How objects of a namespaced resource count. Never undefined: what is not special is counted. */
export function quotaEvaluatorFor(group: string, resource: string): QuotaEvaluator {
  return special.find((known) => known.group === group && known.resource === resource) ?? countEvaluator(group, resource);
}

/** All scopes of a quota, `scopes` and `scopeSelector` alike: an object must be in every one. */
export function scopesOf({ spec }: ResourceQuota): QuotaScope[] {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}

/** Whether `object` counts against a quota with these hard limits. */
export function quotaMatches(quota: ResourceQuota, hardNames: Iterable<string>, evaluator: QuotaEvaluator, object: KubeObject): boolean {
  return [...hardNames].some((name) => evaluator.tracks(name)) && scopesOf(quota).every((scope) => evaluator.inScope(scope, object));
}

/**
 * The group and resource whose objects a name in `hard` counts: `count/deployments.apps` and the old names. Undefined
 * for names that the special evaluators know, and for what nothing can count.
 */
export function countedResource(name: string): { readonly group: string; readonly resource: string } | undefined {
  const found = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (found?.[1] !== undefined) return { group: found[2] ?? '', resource: found[1] };
  return countEvaluator('', name).tracks(name) ? { group: '', resource: name } : undefined;
}

/**
 * What is used of a quota, from all objects of its namespace: zero for every limit of `spec.hard` that can be
 * measured, plus what `objectsOf` finds. `objectsOf` answers undefined for a resource that is not served, whose
 * limits are then left out. Exact; takes time in proportion to the objects of the resources concerned.
 */
export function usageOfQuota(
  quota: ResourceQuota,
  objectsOf: (group: string, resource: string) => Iterable<KubeObject> | undefined,
  nowMs: number,
): Amounts {
  const hardNames = Object.keys(quota.spec?.hard ?? {});
  const scopes = scopesOf(quota);
  const used = new Map<string, Quantity>();
  for (const evaluator of evaluatorsOf(hardNames)) {
    const names = new Set(hardNames.filter((name) => evaluator.tracks(name)));
    const objects = names.size === 0 ? undefined : objectsOf(evaluator.group, evaluator.resource);
    if (objects === undefined) continue;
    for (const name of names) if (!used.has(name)) used.set(name, noAmount);
    for (const object of objects) {
      if (scopes.every((scope) => evaluator.inScope(scope, object))) addTo(used, only(evaluator.usage(object, nowMs), names));
    }
  }
  return used;
}

/** Every evaluator that a quota with these limits concerns. */
export function evaluatorsOf(hardNames: readonly string[]): QuotaEvaluator[] {
  const found = new Set(special.filter((evaluator) => hardNames.some((name) => evaluator.tracks(name))));
  const counted = new Set<string>();
  for (const name of hardNames) {
    const resource = countedResource(name);
    if (resource === undefined) continue;
    const evaluator = quotaEvaluatorFor(resource.group, resource.resource);
    if (special.includes(evaluator) || counted.has(`${resource.group}/${resource.resource}`)) continue;
    counted.add(`${resource.group}/${resource.resource}`);
    found.add(evaluator);
  }
  return [...found];
}
