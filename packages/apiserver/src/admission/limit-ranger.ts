import { forbidden, parseQuantity } from '@bayplan/api';
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

type Amounts = Record<string, string | number>;

/** Fills in and checks what LimitRanges of the namespace say about containers, pods and claims. */
export function limitRanger(registry: Registry): AdmissionPlugin {
  const itemsOf = async (request: AdmissionRequest): Promise<LimitRangeItem[]> => {
    const { cache } = registry.stored('', 'v1', 'limitranges').storage;
    await cache.start();
    return cache
      .list({ namespace: request.namespace, matches: () => true })
      .flatMap((entry) => (entry.stored.object as LimitRange).spec?.limits ?? []);
  };
  const isNew = (request: AdmissionRequest, resource: string): boolean =>
    request.operation === 'CREATE' && request.subresource === '' && request.resource.group === '' && request.resource.resource === resource;
  return {
    name: 'LimitRanger',
    async mutate(request) {
      if (!isNew(request, 'pods')) return;
      const pod = request.object as Pod;
      for (const item of await itemsOf(request)) {
        if (item.type === 'Container') for (const container of containersOf(pod)) fill(container, item);
      }
    },
    async validate(request) {
      const faults: string[] = [];
      if (isNew(request, 'pods')) {
        const pod = request.object as Pod;
        for (const item of await itemsOf(request)) {
          if (item.type === 'Container')
            for (const { resources } of containersOf(pod)) check(item, resources?.requests, resources?.limits, faults);
          if (item.type === 'Pod') check(item, total(pod, 'requests'), total(pod, 'limits'), faults);
        }
      } else if (isNew(request, 'persistentvolumeclaims')) {
        const claim = request.object as PersistentVolumeClaim;
        for (const item of await itemsOf(request)) {
          if (item.type === 'PersistentVolumeClaim') check(item, claim.spec?.resources?.requests, claim.spec?.resources?.requests, faults);
        }
      }
      if (faults.length > 0)
        throw forbidden(request.resource, request.name, faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]`);
    },
  };
}

function containersOf(pod: Pod): Container[] {
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
}

function fill(container: Container, item: LimitRangeItem): void {
  const resources = { ...container.resources };
  const limits: Amounts = { ...item.default, ...resources.limits };
  const requests: Amounts = { ...item.defaultRequest, ...resources.requests };
  for (const [name, amount] of Object.entries(limits)) requests[name] ??= amount;
  if (Object.keys(limits).length > 0) resources.limits = limits as Record<string, string>;
  if (Object.keys(requests).length > 0) resources.requests = requests as Record<string, string>;
  container.resources = resources;
}

function check(item: LimitRangeItem, requests: Amounts | undefined, limits: Amounts | undefined, faults: string[]): void {
  const quantity = (amount: string | number) => parseQuantity(String(amount));
  for (const [name, min] of Object.entries(item.min ?? {})) {
    const asked = requests?.[name];
    if (asked === undefined) faults.push(`minimum ${name} usage per ${item.type} is ${min}. No request is specified`);
    else if (quantity(asked).compare(quantity(min)) < 0)
      faults.push(`minimum ${name} usage per ${item.type} is ${min}, but request is ${String(asked)}`);
  }
  for (const [name, max] of Object.entries(item.max ?? {})) {
    const limit = limits?.[name];
    if (limit === undefined) faults.push(`maximum ${name} usage per ${item.type} is ${max}. No limit is specified`);
    else if (quantity(limit).compare(quantity(max)) > 0)
      faults.push(`maximum ${name} usage per ${item.type} is ${max}, but limit is ${String(limit)}`);
  }
}

function total(pod: Pod, kind: 'requests' | 'limits'): Amounts {
  const sums = new Map<string, ReturnType<typeof parseQuantity>>();
  for (const container of pod.spec?.containers ?? []) {
    for (const [name, amount] of Object.entries(container.resources?.[kind] ?? {})) {
      const quantity = parseQuantity(String(amount));
      const sum = sums.get(name);
      sums.set(name, sum === undefined ? quantity : sum.add(quantity));
    }
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, sum.toString()]));
}
