import type { EndpointSlice, Service } from '@bayplan/api';
import { isIpv4 } from '../ipv4.ts';

/** Where the zone reads what exists; live views of informer caches. */
export interface ZoneSource {
  /** False until the caches are filled: names cannot be denied before. */
  readonly ready: () => boolean;
  readonly service: (namespace: string, name: string) => Service | undefined;
  readonly slices: (namespace: string, serviceName: string) => readonly EndpointSlice[];
  readonly hasServices: (namespace: string) => boolean;
  readonly servicesAt: (clusterIp: string) => readonly Service[];
  /** Slices of headless Services that hold the address. */
  readonly slicesWith: (address: string) => readonly EndpointSlice[];
}

export type ZoneRecord =
  | { readonly type: 'A'; readonly name: string; readonly address: string }
  | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly name: string; readonly target: string }
  | { readonly type: 'TXT'; readonly name: string; readonly text: string }
  | { readonly type: 'SRV'; readonly name: string; readonly port: number; readonly target: string };

/** What the zone says to one question. An empty `success` means: the name exists, but not with this type. */
export type ZoneAnswer =
  | { readonly kind: 'success'; readonly records: readonly ZoneRecord[]; readonly additional: readonly ZoneRecord[] }
  | { readonly kind: 'no-such-name' }
  | { readonly kind: 'not-ready' }
  /** Not a name of this cluster: somebody else may know it. */
  | { readonly kind: 'elsewhere' };

const noData: ZoneAnswer = { kind: 'success', records: [], additional: [] };
const noSuchName: ZoneAnswer = { kind: 'no-such-name' };

interface HeadlessEndpoint {
  /** Its host name if it has one, else its address with dashes. */
  readonly label: string;
  readonly address: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

/**
 * The names of a cluster, after the Kubernetes DNS specification 1.1.0: Services (with ClusterIP,
 * headless, ExternalName), their ports and endpoints, pods by address, and reverse names.
 */
export class ClusterZone {
  readonly domain: string;
  readonly #source: ZoneSource;
  readonly #dnsAddress: string;

  constructor(options: { readonly domain: string; readonly dnsAddress: string; readonly source: ZoneSource }) {
    this.domain = options.domain.toLowerCase();
    this.#dnsAddress = options.dnsAddress;
    this.#source = options.source;
  }

  /** `name` has no trailing dot; its case does not matter. */
  answer(name: string, type: string): ZoneAnswer {
    const lower = name.toLowerCase();
    if (lower.endsWith('.in-addr.arpa')) return this.#reverse(lower, type);
    if (lower !== this.domain && !lower.endsWith(`.${this.domain}`)) return { kind: 'elsewhere' };
    const labels = lower === this.domain ? [] : lower.slice(0, -this.domain.length - 1).split('.');
    const fixed = this.#fixed(labels, lower, type);
    if (fixed !== undefined) return fixed;
    if (!this.#source.ready()) return { kind: 'not-ready' };
    const branch = labels.at(-1);
    if (branch === 'pod') return this.#pod(labels, lower, type);
    if (branch === 'svc') return this.#service(labels.slice(0, -1), lower, type);
    return noSuchName;
  }

  #fixed(labels: readonly string[], name: string, type: string): ZoneAnswer | undefined {
    switch (labels.join('.')) {
      case '':
        return type === 'NS' ? success([{ type: 'NS', name, target: `ns.dns.${this.domain}` }], [this.#nameServer()]) : noData;
      case 'ns.dns':
        return type === 'A' ? success([this.#nameServer()]) : noData;
      case 'dns-version':
        return type === 'TXT' ? success([{ type: 'TXT', name, text: '1.1.0' }]) : noData;
      case 'dns':
      case 'svc':
      case 'pod':
        return noData;
      default:
        return undefined;
    }
  }

  #nameServer(): ZoneRecord {
    return { type: 'A', name: `ns.dns.${this.domain}`, address: this.#dnsAddress };
  }

  /** `10-128-0-7.default.pod`: any address, as CoreDNS answers in its default `pods insecure`. */
  #pod(labels: readonly string[], name: string, type: string): ZoneAnswer {
    if (labels.length === 2) return noData;
    const address = (labels[0] ?? '').replaceAll('-', '.');
    if (labels.length !== 3 || !isIpv4(address)) return noSuchName;
    return type === 'A' ? success([{ type: 'A', name, address }]) : noData;
  }

  #service(labels: readonly string[], name: string, type: string): ZoneAnswer {
    const namespace = labels.at(-1) ?? '';
    if (labels.length === 1) return this.#source.hasServices(namespace) ? noData : noSuchName;
    const service = this.#source.service(namespace, labels.at(-2) ?? '');
    if (service === undefined) return noSuchName;
    const before = labels.slice(0, -2);
    const spec = service.spec;
    if (spec?.type === 'ExternalName') {
      return before.length === 0 && spec.externalName
        ? success([{ type: 'CNAME', name, target: spec.externalName.replace(/\.$/, '') }])
        : noSuchName;
    }
    const headless = spec?.clusterIP === 'None';
    const root = `${labels.slice(-2).join('.')}.svc.${this.domain}`;
    const endpoints = headless ? this.#endpoints(service) : [];
    if (headless && endpoints.length === 0) return noSuchName;
    if (before.length === 0)
      return headless ? this.#headless(endpoints, name, root, type) : clusterIp(service, name, root, type, () => true);
    if (before.length === 1 && headless) return oneEndpoint(endpoints, before[0] ?? '', name, type);
    const [portLabel = '', protocolLabel = ''] = before;
    if (before.length === 1 && /^_(tcp|udp|sctp)$/.test(portLabel)) return noData;
    if (before.length !== 2 || !portLabel.startsWith('_') || !protocolLabel.startsWith('_')) return noSuchName;
    const wanted = (port: string, protocol: string) => `_${port}` === portLabel && `_${protocol.toLowerCase()}` === protocolLabel;
    return headless ? headlessPort(endpoints, name, root, type, wanted) : clusterIp(service, name, root, type, wanted, true);
  }

  #headless(endpoints: readonly HeadlessEndpoint[], name: string, root: string, type: string): ZoneAnswer {
    if (type === 'SRV') return headlessPort(endpoints, name, root, type, () => true);
    return type === 'A' ? success(endpoints.map(({ address }) => ({ type: 'A', name, address }))) : noData;
  }

  #endpoints(service: Service): HeadlessEndpoint[] {
    const found = new Map<string, HeadlessEndpoint>();
    for (const slice of this.#source.slices(service.metadata.namespace ?? '', service.metadata.name ?? '')) {
      if (slice.addressType !== 'IPv4') continue;
      const ports = (slice.ports ?? []).map((port) => ({ name: port.name ?? '', port: port.port ?? 0, protocol: port.protocol ?? 'TCP' }));
      for (const endpoint of slice.endpoints ?? []) {
        if (!(endpoint.conditions?.ready ?? true)) continue;
        for (const address of endpoint.addresses)
          found.set(address, { label: endpoint.hostname ?? address.replaceAll('.', '-'), address, ports });
      }
    }
    return [...found.values()];
  }

