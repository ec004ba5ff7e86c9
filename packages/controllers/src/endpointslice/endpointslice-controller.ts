import { isNotFound, resources, selectorOfLabels } from '@bayplan/api';
import type { Node, Pod, Service } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { namespaceIsTerminating } from '../pods/pod-control.ts';
import { indexByNode, podsOnNode } from '../pods/pods-on-node.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { legacyEndpoints } from './legacy-endpoints.ts';
import { endpointChanged, endpointGroups } from './service-endpoints.ts';
import type { EndpointGroup } from './service-endpoints.ts';
import { indexByService, managedByLabel, serviceNameLabel, serviceOfSlice, triggerTimeAnnotation, writeSlices } from './slice-writer.ts';
import type { SliceOwner } from './slice-writer.ts';
import { withHints } from './topology-hints.ts';
import { TriggerTimes, triggerTimeOfPod, triggerTimeOfService } from './trigger-times.ts';

const manager = 'endpointslice-controller.k8s.io';
/** Changes of pods are gathered this long, so that a burst of pods costs few slice updates. */
const gatherMs = 100;

/** Writes the EndpointSlices, and the old Endpoints object, of every Service with a selector. */
export async function runEndpointSliceController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const services = informers.informer(resources.services);
  const pods = indexByNode(informers.informer(resources.pods));
  const nodes = informers.informer(resources.nodes);
  const slices = informers.informer(resources.endpointSlices);
  const endpoints = informers.informer(resources.endpoints);
  indexByService(slices);
  const queue = queueFor(context, 'endpoint_slice');
  const triggers = new TriggerTimes();

  onChange(context, services, (service, previous, deleted) => {
    if (!deleted) triggers.note(keyOf(service), triggerTimeOfService(service, previous === undefined));
    queue.add(keyOf(service));
  });
  onChange(context, nodes, (node, previous) => {
    // What endpoints say of their node, and what hints are dealt out by.
    if (previous === undefined || semanticallyEqual(topologyOf(node), topologyOf(previous))) return;
    for (const pod of podsOnNode(pods, node.metadata.name ?? '')) for (const key of servicesOf(pod)) queue.addAfter(key, gatherMs);
  });
  onChange(context, slices, (slice, previous, deleted) => {
    // Creations and changes are ours; a deletion, or a change of ours by another, must be made good.
    const own = slice.metadata.labels?.[managedByLabel] === manager;
    if (own && (deleted || previous !== undefined)) for (const key of serviceOfSlice(slice)) queue.addAfter(key, gatherMs);
  });
  onChange(context, pods, (pod, previous) => {
    if (previous !== undefined && !endpointChanged(pod, previous)) return;
    const at = triggerTimeOfPod(pod);
    for (const key of servicesOf(pod)) {
      triggers.note(key, at);
      queue.addAfter(key, gatherMs);
    }
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
      triggers.take(key);
      if (service === undefined) await deleteLegacy(key);
      return;
    }
    const selector = selectorOfLabels(service.spec?.selector);
    const selected = pods.lister
      .list(service.metadata.namespace)
      .filter((pod) => pod.status?.podIP && selector.matches(pod.metadata.labels));
    const groups = endpointGroups(service, selected, (name) => nodes.lister.get(name));
    const hinted = withHints(service, groups, nodes.lister.list());
    for (const refusal of hinted.refusals)
      recorder.event({ ref: resources.services, object: service }, 'Warning', 'TopologyAwareHintsDisabled', refusal);
    const at = triggers.take(key);
    const annotations: Record<string, string> = at === undefined ? {} : { [triggerTimeAnnotation]: at };
    try {
      await writeSlices(context, slices, queue, key, ownerOf(service, annotations), someGroup(service, hinted.groups));
      await writeLegacy(key, service, groups, annotations);
    } catch (error) {
      // What is tried again was still caused by this.
      triggers.note(key, at);
      if (!namespaceIsTerminating(error)) throw error;
    }
  }

  async function writeLegacy(
    key: string,
    service: Service,
    groups: readonly EndpointGroup[],
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const plain = legacyEndpoints(service, groups);
    const wanted = { ...plain, metadata: { ...plain.metadata, annotations: { ...plain.metadata.annotations, ...annotations } } };
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

/** A Service without endpoints keeps one slice, by which it is told from one that nobody looks after. */
function someGroup(service: Service, groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
  const addressType = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  return groups.length > 0 ? groups : [{ addressType, ports: [], endpoints: [] }];
}

function ownerOf(service: Service, annotations: Readonly<Record<string, string>>): SliceOwner {
  const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
  const name = service.metadata.name ?? '';
  const labels = { ...service.metadata.labels, ...headless, [serviceNameLabel]: name, [managedByLabel]: manager };
  return { ref: resources.services, object: service, labels, annotations };
}

function topologyOf(node: Node): unknown {
  return node.metadata.labels?.['topology.kubernetes.io/zone'];
}

function hasSelector(service: Service): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== 'ExternalName';
}
