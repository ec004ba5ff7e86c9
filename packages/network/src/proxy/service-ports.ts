import type { EndpointSlice, Service } from '@bayplan/api';
import { isIpv4, isIpv4Cidr } from '../ipv4.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One address and port that may receive a Service's traffic. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** Whether it runs on this node. */
  readonly local: boolean;
}

/** One port of one Service with all that the rules need to know of it. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIps: readonly string[];
  /** External and load-balancer addresses that lead to this Service. */
  readonly externalIps: readonly string[];
  readonly nodePort: number | undefined;
  /** Sources that may use the load-balancer addresses; empty means all. */
  readonly sourceRanges: readonly string[];
  /** How long a client keeps its backend; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalPolicy: 'Cluster' | 'Local';
  readonly externalPolicy: 'Cluster' | 'Local';
  /** Backends for traffic without a Local policy, sorted; empty means that connections are refused. */
  readonly backends: readonly Backend[];
  /** Backends on this node, for a Local policy. */
  readonly localBackends: readonly Backend[];
}

interface Candidate extends Backend {
  readonly ready: boolean;
  /** Still answering while it shuts down: used when nothing is ready. */
  readonly draining: boolean;
}

/**
 * The ports of one Service that a proxy has to serve: none for headless and ExternalName Services.
 * Ready endpoints are used; when there is none, those that are terminating but still serve
 * (KEP-1669). With a Local policy the same rule holds among the node's own endpoints.
 */
export function servicePortsOf(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServicePort[] {
  const spec = service.spec;
  const clusterIps = (spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])).filter(isIpv4);
  if (spec === undefined || spec.type === 'ExternalName' || clusterIps.length === 0) return [];
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const balancerIps = (service.status?.loadBalancer?.ingress ?? [])
    .filter((ingress) => ingress.ipMode !== 'Proxy')
    .map((ingress) => ingress.ip ?? '');
  const externalIps = [...new Set([...(spec.externalIPs ?? []), ...(spec.type === 'LoadBalancer' ? balancerIps : [])])]
    .filter(isIpv4)
    .sort();
  const affinitySeconds =
    spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined;
  return (spec.ports ?? []).map((port) => {
    const candidates = candidatesOf(slices, port.name ?? '', nodeName);
    return {
      namespace: service.metadata.namespace ?? '',
      name: service.metadata.name ?? '',
      protocol: protocolOf(port.protocol),
      port: port.port,
      clusterIps,
      externalIps,
      nodePort: external && port.nodePort ? port.nodePort : undefined,
      sourceRanges:
        spec.type === 'LoadBalancer' ? (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isIpv4Cidr) : [],
      affinitySeconds,
      internalPolicy: spec.internalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
      externalPolicy: spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
      backends: usable(candidates),
      localBackends: usable(candidates.filter((candidate) => candidate.local)),
    };
  });
}

function usable(candidates: readonly Candidate[]): Backend[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter((candidate) => candidate.draining);
  return chosen.map(({ address, port, local }) => ({ address, port, local }));
}

function candidatesOf(slices: readonly EndpointSlice[], portName: string, nodeName: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    const port = (slice.ports ?? []).find((candidate) => (candidate.name ?? '') === portName)?.port;
    if (slice.addressType !== 'IPv4' || port === undefined || slice.metadata.deletionTimestamp !== undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || !isIpv4(address)) continue;
      const ready = endpoint.conditions?.ready ?? true;
      const serving = endpoint.conditions?.serving ?? ready;
      const draining = serving && (endpoint.conditions?.terminating ?? false);
      if (ready || draining) found.set(`${address}:${port}`, { address, port, local: endpoint.nodeName === nodeName, ready, draining });
    }
  }
  return [...found.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, candidate]) => candidate);
}

function protocolOf(protocol: string | undefined): Protocol {
  return protocol === 'UDP' ? 'udp' : protocol === 'SCTP' ? 'sctp' : 'tcp';
}
