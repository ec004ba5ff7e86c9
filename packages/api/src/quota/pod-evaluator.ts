import type { Container, Pod, PodAffinityTerm } from '../generated/types.ts';
import type { Quantity } from '../quantity.ts';
import { addTo, amountsOf, oneAmount } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import { scopeAllows } from './evaluator.ts';
import type { QuotaEvaluator, QuotaScope } from './evaluator.ts';
import { isBestEffortPod, podLimits, podRequests } from './pod-resources.ts';

const tracked = new Set(['count/pods', 'pods', 'cpu', 'memory', 'ephemeral-storage']);
for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
  tracked.add(`requests.${name}`);
  tracked.add(`limits.${name}`);
}
/** A quota over one of these demands that every container states it. */
const demanded = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/** Pods count until they end, or until the time of their deletion has passed; `count/pods` as long as they are stored. */
export const podEvaluator: QuotaEvaluator = {
  group: '',
  resource: 'pods',
  handles: (operation, subresource) =>
    (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'resize'),
  tracks: (name) =>
    tracked.has(name) ||
    /^(requests\.)?hugepages-/.test(name) ||
    (name.startsWith('requests.') && isExtended(name.slice('requests.'.length))),
  inScope: (scope, object) => inScope(scope, object as Pod),
  lacking: (names, object) => lacking(names, object as Pod),
  usage: (object, nowMs) => usage(object as Pod, nowMs),
};

/** A resource that is none of Kubernetes' own: it has a domain. */
function isExtended(name: string): boolean {
  return name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');
}

function usage(pod: Pod, nowMs: number): Amounts {
  const used = new Map<string, Quantity>([['count/pods', oneAmount]]);
  if (isOver(pod, nowMs)) return used;
  addTo(used, computeUsage(podRequests(pod), podLimits(pod)));
  return used;
}

function isOver({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true;
  if (!metadata.deletionTimestamp || metadata.deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(metadata.deletionTimestamp) + metadata.deletionGracePeriodSeconds * 1000;
}

function computeUsage(requests: Amounts, limits: Amounts): Map<string, Quantity> {
  const used = new Map<string, Quantity>([['pods', oneAmount]]);
  for (const [name, amount] of requests) {
    if (tracked.has(name) || name.startsWith('hugepages-')) used.set(name, amount).set(`requests.${name}`, amount);
    else if (isExtended(name)) used.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (tracked.has(`limits.${name}`)) used.set(`limits.${name}`, amount);
  return used;
}

function lacking(names: ReadonlySet<string>, { spec }: Pod): string | undefined {
  const wanted = [...names].filter((name) => demanded.has(name)).sort();
  if (wanted.length === 0) return undefined;
  // Resources of the pod as a whole stand for those of its containers.
  const whole = statedBy(spec?.resources);
  const containers: Container[] = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const stated = containers.map((container) => ({ name: container.name, names: statedBy(container.resources) }));
  const faults = wanted.flatMap((name) => {
    if (whole.has(name)) return [];
    const without = stated.filter((container) => !container.names.has(name)).map((container) => container.name);
    return without.length === 0 ? [] : [`${name} for: ${without.sort().join(',')}`];
  });
  return faults.length === 0 ? undefined : `must specify ${faults.join('; ')}`;
}

function statedBy(resources: Container['resources']): ReadonlySet<string> {
  return new Set(computeUsage(amountsOf(resources?.requests), amountsOf(resources?.limits)).keys());
}

function inScope(scope: QuotaScope, pod: Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTimed(pod);
    case 'NotTerminating':
      return !isTimed(pod);
    case 'BestEffort':
      return isBestEffortPod(pod);
    case 'NotBestEffort':
      return !isBestEffortPod(pod);
    case 'PriorityClass':
      return scopeAllows(scope, pod.spec?.priorityClassName);
    case 'CrossNamespacePodAffinity':
      return affinityTerms(pod).some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
    default:
      return false;
  }
}

function isTimed(pod: Pod): boolean {
  return (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
}

function affinityTerms({ spec }: Pod): PodAffinityTerm[] {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ]);
}
