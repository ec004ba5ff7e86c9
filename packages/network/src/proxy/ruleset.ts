import { createHash } from 'node:crypto';
import type { NetworkSettings } from '../network-options.ts';
import type { HostPort } from './host-ports.ts';
import type { NftState } from './nft-state.ts';
import type { Backend, ServicePort } from './service-ports.ts';

/** Family and name of the only table this component writes. */
export const tableName = 'ip bayplan';

/** Bit of the packet mark that says: came from outside under a Cluster policy, so its answer must return through this node. */
const fromOutsideMark = '0x00400000';

/**
 * The fixed part: hooks, maps and the rules that need no Service. Replaces the whole table in the
 * transaction it is part of. A lookup is one probe of a hash however many Services there are.
 */
export function baseRuleset(settings: NetworkSettings): string {
  const { clusterCidr, serviceCidr, dnsAddress, nodeIp } = settings;
  return `add table ${tableName}
delete table ${tableName}
table ${tableName} {
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  map node-ports { type inet_proto . inet_service : verdict; }
  map host-ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map host-address-ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  set closed { type ipv4_addr . inet_proto . inet_service; }
  set hairpin { type ipv4_addr . ipv4_addr; }
  set local-backends { type ipv4_addr; }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr != 127.0.0.0/8 ip daddr != ${dnsAddress} fib daddr type local meta l4proto . th dport vmap @node-ports
    meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @host-address-ports
    ip daddr != 127.0.0.0/8 ip daddr != ${dnsAddress} fib daddr type local meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @host-ports
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain nat-prerouting { type nat hook prerouting priority -100; policy accept; jump services; }
  chain nat-output { type nat hook output priority -100; policy accept; jump services; }
  chain nat-postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr . ip daddr @hairpin snat to ${nodeIp}
    meta mark and ${fromOutsideMark} != 0 ip daddr != @local-backends masquerade
    ip saddr ${clusterCidr} ip daddr != ${clusterCidr} masquerade
  }
  chain filter-forward {
    type filter hook forward priority 0; policy accept;
    ip daddr ${serviceCidr} goto refuse
    ip daddr . meta l4proto . th dport @closed goto refuse
  }
  chain filter-output {
    type filter hook output priority 0; policy accept;
    ip daddr ${serviceCidr} ip daddr != ${dnsAddress} goto refuse
    ip daddr . meta l4proto . th dport @closed goto refuse
  }
}
`;
}

interface Draft {
  readonly chains: Map<string, string[]>;
  readonly sets: Map<string, string>;
  readonly elements: Map<string, Map<string, string>>;
}

/**
 * The changing part, for all Services and host ports at once. What no rule sends elsewhere is refused by the base:
 * a Service address that is left after translation has no backend or no such port.
 */
export function renderServices(ports: readonly ServicePort[], hostPorts: readonly HostPort[], settings: NetworkSettings): NftState {
  const names = ['service-ips', 'node-ports', 'host-ports', 'host-address-ports', 'closed', 'hairpin', 'local-backends'];
  const draft: Draft = { chains: new Map(), sets: new Map(), elements: new Map(names.map((name) => [name, new Map()])) };
  for (const port of ports) renderPort(draft, port, settings);
  for (const port of hostPorts) renderHostPort(draft, port);
  return draft;
}

function renderHostPort(draft: Draft, port: HostPort): void {
  const target = `${port.address} . ${port.targetPort}`;
  noteLocal(draft, { address: port.address, port: port.targetPort, local: true });
  if (port.hostIp === undefined) element(draft, 'host-ports', `${port.protocol} . ${port.port}`, target);
  else element(draft, 'host-address-ports', `${port.hostIp} . ${port.protocol} . ${port.port}`, target);
}

