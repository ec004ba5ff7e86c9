import { milliOf } from '@bayplan/api';
import type { Endpoint, Node, Service } from '@bayplan/api';
import type { EndpointGroup } from './service-endpoints.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const modeAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'];

export interface HintedGroups {
  readonly groups: readonly EndpointGroup[];
  /** Why the annotation asks for hints that cannot be given, address type by address type. */
  readonly refusals: readonly string[];
}

/** Adds to endpoints for which zones or nodes they are meant, as the Service's traffic distribution or annotation says. */
export function withHints(service: Service, groups: readonly EndpointGroup[], nodes: readonly Node[]): HintedGroups {
  const distribution = service.spec?.trafficDistribution;
  if (distribution === 'PreferClose' || distribution === 'PreferSameZone' || distribution === 'PreferSameNode') {
    const near = (endpoint: Endpoint): Endpoint => nearHint(endpoint, distribution === 'PreferSameNode');
    return { groups: groups.map((group) => ({ ...group, endpoints: group.endpoints.map(near) })), refusals: [] };
  }
  const annotations = service.metadata.annotations ?? {};
  if (!modeAnnotations.some((name) => /^auto$/i.test(annotations[name] ?? ''))) return { groups, refusals: [] };
  const refusals: string[] = [];
  const hinted = groups.map((group) => {
    const result = proportional(group.endpoints, zoneShares(nodes));
    if (typeof result !== 'string') return { ...group, endpoints: result };
    refusals.push(`${result}, addressType: ${group.addressType}`);
    return group;
  });
  return { groups: hinted, refusals };
}

function nearHint(endpoint: Endpoint, sameNode: boolean): Endpoint {
  if (!endpoint.conditions?.ready || !endpoint.zone) return endpoint;
  return {
    ...endpoint,
    hints: { forZones: [{ name: endpoint.zone }], ...(sameNode && endpoint.nodeName ? { forNodes: [{ name: endpoint.nodeName }] } : {}) },
  };
}

/** The part of the cluster's CPU that is in each zone; undefined when a ready node tells no zone or CPU. */
function zoneShares(nodes: readonly Node[]): Map<string, number> | undefined {
  const cpu = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    const isReady = node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    if (!isReady || node.metadata.labels?.['node-role.kubernetes.io/control-plane'] !== undefined) continue;
    const zone = node.metadata.labels?.[zoneLabel];
    const milli = milliOf(node.status?.allocatable?.['cpu']);
    if (!zone || milli === 0) return undefined;
    cpu.set(zone, (cpu.get(zone) ?? 0) + milli);
    total += milli;
  }
  return new Map([...cpu].map(([zone, milli]) => [zone, milli / total]));
}

/**
 * Deals ready endpoints out to zones in proportion to their CPU; they stay in their own zone as far as that needs
 * them. Answers with the reason when it cannot be done without overloading a zone.
 */
function proportional(endpoints: readonly Endpoint[], shares: ReadonlyMap<string, number> | undefined): Endpoint[] | string {
  if (shares === undefined) return 'One or more nodes do not have allocatable CPU or zone information';
  if (shares.size < 2) return 'Nodes only ready in one zone';
  const ready = endpoints.filter((endpoint) => endpoint.conditions?.ready);
  if (ready.some((endpoint) => !endpoint.zone)) return 'One or more endpoints do not have a zone specified';
  if (ready.length < shares.size)
    return `Insufficient number of endpoints (${String(ready.length)}), impossible to safely allocate proportionally`;
  const quotas = dealOut(ready.length, shares);
  if ([...quotas.values()].includes(0))
    return `Insufficient number of endpoints (${String(ready.length)}), impossible to safely allocate proportionally`;
  const zoneOf = new Map<Endpoint, string>();
  const left = new Map(quotas);
  for (const endpoint of ready) {
    const zone = endpoint.zone ?? '';
    if ((left.get(zone) ?? 0) === 0) continue;
    left.set(zone, (left.get(zone) ?? 0) - 1);
    zoneOf.set(endpoint, zone);
  }
  for (const endpoint of ready) {
    if (zoneOf.has(endpoint)) continue;
    const [zone] = [...left].find(([, room]) => room > 0) ?? [''];
    left.set(zone, (left.get(zone) ?? 0) - 1);
    zoneOf.set(endpoint, zone);
  }
  return endpoints.map((endpoint) => {
    const zone = zoneOf.get(endpoint);
    return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } };
  });
}

/** Whole numbers in proportion to the shares that sum up to `count`: the largest remainders are rounded up. */
export function dealOut(count: number, shares: ReadonlyMap<string, number>): Map<string, number> {
  const exact = [...shares].map(([zone, share]) => ({ zone, floor: Math.floor(count * share), rest: (count * share) % 1 }));
  let open = count - exact.reduce((sum, one) => sum + one.floor, 0);
  const dealt = new Map<string, number>();
  for (const one of exact.sort((a, b) => b.rest - a.rest || (a.zone < b.zone ? -1 : 1))) {
    dealt.set(one.zone, one.floor + (open > 0 ? 1 : 0));
    open -= 1;
  }
  return dealt;
}
