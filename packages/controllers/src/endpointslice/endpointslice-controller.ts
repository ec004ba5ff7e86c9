import { isNotFound, resources, selectorOfLabels } from '@bayplan/api';
import type { EndpointSlice, Pod, Service } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { controllerReference } from '../owners/owner-references.ts';
import { namespaceIsTerminating } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { legacyEndpoints } from './legacy-endpoints.ts';
import { endpointChanged, endpointGroups } from './service-endpoints.ts';
import type { EndpointGroup } from './service-endpoints.ts';
import { planSlices } from './slice-plan.ts';

const serviceNameLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslice-controller.k8s.io';
/** Changes of pods are gathered this long, so that a burst of pods costs few slice updates. */
const gatherMs = 100;

/** Writes the EndpointSlices, and the old Endpoints object, of every Service with a selector. */
export async function runEndpointSliceController(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const services = informers.informer(resources.services);
  const pods = informers.informer(resources.pods);
  const nodes = informers.informer(resources.nodes);
  const slices = informers.informer(resources.endpointSlices);
  const endpoints = informers.informer(resources.endpoints);
  slices.addIndexers({ service: sliceService });
  const queue = queueFor(context, 'endpoint_slice');

  onChange(context, services, (service) => queue.add(keyOf(service)));
  onChange(context, slices, (slice, previous, deleted) => {
    // Creations and changes are ours; a deletion, or a change of ours by another, must be made good.
    const own = slice.metadata.labels?.[managedByLabel] === manager;
    if (own && (deleted || previous !== undefined)) for (const key of sliceService(slice)) queue.addAfter(key, gatherMs);
  });
  onChange(context, pods, (pod, previous) => {
    if (previous !== undefined && !endpointChanged(pod, previous)) return;
    for (const key of servicesOf(pod)) queue.addAfter(key, gatherMs);
    if (previous !== undefined) for (const key of servicesOf(previous)) queue.addAfter(key, gatherMs);
  });

  function servicesOf(pod: Pod): string[] {
    // A pod without an address was in no slice and goes in none.
    if (!pod.status?.podIP) return [];
    const labels = pod.metadata.labels ?? {};
    return services.lister
      .list(pod.metadata.namespace)
      .filter(
        (service) =>
          hasSelector(service) && Object.entries(service.spec?.selector ?? {}).every(([label, value]) => labels[label] === value),
      )
      .map(keyOf);
  }

  async function reconcile(key: string): Promise<void> {
    const service = services.lister.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined || !hasSelector(service)) {
      // Slices go with their Service by its owner reference; the old object has none.
      if (service === undefined) await deleteLegacy(key);
      return;
    }
    const selector = selectorOfLabels(service.spec?.selector);
    const selected = pods.lister
      .list(service.metadata.namespace)
      .filter((pod) => pod.status?.podIP && selector.matches(pod.metadata.labels));
    const groups = endpointGroups(service, selected, (name) => nodes.lister.get(name));
    try {
      await writeSlices(key, service, groups);
      await writeLegacy(key, service, groups);
    } catch (error) {
      if (!namespaceIsTerminating(error)) throw error;
    }
  }

  async function writeSlices(key: string, service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const { namespace, name = '' } = service.metadata;
    const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
    const labels = { ...service.metadata.labels, ...headless, [serviceNameLabel]: name, [managedByLabel]: manager };
    const family = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
    const wanted = groups.length > 0 ? groups : [{ addressType: family, ports: [], endpoints: [] } as const];
    const existing = slices.lister
      .byIndex('service', key)
      .filter((slice) => slice.metadata.labels?.[managedByLabel] === manager && slice.metadata.deletionTimestamp === undefined);
    const plan = planSlices(existing, wanted, labels);
    for (const { group, endpoints: added } of plan.create) {
      const metadata = {
        ...(namespace ? { namespace } : {}),
        generateName: `${name}-`,
        labels,
        ownerReferences: [controllerReference(resources.services, service)],
      };
      const slice: EndpointSlice = { metadata, addressType: group.addressType, endpoints: added, ports: [...group.ports] };
      await seen(key, await client.create(resources.endpointSlices, slice, { signal }));
    }
    for (const slice of plan.update) await seen(key, await client.update(resources.endpointSlices, slice, { signal }));
    for (const slice of plan.delete) {
      const uid = slice.metadata.uid;
      try {
        const sliceKey = { namespace, name: slice.metadata.name ?? '' };
        await client.delete(resources.endpointSlices, sliceKey, { ...(uid ? { preconditions: { uid } } : {}), signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** Waits until the cache holds what was written, or the next reconcile would write it again. */
  async function seen(key: string, written: EndpointSlice): Promise<void> {
    for (let tries = 0; tries < 50; tries++) {
      const cached = slices.lister.get(keyOf(written));
      if (cached !== undefined && Number(cached.metadata.resourceVersion) >= Number(written.metadata.resourceVersion)) return;
      await context.clock.sleep(20, signal);
    }
    queue.addAfter(key, 1000);
  }

  async function writeLegacy(key: string, service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const wanted = legacyEndpoints(service, groups);
    const current = endpoints.lister.get(key);
    if (current === undefined) await client.create(resources.endpoints, wanted, { signal });
    else if (!semanticallyEqual(current.subsets, wanted.subsets) || !semanticallyEqual(current.metadata.labels, wanted.metadata.labels)) {
      const metadata = { ...current.metadata, labels: wanted.metadata.labels, annotations: wanted.metadata.annotations };
      await client.update(resources.endpoints, { ...current, metadata, subsets: wanted.subsets }, { signal });
    }
  }

  async function deleteLegacy(key: string): Promise<void> {
    const current = endpoints.lister.get(key);
    if (current?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] !== 'endpoint-controller') return;
    const { namespace, name = '' } = current.metadata;
    try {
      await client.delete(resources.endpoints, { namespace, name }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await runController(context, { queue, caches: [services, pods, nodes, slices, endpoints], workers: 2, reconcile });
}

function hasSelector(service: Service): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== 'ExternalName';
}

function sliceService(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name === undefined ? [] : [`${slice.metadata.namespace ?? ''}/${name}`];
}
