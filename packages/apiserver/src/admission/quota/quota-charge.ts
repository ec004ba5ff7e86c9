import { addTo, amountsOf, amountsText, growth, only, quotaMatches, resourceListOf } from '@bayplan/api';
import type { Amounts, KubeObject, QuotaEvaluator, ResourceQuota } from '@bayplan/api';

/** What one request wants of the quotas of its namespace. */
export interface Charge {
  readonly evaluator: QuotaEvaluator;
  readonly object: KubeObject;
  /** Nothing in it is zero. */
  readonly amounts: Amounts;
}

/** What a request adds to what is used: all that a new object uses, or what an update uses more than before. */
export function amountsOfRequest(evaluator: QuotaEvaluator, object: KubeObject, old: KubeObject | undefined, nowMs: number): Amounts {
  const now = evaluator.usage(object, nowMs);
  return growth(now, old === undefined ? new Map() : evaluator.usage(old, nowMs));
}

/** Why an object cannot be measured against a quota that it counts against; undefined when it can. */
export function quotaFault(quota: ResourceQuota, { evaluator, object }: Charge): string | undefined {
  const name = quota.metadata.name ?? '';
  const tracked = trackedNames(quota, evaluator);
  const lacking = evaluator.lacking(tracked, object);
  if (lacking !== undefined) return `failed quota: ${name}: ${lacking}`;
  const unknown = [...tracked].filter((resource) => quota.status?.used?.[resource] === undefined);
  if (unknown.length === 0) return undefined;
  return `status unknown for quota: ${name}, resources: ${[...tracked].sort().join(',')}`;
}

/** True when the object counts against the quota. Only what its status shows is enforced: a new quota begins once it was counted. */
export function concerns(quota: ResourceQuota, { evaluator, object }: Charge): boolean {
  return quotaMatches(quota, Object.keys(quota.status?.hard ?? {}), evaluator, object);
}

function trackedNames(quota: ResourceQuota, evaluator: QuotaEvaluator): Set<string> {
  return new Set(Object.keys(quota.status?.hard ?? {}).filter((name) => evaluator.tracks(name)));
}

export type Charged = { readonly fault: string } | { readonly quota: ResourceQuota };

/** The quota with the charge added, or why there is no room for it. Does not change `quota`. */
export function charged(quota: ResourceQuota, charge: Charge): Charged {
  const hard = amountsOf(quota.status?.hard);
  const used = amountsOf(quota.status?.used);
  const requested = only(charge.amounts, new Set(hard.keys()));
  const total = new Map(used);
  addTo(total, requested);
  const exceeded = new Set([...requested.keys()].filter((name) => isMore(total, hard, name)));
  if (exceeded.size === 0) return { quota: { ...quota, status: { ...quota.status, used: resourceListOf(total) } } };
  const text = (amounts: Amounts): string => amountsText(only(amounts, exceeded));
  const name = quota.metadata.name ?? '';
  return { fault: `exceeded quota: ${name}, requested: ${text(requested)}, used: ${text(used)}, limited: ${text(hard)}` };
}

function isMore(total: Amounts, hard: Amounts, name: string): boolean {
  const limit = hard.get(name);
  const sum = total.get(name);
  return limit !== undefined && sum !== undefined && sum.compare(limit) > 0;
}
