import { badRequest, serviceUnavailable } from '@bayplan/api';
import type { EndpointSlice, Pod, Service } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import type { Duplex } from 'node:stream';
import type { ResourceContext } from '../chain/context.ts';
import type { Registry } from '../registry/registry.ts';
import { kindOfAddress } from './address-kind.ts';
import type { ForwardTarget } from './forward.ts';
import { secured } from '../webhooks/secured.ts';
import type { Endpoint, ServiceLink } from '../webhooks/service-link.ts';
import type { NodeLink } from './node-link.ts';

export interface ProxyName {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** A number or the name of a port; empty when none is given. */
  readonly port: string;
}

/** Reads `[SCHEME:]NAME[:PORT]`, the name of a pod, Service or node behind `proxy`. Throws `BadRequest`. */
export function parseProxyName(text: string): ProxyName {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: 'http', name: text, port: '' };
  if (parts.length === 2) return { scheme: 'http', name: parts[0] ?? '', port: parts[1] ?? '' };
  const [scheme = '', name = '', port = ''] = parts;
  if (parts.length > 3 || !['', 'http', 'https'].includes(scheme)) throw badRequest(`invalid proxy target ${JSON.stringify(text)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

/** Where a request to `proxy` of a pod, Service or node goes. */
export async function proxyTarget(
  context: ResourceContext,
  registry: Registry,
  nodes: NodeLink,
  link: ServiceLink,
  random: Random,
): Promise<ForwardTarget> {
  const { info, request } = context;
  const wanted = parseProxyName(info.name);
  const query = request.query.toString();
  const path = `/${info.rest}${request.path.endsWith('/') && info.rest !== '' ? '/' : ''}${query === '' ? '' : `?${query}`}`;
  switch (info.resource) {
    case 'nodes':
      return { url: within(await nodes.urlOf(wanted.name), path), agent: await nodes.agent() };
    case 'pods':
      return unverified(link, wanted.scheme, await podAddress(registry, info.namespace, wanted), path);
    default:
      return unverified(link, wanted.scheme, await serviceAddress(registry, info.namespace, wanted, random), path);
  }
}

/** Pods and Services show certificates of their own making: as in Kubernetes, they are not checked. */
async function unverified(link: ServiceLink, scheme: 'http' | 'https', endpoint: Endpoint, path: string): Promise<ForwardTarget> {
  const { host, port } = endpoint;
  const url = within(new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port.toString()}`), path);
  const tls = { rejectUnauthorized: false };
  if (await link.isDirect(endpoint)) return { url, ...(scheme === 'https' ? { tls } : {}) };
  const open = async (): Promise<Duplex> => {
    const socket = await link.connect(endpoint);
    return scheme === 'https' ? secured(socket, tls) : socket;
  };
  return { url, open };
}

/** `path` on the host of `base`, whatever it holds: URL resolution would read `/\\host` as another host. */
function within(base: URL, path: string): URL {
  const url = new URL(base);
  const question = path.indexOf('?');
  url.pathname = question < 0 ? path : path.slice(0, question);
  url.search = question < 0 ? '' : path.slice(question);
  return url;
}

/** Throws `BadRequest` for what is the server's own or its link's: nobody reaches those through a pod or Service. */
function reachable(address: string): string {
  if (kindOfAddress(address) !== 'ordinary') throw badRequest(`address ${address} is not allowed for proxying`);
  return address;
}

async function podAddress(registry: Registry, namespace: string, wanted: ProxyName): Promise<Endpoint> {
  const pod = (await registry.stored('', 'v1', 'pods').storage.get(namespace, wanted.name)).object as Pod;
  const ip = pod.status?.podIP;
  if (!ip) throw badRequest(`pod ${wanted.name} has no address yet`);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const named = ports.find((port) => port.name === wanted.port)?.containerPort.toString();
  const port = wanted.port === '' ? (ports[0]?.containerPort.toString() ?? '') : (named ?? wanted.port);
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536))
    throw badRequest(`pod ${wanted.name} has no port ${JSON.stringify(port)}`);
  const usual = wanted.scheme === 'https' ? 443 : 80;
  return { host: reachable(ip), port: port === '' ? usual : Number(port), nodeName: pod.spec?.nodeName ?? '' };
}

async function serviceAddress(registry: Registry, namespace: string, wanted: ProxyName, random: Random): Promise<Endpoint> {
  const service = (await registry.stored('', 'v1', 'services').storage.get(namespace, wanted.name)).object as Service;
  const ports = service.spec?.ports ?? [];
  const port = wanted.port === '' ? ports[0] : ports.find((one) => one.name === wanted.port || one.port.toString() === wanted.port);
  if (port === undefined || (wanted.port === '' && ports.length > 1))
    throw serviceUnavailable(`no service port ${JSON.stringify(wanted.port)} found for service ${JSON.stringify(wanted.name)}`);
  const slices = registry.stored('discovery.k8s.io', 'v1', 'endpointslices').storage;
  await slices.cache.fresh();
  const addresses = slices.cache
    .list({ namespace, matches: (entry) => entry.labels['kubernetes.io/service-name'] === wanted.name })
    .flatMap((entry) => readyAddresses(entry.stored.object as EndpointSlice, port.name ?? ''));
  const chosen = addresses[Math.floor(random.next() * addresses.length)];
  if (chosen === undefined) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(wanted.name)}`);
  return chosen;
}

function readyAddresses(slice: EndpointSlice, portName: string): Endpoint[] {
  const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .map((endpoint) => ({ host: reachable(endpoint.addresses[0] ?? ''), port, nodeName: endpoint.nodeName ?? '' }));
}
