import type { CoreV1EndpointPort, Endpoint, EndpointAddress, Endpoints, EndpointSubset, Service } from '@bayplan/api';
import type { EndpointGroup } from './service-endpoints.ts';

/** Addresses that an Endpoints object holds at most; the rest is in the slices alone. */
const maxAddresses = 1000;

export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

/** The old form of a Service's endpoints: the first address family, ready and not ready addresses apart. */
export function legacyEndpoints(service: Service, groups: readonly EndpointGroup[]): Endpoints {
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4';
  const subsets: EndpointSubset[] = [];
  let left = maxAddresses;
  let truncated = false;
  for (const group of groups) {
    if (group.addressType !== family) continue;
    const usable = group.endpoints.filter((endpoint) => endpoint.conditions?.terminating !== true || endpoint.conditions.ready === true);
    const sorted = [...usable].sort((a, b) => ((a.addresses[0] ?? '') < (b.addresses[0] ?? '') ? -1 : 1));
    const kept = sorted.slice(0, left);
    left -= kept.length;
    truncated ||= kept.length < sorted.length;
    if (kept.length === 0) continue;
    const ready = kept.filter((endpoint) => endpoint.conditions?.ready === true).map(addressOf);
    const notReady = kept.filter((endpoint) => endpoint.conditions?.ready !== true).map(addressOf);
    subsets.push({
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(group.ports.length > 0 ? { ports: group.ports.map(portOf) } : {}),
    });
  }
  const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
  return {
    metadata: {
      ...(service.metadata.namespace ? { namespace: service.metadata.namespace } : {}),
      name: service.metadata.name,
      labels: { ...service.metadata.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller', ...headless },
      ...(truncated ? { annotations: { [overCapacityAnnotation]: 'truncated' } } : {}),
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
}

function addressOf(endpoint: Endpoint): EndpointAddress {
  return {
    ip: endpoint.addresses[0] ?? '',
    ...(endpoint.hostname ? { hostname: endpoint.hostname } : {}),
    ...(endpoint.nodeName ? { nodeName: endpoint.nodeName } : {}),
    ...(endpoint.targetRef ? { targetRef: endpoint.targetRef } : {}),
  };
}

function portOf(port: EndpointGroup['ports'][number]): CoreV1EndpointPort {
  return {
    ...(port.name ? { name: port.name } : {}),
    port: port.port ?? 0,
    protocol: port.protocol ?? 'TCP',
    ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
  };
}
