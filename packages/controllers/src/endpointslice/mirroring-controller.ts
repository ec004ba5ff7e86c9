import { ipFamily, resources } from '@bayplan/api';
import type { Endpoint, EndpointAddress, Endpoints, EndpointSubset, Service } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { namespaceIsTerminating } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { canonicalJson } from '../runtime/semantic-equality.ts';
import type { EndpointGroup } from './service-endpoints.ts';
import { indexByService, managedByLabel, serviceNameLabel, serviceOfSlice, writeSlices } from './slice-writer.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** Addresses of one subset that are mirrored; more are left out. */
const maxAddresses = 1000;
const gatherMs = 100;

/** Writes EndpointSlices for Endpoints that people made by hand for Services without a selector. */
export async function runMirroringController(context: ControllerContext): Promise<void> {
  const { informers, recorder } = context;
  const services = informers.informer(resources.services);
  const endpoints = informers.informer(resources.endpoints);
  const slices = indexByService(informers.informer(resources.endpointSlices));
  const queue = queueFor(context, 'endpoint_slice_mirroring');

  onChange(context, endpoints, (object, previous, deleted) => {
    const isOurs = object.metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller';
    if (deleted || (!isOurs && !semanticallyEqual(withoutVersion(object), withoutVersion(previous)))) queue.add(keyOf(object));
  });
  onChange(context, services, (service, previous, deleted) => {
    const selector = (of: Service | undefined): unknown => [of?.spec?.selector, of?.spec?.type];
    if (deleted || previous === undefined || !semanticallyEqual(selector(service), selector(previous))) {
      if (endpoints.lister.get(keyOf(service)) !== undefined) queue.add(keyOf(service));
    }
  });
  onChange(context, slices, (slice, previous, deleted) => {
    const own = slice.metadata.labels?.[managedByLabel] === manager;
    if (own && (deleted || previous !== undefined)) for (const key of serviceOfSlice(slice)) queue.addAfter(key, gatherMs);
  });

  async function reconcile(key: string): Promise<void> {
    const object = endpoints.lister.get(key);
    const service = services.lister.get(key);
    // Slices of deleted Endpoints go by their owner reference.
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    const wanted = service !== undefined && isMirrored(service, object);
    const annotations = { ...object.metadata.annotations };
    delete annotations[lastApplied];
    const labels = { ...object.metadata.labels, [serviceNameLabel]: object.metadata.name ?? '', [managedByLabel]: manager };
    const { groups, skipped } = wanted ? groupsOf(object.subsets ?? []) : { groups: [], skipped: 0 };
    if (skipped > 0) {
      const message = `${String(skipped)} addresses of the Endpoints are not mirrored: a subset holds more than ${String(maxAddresses)} or they are no addresses`;
      recorder.event({ ref: resources.endpoints, object }, 'Warning', 'TooManyAddressesToMirror', message);
    }
    const owner = { ref: resources.endpoints, object, labels, annotations };
    try {
      await writeSlices(context, slices, queue, key, owner, groups);
    } catch (error) {
      if (!namespaceIsTerminating(error)) throw error;
    }
  }

  await runController(context, { queue, caches: [services, endpoints, slices], reconcile });
}

function isMirrored(service: Service, object: Endpoints): boolean {
  const { labels, annotations } = object.metadata;
  const hasSelector = Object.keys(service.spec?.selector ?? {}).length > 0;
  return (
    !hasSelector && service.spec?.type !== 'ExternalName' && labels?.[skipLabel] !== 'true' && annotations?.[leaderAnnotation] === undefined
  );
}

function withoutVersion(object: Endpoints | undefined): unknown {
  return object === undefined ? undefined : [object.subsets, object.metadata.labels, object.metadata.annotations];
}

/** Endpoints by address family and ports, and how many addresses were left out. */
export function groupsOf(subsets: readonly EndpointSubset[]): { groups: EndpointGroup[]; skipped: number } {
  const groups = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: EndpointGroup['ports']; endpoints: Endpoint[] }>();
  let skipped = 0;
  for (const subset of subsets) {
    const ports = (subset.ports ?? []).map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }));
    const all = [
      ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
    ];
    skipped += Math.max(0, all.length - maxAddresses);
    for (const { address, ready } of all.slice(0, maxAddresses)) {
      const family = ipFamily(address.ip);
      if (family === undefined) {
        skipped++;
        continue;
      }
      const addressType = String(family).endsWith('6') ? 'IPv6' : 'IPv4';
      const id = `${addressType} ${canonicalJson(ports)}`;
      const group = groups.get(id) ?? { addressType, ports, endpoints: [] };
      groups.set(id, group);
      group.endpoints.push(endpointOf(address, ready));
    }
  }
  return { groups: [...groups.values()], skipped };
}

function endpointOf(address: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [address.ip],
    conditions: { ready },
    ...(address.hostname ? { hostname: address.hostname } : {}),
    ...(address.nodeName ? { nodeName: address.nodeName } : {}),
    ...(address.targetRef ? { targetRef: address.targetRef } : {}),
  };
}
