import type { Node, Service } from '@bayplan/api';

/** The class that Services may name to be served by this controller; without a class they are too. */
export const ownClass = 'bayplan.io/node';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

export function isOwn(service: Service): boolean {
  const wanted = service.spec?.loadBalancerClass;
  return service.spec?.type === 'LoadBalancer' && (wanted === undefined || wanted === ownClass);
}

/** Addresses of the nodes that may take traffic from outside, sorted: external ones where a node has them. */
export function balancerAddresses(nodes: readonly Node[]): string[] {
  const found = new Set<string>();
  for (const node of nodes) {
    const isReady = node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    if (!isReady || node.metadata.labels?.[excludeLabel] !== undefined || node.metadata.deletionTimestamp !== undefined) continue;
    const addresses = node.status?.addresses ?? [];
    const external = addresses.filter((one) => one.type === 'ExternalIP');
    const chosen = external.length > 0 ? external : addresses.filter((one) => one.type === 'InternalIP');
    for (const { address } of chosen) found.add(address);
  }
  return [...found].sort();
}

/** Ports that machines themselves listen on: a Service there would cut people and the cluster off. */
export function reservedPorts(nodes: readonly Node[], apiPorts: readonly number[]): Map<string, string> {
  const reserved = new Map<string, string>([['TCP/22', 'ssh']]);
  for (const port of apiPorts) reserved.set(`TCP/${String(port)}`, 'the API server');
  for (const node of nodes) {
    const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
    if (port !== undefined) reserved.set(`TCP/${String(port)}`, 'the node API');
  }
  return reserved;
}

/** The ports of a Service as `PROTOCOL/NUMBER`. */
export function portKeys(service: Service): string[] {
  return (service.spec?.ports ?? []).map((port) => `${port.protocol ?? 'TCP'}/${String(port.port)}`);
}