function renderPort(draft: Draft, port: ServicePort, settings: NetworkSettings): void {
  for (const backend of port.backends) noteLocal(draft, backend);
  for (const backend of port.localBackends) noteLocal(draft, backend);
  const key = (address: string) => `${address} . ${port.protocol} . ${port.port}`;
  if (port.backends.length === 0) {
    for (const address of port.externalIps) element(draft, 'closed', key(address), '');
    return;
  }
  const inside = port.internalPolicy === 'Local' ? localVerdict(draft, port) : `goto ${balancer(draft, port, 'all', port.backends)}`;
  for (const address of port.clusterIps) if (address !== settings.dnsAddress) element(draft, 'service-ips', key(address), inside);
  if (port.externalIps.length === 0 && port.nodePort === undefined) return;
  const outside = externalChain(draft, port, settings);
  const guarded = port.sourceRanges.length > 0 ? guardChain(draft, port, outside) : outside;
  for (const address of port.externalIps) element(draft, 'service-ips', key(address), `goto ${guarded}`);
  if (port.nodePort !== undefined) element(draft, 'node-ports', `${port.protocol} . ${port.nodePort}`, `goto ${outside}`);
}

/** A pod that reaches itself through a Service must see another source; a local backend needs no return path through this node. */
function noteLocal(draft: Draft, backend: Backend): void {
  if (!backend.local) return;
  element(draft, 'hairpin', `${backend.address} . ${backend.address}`, '');
  element(draft, 'local-backends', backend.address, '');
}

function localVerdict(draft: Draft, port: ServicePort): string {
  return port.localBackends.length === 0 ? 'drop' : `goto ${balancer(draft, port, 'local', port.localBackends)}`;
}

/** Traffic from pods and from the node itself is never bound by the external policy: it has a way back anyway. */
function externalChain(draft: Draft, port: ServicePort, settings: NetworkSettings): string {
  const name = chainName('external', port);
  const all = balancer(draft, port, 'all', port.backends);
  const mark = `meta mark set meta mark or ${fromOutsideMark}`;
  draft.chains.set(
    name,
    port.externalPolicy === 'Cluster'
      ? [mark, `goto ${all}`]
      : [`ip saddr ${settings.clusterCidr} goto ${all}`, `fib saddr type local ${mark} goto ${all}`, localVerdict(draft, port)],
  );
  return name;
}

function guardChain(draft: Draft, port: ServicePort, outside: string): string {
  const name = chainName('guard', port);
  draft.chains.set(name, [...port.sourceRanges.map((range) => `ip saddr ${range} goto ${outside}`), 'drop']);
  return name;
}

/** The chain that picks one of the backends at random, remembering it for a client when the Service asks for that. */
function balancer(draft: Draft, port: ServicePort, kind: 'all' | 'local', backends: readonly Backend[]): string {
  const name = chainName(kind, port);
  if (draft.chains.has(name)) return name;
  if (port.affinitySeconds !== undefined) {
    draft.chains.set(name, stickyRules(draft, port, backends, port.affinitySeconds));
  } else {
    const choices = backends.map((backend, index) => `${index} : ${backend.address} . ${backend.port}`);
    draft.chains.set(name, [`meta l4proto ${port.protocol} dnat ip to numgen random mod ${backends.length} map { ${choices.join(', ')} }`]);
  }
  return name;
}

/** One chain and one set of clients for each backend, as the set of a backend that goes must go with it. */
function stickyRules(draft: Draft, port: ServicePort, backends: readonly Backend[], seconds: number): string[] {
  const targets = backends.map((backend) => {
    const id = shortHash(`${chainName('all', port)} ${backend.address} ${backend.port} ${seconds}`);
    const clients = `clients-${id}`;
    const chain = `backend-${id}`;
    draft.sets.set(clients, `type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s;`);
    draft.chains.set(chain, [
      `update @${clients} { ip saddr }`,
      `meta l4proto ${port.protocol} dnat to ${backend.address}:${backend.port}`,
    ]);
    return { clients, chain };
  });
  const choices = targets.map((target, index) => `${index} : goto ${target.chain}`);
  return [
    ...targets.map((target) => `ip saddr @${target.clients} goto ${target.chain}`),
    `numgen random mod ${targets.length} vmap { ${choices.join(', ')} }`,
  ];
}

function element(draft: Draft, set: string, key: string, value: string): void {
  draft.elements.get(set)?.set(key, value);
}

/** Readable, unique, and within nftables' 128 characters. */
function chainName(kind: string, port: ServicePort): string {
  const full = `${port.namespace}/${port.name}/${port.protocol}/${port.port}`;
  return `${kind}-${shortHash(full)}-${full}`.slice(0, 120);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