  #reverse(name: string, type: string): ZoneAnswer {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
    if (!isIpv4(address)) return { kind: 'elsewhere' };
    if (!this.#source.ready()) return { kind: 'not-ready' };
    const targets = this.#source
      .servicesAt(address)
      .map((service) => `${service.metadata.name}.${service.metadata.namespace}.svc.${this.domain}`);
    for (const slice of this.#source.slicesWith(address)) {
      const serviceName = slice.metadata.labels?.['kubernetes.io/service-name'] ?? '';
      const namespace = slice.metadata.namespace ?? '';
      if (this.#source.service(namespace, serviceName)?.spec?.clusterIP !== 'None') continue;
      const endpoint = (slice.endpoints ?? []).find((candidate) => candidate.addresses.includes(address));
      targets.push(`${endpoint?.hostname ?? address.replaceAll('.', '-')}.${serviceName}.${namespace}.svc.${this.domain}`);
    }
    if (targets.length === 0) return { kind: 'elsewhere' };
    return type === 'PTR' ? success([...new Set(targets)].map((target) => ({ type: 'PTR', name, target }))) : noData;
  }
}

function success(records: readonly ZoneRecord[], additional: readonly ZoneRecord[] = []): ZoneAnswer {
  return { kind: 'success', records, additional };
}

type PortFilter = (name: string, protocol: string) => boolean;

function clusterIp(service: Service, name: string, root: string, type: string, wanted: PortFilter, named = false): ZoneAnswer {
  const ports = (service.spec?.ports ?? []).filter((port) => wanted(port.name ?? '', port.protocol ?? 'TCP'));
  if (named && ports.length === 0) return noSuchName;
  const addresses = (service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']).filter(isIpv4);
  const hosts = (owner: string): ZoneRecord[] => addresses.map((address) => ({ type: 'A', name: owner, address }));
  if (type === 'SRV') {
    return success(
      ports.map((port) => ({ type: 'SRV', name, port: port.port, target: root })),
      hosts(root),
    );
  }
  return type === 'A' && !named ? success(hosts(name)) : noData;
}

function headlessPort(endpoints: readonly HeadlessEndpoint[], name: string, root: string, type: string, wanted: PortFilter): ZoneAnswer {
  const pairs = endpoints.flatMap((endpoint) =>
    endpoint.ports.filter((port) => wanted(port.name, port.protocol)).map((port) => ({ endpoint, port })),
  );
  if (pairs.length === 0) return name === root ? noData : noSuchName;
  if (type !== 'SRV') return noData;
  const target = (endpoint: HeadlessEndpoint) => `${endpoint.label}.${root}`;
  return success(
    pairs.map(({ endpoint, port }) => ({ type: 'SRV', name, port: port.port, target: target(endpoint) })),
    [...new Set(pairs.map((pair) => pair.endpoint))].map((endpoint) => ({ type: 'A', name: target(endpoint), address: endpoint.address })),
  );
}

function oneEndpoint(endpoints: readonly HeadlessEndpoint[], label: string, name: string, type: string): ZoneAnswer {
  const matching = endpoints.filter((endpoint) => endpoint.label === label);
  if (matching.length === 0) return /^_(tcp|udp|sctp)$/.test(label) ? noData : noSuchName;
  return type === 'A' ? success(matching.map(({ address }) => ({ type: 'A', name, address }))) : noData;
}
