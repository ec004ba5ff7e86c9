import type { DiscoveryV1EndpointPort, Endpoint, Node, Pod, Service } from '@bayplan/api';
import { isFinished, isReady } from '../pods/pod-state.ts';
import { canonicalJson } from '../runtime/semantic-equality.ts';

/** The endpoints of one Service that share their ports and address type. */
export interface EndpointGroup {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly DiscoveryV1EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** Whether anything that endpoints are made of differs between two states of a pod. */
export function endpointChanged(a: Pod, b: Pod): boolean {
  return (
    a.status?.podIP !== b.status?.podIP ||
    isReady(a) !== isReady(b) ||
    isFinished(a) !== isFinished(b) ||
    (a.metadata.deletionTimestamp === undefined) !== (b.metadata.deletionTimestamp === undefined) ||
    a.spec?.nodeName !== b.spec?.nodeName ||
    canonicalJson(a.metadata.labels) !== canonicalJson(b.metadata.labels)
  );
}

/** The endpoints that a Service should have for the pods that it selects. */
export function endpointGroups(service: Service, pods: readonly Pod[], nodeOf: (name: string) => Node | undefined): EndpointGroup[] {
  const groups = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }>();
  const families = service.spec?.ipFamilies ?? ['IPv4'];
  const anyPod = pods.filter((pod) => !isFinished(pod));
  for (const addressType of families.includes('IPv6') ? (['IPv4', 'IPv6'] as const) : (['IPv4'] as const)) {
    if (!families.includes(addressType)) continue;
    for (const pod of anyPod) {
      const addresses = (pod.status?.podIPs ?? []).map((podIp) => podIp.ip).concat(pod.status?.podIP ?? []);
      const address = addresses.find((candidate) => candidate.includes(':') === (addressType === 'IPv6'));
      if (!address) continue;
      const ports = endpointPorts(service, pod);
      const id = `${addressType} ${canonicalJson(ports)}`;
      let group = groups.get(id);
      if (group === undefined) groups.set(id, (group = { addressType, ports, endpoints: [] }));
      group.endpoints.push(endpointOf(service, pod, address, nodeOf));
    }
  }
  return [...groups.values()];
}

function endpointPorts(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  const ports: DiscoveryV1EndpointPort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const protocol = servicePort.protocol ?? 'TCP';
    const port = targetPort(servicePort.targetPort ?? servicePort.port, protocol, pod);
    if (port === undefined) continue;
    ports.push({
      name: servicePort.name ?? '',
      protocol,
      port,
      ...(servicePort.appProtocol ? { appProtocol: servicePort.appProtocol } : {}),
    });
  }
  return ports;
}

function targetPort(target: number | string, protocol: string, pod: Pod): number | undefined {
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const named = container.ports?.find((port) => port.name === target && (port.protocol ?? 'TCP') === protocol);
    if (named) return named.containerPort;
  }
  return undefined;
}

function endpointOf(service: Service, pod: Pod, address: string, nodeOf: (name: string) => Node | undefined): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod) || service.spec?.publishNotReadyAddresses === true;
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName === undefined ? undefined : nodeOf(nodeName)?.metadata.labels?.[zoneLabel];
  const ownName = pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
  return {
    addresses: [address],
    conditions: { ready: serving && (!terminating || service.spec?.publishNotReadyAddresses === true), serving, terminating },
    ...(ownName ? { hostname: ownName } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
  };
}
