import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressClass,
  IPAddress,
  LoadBalancerStatus,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from '../generated/types.ts';
import { age, firstThree, labelsText, nameOf, none, orNone, selectorText } from './cell-text.ts';
import type { KindTable } from './column.ts';
import { kindTable, text, wide } from './column.ts';

const unset = '<unset>';

function balancerText(status: LoadBalancerStatus | undefined): string {
  const addresses = (status?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== '');
  return [...new Set(addresses)].sort().join(',');
}

function externalText(service: Service): string {
  const external = service.spec?.externalIPs ?? [];
  switch (service.spec?.type ?? 'ClusterIP') {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(external.join(','));
    case 'LoadBalancer': {
      const balancer = balancerText(service.status?.loadBalancer);
      const all = [...(balancer === '' ? [] : [balancer]), ...external];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return service.spec?.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function portsText(service: Service): string {
  const ports = (service.spec?.ports ?? []).map(({ port, nodePort = 0, protocol = 'TCP' }) =>
    nodePort > 0 ? `${port.toString()}:${nodePort.toString()}/${protocol}` : `${port.toString()}/${protocol}`,
  );
  return orNone(ports.join(','));
}

function endpointsText(endpoints: Endpoints): string {
  const subsets = endpoints.subsets ?? [];
  if (subsets.length === 0) return none;
  const all: string[] = [];
  for (const { addresses = [], ports = [] } of subsets) {
    if (ports.length === 0) all.push(...addresses.map(({ ip }) => ip));
    for (const { port } of ports) {
      for (const { ip } of addresses) all.push(`${ip.includes(':') ? `[${ip}]` : ip}:${port.toString()}`);
    }
  }
  return firstThree(all);
}

function hostsText(ingress: Ingress): string {
  const rules = ingress.spec?.rules ?? [];
  const hosts: string[] = [];
  let more = false;
  for (const { host } of rules) {
    // Any rule after the third host counts, with a host or without.
    if (hosts.length === 3) more = true;
    else if (host) hosts.push(host);
  }
  if (hosts.length === 0) return '*';
  return more ? `${hosts.join(',')} + ${(rules.length - 3).toString()} more...` : hosts.join(',');
}

/** By `group/Kind`. */
export const networkingTables: Readonly<Record<string, KindTable>> = {
  '/Service': kindTable<Service>(['Name', 'Type', 'Cluster-IP', 'External-IP', text('Port(s)'), 'Age', wide('Selector')], (object, now) => [
    nameOf(object),
    object.spec?.type ?? '',
    orNone(object.spec?.clusterIPs?.[0] ?? object.spec?.clusterIP),
    externalText(object),
    portsText(object),
    age(object, now),
    labelsText(object.spec?.selector),
  ]),
  '/Endpoints': kindTable<Endpoints>(['Name', 'Endpoints', 'Age'], (object, now) => [
    nameOf(object),
    endpointsText(object),
    age(object, now),
  ]),
  'discovery.k8s.io/EndpointSlice': kindTable<EndpointSlice>(['Name', 'AddressType', 'Ports', 'Endpoints', 'Age'], (object, now) => {
    // A port without a number stands for all; its name is shown if it has one.
    const ports = (object.ports ?? []).map(({ port, name }) => port?.toString() ?? name ?? '*');
    const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
    return [nameOf(object), object.addressType, firstThree(ports) || unset, firstThree(addresses) || unset, age(object, now)];
  }),
  'networking.k8s.io/Ingress': kindTable<Ingress>(['Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'], (object, now) => [
    nameOf(object),
    orNone(object.spec?.ingressClassName),
    hostsText(object),
    balancerText(object.status?.loadBalancer as LoadBalancerStatus | undefined),
    (object.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    age(object, now),
  ]),
  'networking.k8s.io/IngressClass': kindTable<IngressClass>(['Name', 'Controller', 'Parameters', 'Age'], (object, now) => {
    const parameters = object.spec?.parameters;
    const group = parameters?.apiGroup ? `.${parameters.apiGroup}` : '';
    return [
      nameOf(object),
      object.spec?.controller ?? '',
      parameters === undefined ? none : `${parameters.kind}${group}/${parameters.name}`,
      age(object, now),
    ];
  }),
  'networking.k8s.io/NetworkPolicy': kindTable<NetworkPolicy>(['Name', 'Pod-Selector', 'Age'], (object, now) => [
    nameOf(object),
    selectorText(object.spec?.podSelector),
    age(object, now),
  ]),
  'networking.k8s.io/ServiceCIDR': kindTable<ServiceCIDR>(['Name', 'CIDRs', 'Age'], (object, now) => [
    nameOf(object),
    (object.spec?.cidrs ?? []).join(','),
    age(object, now),
  ]),
  'networking.k8s.io/IPAddress': kindTable<IPAddress>(['Name', 'ParentRef'], (object) => {
    const parent = object.spec?.parentRef;
    if (parent === undefined) return [nameOf(object), none];
    const resource = (parent.group ? `${parent.resource ?? ''}.${parent.group}` : (parent.resource ?? '')).toLowerCase();
    return [nameOf(object), [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name ?? ''].join('/')];
  }),
};
