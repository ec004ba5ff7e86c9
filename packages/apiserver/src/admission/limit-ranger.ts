import { amountsOf, parseQuantity, podLimits, podRequests } from '@bayplan/api';
import type { Amounts, Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, Quantity } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** Fills in and checks what LimitRanges of the namespace say about containers, pods and claims. */
export function limitRanger(registry: Registry): AdmissionPlugin {
  const rangesOf = async (request: AdmissionRequest): Promise<LimitRangeItem[][]> => {
    const { cache } = registry.stored('', 'v1', 'limitranges').storage;
    await cache.start();
    return cache
      .list({ namespace: request.namespace, matches: () => true })
      .filter((entry) => entry.stored.object.metadata.deletionTimestamp === undefined)
      .map((entry) => (entry.stored.object as LimitRange).spec?.limits ?? []);
  };
  return {
    name: 'LimitRanger',
    async mutate(request) {
      if (!isPod(request) || request.operation !== 'CREATE') return;
      for (const items of await rangesOf(request)) fill(request.object as Pod, items);
    },
    async validate(request) {
      const faultsOf = isPod(request) ? podFaults : isClaim(request) ? claimFaults : undefined;
      if (faultsOf === undefined) return;
      for (const items of await rangesOf(request)) {
        const faults = [...new Set(items.flatMap((item) => faultsOf(request, item)))];
        if (faults.length > 0) throw refuse(request, faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]`);
      }
    },
  };
}

function isPod({ resource, operation, subresource }: AdmissionRequest): boolean {
  if (resource.group !== '' || resource.resource !== 'pods') return false;
  return (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'resize');
}

function isClaim({ resource, operation, subresource }: AdmissionRequest): boolean {
  if (resource.group !== '' || resource.resource !== 'persistentvolumeclaims' || subresource !== '') return false;
  return operation === 'CREATE' || operation === 'UPDATE';
}

/** Gives containers the defaults that they do not state, and the pod an annotation that says so. */
function fill(pod: Pod, items: readonly LimitRangeItem[]): void {
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const item of items) {
    if (item.type !== 'Container') continue;
    Object.assign(requests, item.defaultRequest);
    Object.assign(limits, item.default);
  }
  const notes: string[] = [];
  const complete = (container: Container, kind: string): void => {
    for (const [what, defaults, field] of [
      ['request', requests, 'requests'],
      ['limit', limits, 'limits'],
    ] as const) {
      const missing = Object.keys(defaults).filter((name) => container.resources?.[field]?.[name] === undefined);
      if (missing.length === 0) continue;
      container.resources = { ...container.resources, [field]: { ...defaults, ...container.resources?.[field] } };
      notes.push(`${missing.sort().join(', ')} ${what} for ${kind} ${container.name}`);
    }
  };
  for (const container of pod.spec?.containers ?? []) complete(container, 'container');
  for (const container of pod.spec?.initContainers ?? []) complete(container, 'init container');
  if (notes.length > 0) {
    pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` };
  }
}

function podFaults({ object }: AdmissionRequest, item: LimitRangeItem): string[] {
  const pod = object as Pod;
  if (item.type === 'Pod') return faultsOf(item, podRequests(pod), podLimits(pod));
  if (item.type !== 'Container') return [];
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap(({ resources }) =>
    faultsOf(item, amountsOf(resources?.requests), amountsOf(resources?.limits)),
  );
}

function claimFaults({ object }: AdmissionRequest, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = amountsOf((object as PersistentVolumeClaim).spec?.resources?.requests);
  return [
    ...Object.entries(item.min ?? {}).flatMap(([name, min]) => belowMinimum(item, name, min, requests, new Map())),
    // A claim has no limits: its request is what the maximum bounds.
    ...Object.entries(item.max ?? {}).flatMap(([name, max]) => {
      const request = requests.get(name);
      const text = `maximum ${name} usage per ${item.type} is ${max}`;
      if (request === undefined) return [`${text}.  No request is specified`];
      return request.compare(parseQuantity(max)) > 0 ? [`${text}, but request is ${request.toString()}`] : [];
    }),
  ];
}

function faultsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...Object.entries(item.min ?? {}).flatMap(([name, min]) => belowMinimum(item, name, min, requests, limits)),
    ...Object.entries(item.max ?? {}).flatMap(([name, max]) => aboveMaximum(item, name, max, requests, limits)),
    ...Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([name, ratio]) => aboveRatio(item, name, ratio, requests, limits)),
  ];
}

function belowMinimum({ type }: LimitRangeItem, name: string, min: string, requests: Amounts, limits: Amounts): string[] {
  const text = `minimum ${name} usage per ${type} is ${min}`;
  const bound = parseQuantity(min);
  const request = requests.get(name);
  const limit = limits.get(name);
  if (request === undefined) return [`${text}.  No request is specified`];
  if (request.compare(bound) < 0) return [`${text}, but request is ${request.toString()}`];
  return limit !== undefined && limit.compare(bound) < 0 ? [`${text}, but limit is ${limit.toString()}`] : [];
}

function aboveMaximum({ type }: LimitRangeItem, name: string, max: string, requests: Amounts, limits: Amounts): string[] {
  const text = `maximum ${name} usage per ${type} is ${max}`;
  const bound = parseQuantity(max);
  const request = requests.get(name);
  const limit = limits.get(name);
  if (limit === undefined) return [`${text}.  No limit is specified`];
  if (limit.compare(bound) > 0) return [`${text}, but limit is ${limit.toString()}`];
  return request !== undefined && request.compare(bound) > 0 ? [`${text}, but request is ${request.toString()}`] : [];
}

function aboveRatio({ type }: LimitRangeItem, name: string, most: string, requests: Amounts, limits: Amounts): string[] {
  const text = `${name} max limit to request ratio per ${type} is ${most}`;
  const request = requests.get(name);
  const limit = limits.get(name);
  if (request === undefined || request.isZero()) return [`${text}, but no request is specified or request is 0`];
  if (limit === undefined || limit.isZero()) return [`${text}, but no limit is specified or limit is 0`];
  const ratio = plain(limit) / plain(request);
  return ratio > plain(parseQuantity(most)) ? [`${text}, but provided ratio is ${ratio.toFixed(6)}`] : [];
}

function plain(quantity: Quantity): number {
  return Number(quantity.nanos) / 1e9;
}
