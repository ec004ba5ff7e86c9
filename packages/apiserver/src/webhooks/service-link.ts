import type { EndpointSlice, Node, Service } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import { connect } from 'node:net';
import { request } from 'node:https';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { kindOfAddress } from '../connect/address-kind.ts';
import type { NodeLink } from '../connect/node-link.ts';
import type { Registry } from '../registry/registry.ts';

/** Where a pod or another backend of a Service listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The node it runs on; empty when it runs on none that is known. */
  readonly nodeName: string;
}

/** How this server reaches pods: over its host's routes, through the agents of their nodes, or whichever fits. */
export type PodRoute = 'auto' | 'direct' | 'tunnel';

const connectTimeoutMs = 10_000;

/** The way from the API server to what runs in the cluster: Services become endpoints, endpoints become connections. */
export class ServiceLink {
  private readonly registry: Registry;
  private readonly nodes: NodeLink;
  private readonly random: Random;
  private readonly route: PodRoute;

  constructor(registry: Registry, nodes: NodeLink, random: Random, route: PodRoute) {
    this.registry = registry;
    this.nodes = nodes;
    this.random = random;
    this.route = route;
  }

  /** A ready endpoint behind a port (its number or name) of a Service. Throws a plain `Error` whose text says what is missing. */
  async endpointOf(namespace: string, name: string, wanted: number | string): Promise<Endpoint> {
    const service = (await this.registry.stored('', 'v1', 'services').storage.find(namespace, name))?.object as Service | undefined;
    if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
    const port = (service.spec?.ports ?? []).find((one) => one.port === wanted || (typeof wanted === 'string' && one.name === wanted));
    if (port === undefined) throw new Error(`no service port ${String(wanted)} found for service ${JSON.stringify(name)}`);
    if (service.spec?.type === 'ExternalName') return { host: service.spec.externalName ?? '', port: port.port, nodeName: '' };
    const slices = this.registry.stored('discovery.k8s.io', 'v1', 'endpointslices').storage;
    await slices.cache.fresh();
    const endpoints = slices.cache
      .list({ namespace, matches: (entry) => entry.labels['kubernetes.io/service-name'] === name })
      .flatMap((entry) => readyEndpoints(entry.stored.object as EndpointSlice, port.name ?? ''));
    const chosen = endpoints[Math.floor(this.random.next() * endpoints.length)];
    if (chosen === undefined) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
    return chosen;
  }

  /** Opens a connection to an endpoint. Rejects when nobody answers within ten seconds or `signal` aborts. */
  async connect(endpoint: Endpoint, signal?: AbortSignal): Promise<Duplex> {
    if (await this.isDirect(endpoint)) return openSocket(endpoint, signal);
    return this.openTunnel(endpoint, signal);
  }

  /** Whether connections to this endpoint leave from this host, rather than through an agent. */
  async isDirect({ nodeName, host }: Endpoint): Promise<boolean> {
    if (nodeName === '' || this.route === 'direct') return true;
    const { cache } = this.registry.stored('', 'v1', 'nodes').storage;
    await cache.start();
    const addressesOf = (name: string): string[] =>
      ((cache.get('', name)?.stored.object as Node | undefined)?.status?.addresses ?? []).map(({ address }) => address);
    // Nodes themselves are reached by their addresses from everywhere, and so is what runs in their network.
    if (addressesOf(nodeName).includes(host)) return true;
    if (this.route === 'tunnel') return false;
    // A host that is a node of the cluster has the routes to every pod.
    const own = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
    return cache.list({ matches: () => true }).some(({ name }) => addressesOf(name).some((address) => own.has(address)));
  }

  private async openTunnel({ host, port, nodeName }: Endpoint, signal: AbortSignal | undefined): Promise<Duplex> {
    const url = await this.nodes.urlOf(nodeName);
    const tls = await this.nodes.tls();
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port.toString()}`;
    return new Promise((resolve, reject) => {
      const asked = request({
        ...tls,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        method: 'CONNECT',
        path: authority,
        agent: false,
        timeout: connectTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      asked.on('connect', (response, socket, head) => {
        socket.setTimeout(0);
        if (response.statusCode !== 200) {
          socket.destroy();
          reject(new Error(`node ${nodeName} refused a tunnel to ${authority}: ${response.statusMessage ?? ''}`));
          return;
        }
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      asked.on('response', (response) => {
        response.resume();
        reject(new Error(`node ${nodeName} answered ${String(response.statusCode)} to a tunnel`));
      });
      asked.on('timeout', () => asked.destroy(new Error(`dial tcp ${authority}: i/o timeout`)));
      asked.on('error', reject);
      asked.end();
    });
  }
}

function readyEndpoints(slice: EndpointSlice, portName: string): Endpoint[] {
  const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false && kindOfAddress(endpoint.addresses[0] ?? '') === 'ordinary')
    .map((endpoint) => ({ host: endpoint.addresses[0] ?? '', port, nodeName: endpoint.nodeName ?? '' }));
}

function openSocket({ host, port }: Endpoint, signal: AbortSignal | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...(signal === undefined ? {} : { signal }) });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`dial tcp ${host}:${port.toString()}: i/o timeout`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
