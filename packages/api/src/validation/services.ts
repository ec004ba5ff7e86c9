import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired, fieldTooMany } from '../errors/field-error.ts';
import { FieldPath } from '../errors/field-path.ts';
import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressBackend,
  NetworkPolicy,
  NetworkPolicyPeer,
  Service,
  ServicePort,
} from '../generated/types.ts';
import {
  cidrFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  ipFamily,
  ipFaults,
  portNameFaults,
  portNumberFaults,
  wildcardSubdomainFaults,
} from '../names.ts';
import { protocols } from './containers.ts';
import type { Faults } from './faults.ts';
import { checkImmutable, checkOneOf, checkRange, checkRequired, checkSyntax } from './faults.ts';
import { validateLabels, validateLabelSelector } from './object-meta.ts';

const spec = FieldPath.of('spec');
const serviceTypes = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

function checkPort(port: number, path: FieldPath, faults: Faults): void {
  for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path, port, fault));
}

function checkNumberOrName(port: number | string, path: FieldPath, faults: Faults): void {
  if (typeof port === 'number') checkPort(port, path, faults);
  else checkSyntax(port, portNameFaults, path, faults);
}

function validateServicePorts(ports: readonly ServicePort[], headless: boolean, faults: Faults): void {
  const names = new Set<string>();
  const seen = new Set<string>();
  for (const [at, port] of ports.entries()) {
    const here = spec.child('ports').index(at);
    if (!port.name) {
      if (ports.length > 1) faults.push(fieldRequired(here.child('name')));
    } else {
      checkSyntax(port.name, dns1123LabelFaults, here.child('name'), faults);
      if (names.has(port.name)) faults.push(fieldDuplicate(here.child('name'), port.name));
      names.add(port.name);
    }
    checkPort(port.port, here.child('port'), faults);
    checkOneOf(port.protocol ?? 'TCP', protocols, here.child('protocol'), faults, true);
    if (port.targetPort !== undefined) checkNumberOrName(port.targetPort, here.child('targetPort'), faults);
    if (port.nodePort) checkPort(port.nodePort, here.child('nodePort'), faults);
    const identity = `${port.protocol ?? 'TCP'}/${port.port.toString()}`;
    if (seen.has(identity) && !headless) faults.push(fieldDuplicate(here, { protocol: port.protocol ?? 'TCP', port: port.port }));
    seen.add(identity);
  }
}

export function validateService({ spec: wanted }: Service, faults: Faults): void {
  const type = wanted?.type ?? 'ClusterIP';
  const headless = wanted?.clusterIP === 'None';
  const ports = wanted?.ports ?? [];
  if (ports.length === 0 && !headless && type !== 'ExternalName') faults.push(fieldRequired(spec.child('ports')));
  if (type === 'ExternalName') {
    if (wanted?.clusterIP) faults.push(fieldForbidden(spec.child('clusterIPs'), 'may not be set when `type` is ExternalName'));
    checkRequired(wanted?.externalName?.replace(/\.$/, ''), dns1123SubdomainFaults, spec.child('externalName'), faults);
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && headless) {
    faults.push(fieldInvalid(spec.child('clusterIPs').index(0), 'None', `may not be set to 'None' for ${type} services`));
  }
  validateServicePorts(ports, headless, faults);
  validateLabels(wanted?.selector, spec.child('selector'), faults);
  checkOneOf(wanted?.sessionAffinity, ['ClientIP', 'None'], spec.child('sessionAffinity'), faults);
  checkRange(
    wanted?.sessionAffinityConfig?.clientIP?.timeoutSeconds,
    1,
    86_400,
    spec.child('sessionAffinityConfig', 'clientIP', 'timeoutSeconds'),
    faults,
  );
  for (const [at, ip] of (wanted?.clusterIPs ?? []).entries()) {
    if (ip !== 'None' && ip !== '') checkSyntax(ip, ipFaults, spec.child('clusterIPs').index(at), faults);
  }
  if (wanted?.clusterIP !== undefined && wanted.clusterIPs?.[0] !== undefined && wanted.clusterIP !== wanted.clusterIPs[0]) {
    faults.push(fieldInvalid(spec.child('clusterIPs'), wanted.clusterIPs, 'first value must match `clusterIP`'));
  }
  for (const [at, ip] of (wanted?.externalIPs ?? []).entries()) checkSyntax(ip, ipFaults, spec.child('externalIPs').index(at), faults);
  if (!serviceTypes.includes(type)) faults.push(fieldNotSupported(spec.child('type'), type, serviceTypes));
  checkOneOf(wanted?.externalTrafficPolicy, ['Cluster', 'Local'], spec.child('externalTrafficPolicy'), faults);
  checkOneOf(wanted?.internalTrafficPolicy, ['Cluster', 'Local'], spec.child('internalTrafficPolicy'), faults);
  checkOneOf(wanted?.ipFamilyPolicy, ['SingleStack', 'PreferDualStack', 'RequireDualStack'], spec.child('ipFamilyPolicy'), faults);
}

export function validateServiceUpdate(next: Service, old: Service, faults: Faults): void {
  const before = old.spec?.clusterIP ?? '';
  const after = next.spec?.clusterIP ?? '';
  const named = (type: string | undefined): boolean => type === 'ExternalName';
  if (before === '' || named(old.spec?.type) || named(next.spec?.type) || after === before) return;
  const here = spec.child('clusterIPs').index(0);
  if (after === '') faults.push(fieldInvalid(here, next.spec?.clusterIPs ?? [], 'primary clusterIP can not be unset'));
  else faults.push(fieldInvalid(here, next.spec?.clusterIPs ?? [after], 'may not change once set'));
}

export function validateEndpoints({ subsets = [] }: Endpoints, faults: Faults): void {
  for (const [at, subset] of subsets.entries()) {
    const here = FieldPath.of('subsets').index(at);
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    if (addresses.length === 0 && notReadyAddresses.length === 0)
      faults.push(fieldRequired(here, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [position, { ip }] of addresses.entries())
      checkSyntax(ip, ipFaults, here.child('addresses').index(position).child('ip'), faults);
    for (const [position, { ip }] of notReadyAddresses.entries())
      checkSyntax(ip, ipFaults, here.child('notReadyAddresses').index(position).child('ip'), faults);
    for (const [position, port] of ports.entries()) {
      const there = here.child('ports').index(position);
      if (!port.name && ports.length > 1) faults.push(fieldRequired(there.child('name')));
      checkPort(port.port, there.child('port'), faults);
      checkOneOf(port.protocol ?? 'TCP', protocols, there.child('protocol'), faults);
    }
  }
}

const maxEndpoints = 1000;
const maxSlicePorts = 20_000;
const maxAddresses = 100;

export function validateEndpointSlice(slice: EndpointSlice, faults: Faults): void {
  checkOneOf(slice.addressType, ['FQDN', 'IPv4', 'IPv6'], FieldPath.of('addressType'), faults, true);
  const endpoints = slice.endpoints ?? [];
  const path = FieldPath.of('endpoints');
  if (endpoints.length > maxEndpoints) faults.push(fieldTooMany(path, endpoints.length, maxEndpoints));
  for (const [at, endpoint] of endpoints.entries()) {
    const addresses = (endpoint.addresses as readonly string[] | null) ?? [];
    const here = path.index(at).child('addresses');
    if (addresses.length === 0) faults.push(fieldRequired(here, 'must contain at least 1 address'));
    if (addresses.length > maxAddresses) faults.push(fieldTooMany(here, addresses.length, maxAddresses));
    for (const [position, address] of addresses.entries()) {
      if (slice.addressType === 'FQDN') checkSyntax(address, dns1123SubdomainFaults, here.index(position), faults);
      else if (ipFamily(address) !== (slice.addressType === 'IPv6' ? 6 : 4)) {
        faults.push(fieldInvalid(here.index(position), address, `must be a valid ${slice.addressType} address`));
      }
    }
  }
  const names = new Set<string>();
  const ports = slice.ports ?? [];
  if (ports.length > maxSlicePorts) faults.push(fieldTooMany(FieldPath.of('ports'), ports.length, maxSlicePorts));
  for (const [at, port] of ports.entries()) {
    const here = FieldPath.of('ports').index(at);
    const name = port.name ?? '';
    if (names.has(name)) faults.push(fieldDuplicate(here.child('name'), name));
    names.add(name);
    if (name !== '') checkSyntax(name, dns1123LabelFaults, here.child('name'), faults);
    checkOneOf(port.protocol, protocols, here.child('protocol'), faults);
  }
}

export function validateEndpointSliceUpdate(next: EndpointSlice, old: EndpointSlice, faults: Faults): void {
  checkImmutable(next.addressType, old.addressType, FieldPath.of('addressType'), faults);
}

function validateBackend(backend: IngressBackend, path: FieldPath, faults: Faults): void {
  const { service, resource } = backend;
  if (resource !== undefined && service !== undefined) {
    faults.push(fieldInvalid(path, '', 'cannot set both resource and service backends'));
  } else if (service !== undefined) {
    checkRequired(service.name, undefined, path.child('service', 'name'), faults);
    const { name, number = 0 } = service.port ?? {};
    if (name && number !== 0) faults.push(fieldInvalid(path, '', 'cannot set both port name & port number'));
    else if (name) checkSyntax(name, portNameFaults, path.child('service', 'port', 'name'), faults);
    else if (number === 0) faults.push(fieldRequired(path, 'port name or number is required'));
    else checkPort(number, path.child('service', 'port', 'number'), faults);
  } else if (resource === undefined) faults.push(fieldInvalid(path, '', 'resource or service backend is required'));
}

export function validateIngress({ spec: wanted }: Ingress, faults: Faults): void {
  const rules = wanted?.rules ?? [];
  if (rules.length === 0 && wanted?.defaultBackend === undefined) {
    faults.push(fieldInvalid(spec, rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (wanted?.defaultBackend !== undefined) validateBackend(wanted.defaultBackend, spec.child('defaultBackend'), faults);
  for (const [at, rule] of rules.entries()) {
    const here = spec.child('rules').index(at);
    if (rule.host) {
      if (ipFamily(rule.host) !== undefined)
        faults.push(fieldInvalid(here.child('host'), rule.host, 'must be a DNS name, not an IP address'));
      else checkSyntax(rule.host, rule.host.includes('*') ? wildcardSubdomainFaults : dns1123SubdomainFaults, here.child('host'), faults);
    }
    if (rule.http !== undefined && ((rule.http.paths as readonly unknown[] | null) ?? []).length === 0)
      faults.push(fieldRequired(here.child('http', 'paths')));
    for (const [position, route] of (rule.http?.paths ?? []).entries()) {
      const there = here.child('http', 'paths').index(position);
      if (!route.pathType) faults.push(fieldRequired(there.child('pathType'), 'pathType must be specified'));
      else checkOneOf(route.pathType, ['Exact', 'ImplementationSpecific', 'Prefix'], there.child('pathType'), faults);
      if (route.pathType !== 'ImplementationSpecific' && !(route.path ?? '').startsWith('/')) {
        faults.push(fieldInvalid(there.child('path'), route.path ?? '', 'must be an absolute path'));
      }
      validateBackend(route.backend, there.child('backend'), faults);
    }
  }
}

function validatePeers(peers: readonly NetworkPolicyPeer[], path: FieldPath, faults: Faults): void {
  for (const [at, peer] of peers.entries()) {
    const here = path.index(at);
    const count = [peer.podSelector, peer.namespaceSelector, peer.ipBlock].filter((one) => one !== undefined).length;
    if (count === 0) faults.push(fieldRequired(here, 'must specify a peer'));
    if (peer.ipBlock !== undefined && count > 1) faults.push(fieldForbidden(here, 'may not specify both ipBlock and another peer'));
    validateLabelSelector(peer.podSelector, here.child('podSelector'), faults);
    validateLabelSelector(peer.namespaceSelector, here.child('namespaceSelector'), faults);
    if (peer.ipBlock !== undefined) checkRequired(peer.ipBlock.cidr, cidrFaults, here.child('ipBlock', 'cidr'), faults);
  }
}

export function validateNetworkPolicy({ spec: wanted }: NetworkPolicy, faults: Faults): void {
  validateLabelSelector(wanted?.podSelector, spec.child('podSelector'), faults);
  const rules = [
    ...(wanted?.ingress ?? []).map(({ from, ports }, at) => ({ peers: from, ports, path: spec.child('ingress').index(at), side: 'from' })),
    ...(wanted?.egress ?? []).map(({ to, ports }, at) => ({ peers: to, ports, path: spec.child('egress').index(at), side: 'to' })),
  ];
  for (const { peers, ports, path, side } of rules) {
    for (const [at, port] of (ports ?? []).entries()) {
      const here = path.child('ports').index(at);
      checkOneOf(port.protocol, protocols, here.child('protocol'), faults);
      if (port.port !== undefined) checkNumberOrName(port.port, here.child('port'), faults);
      else if (port.endPort !== undefined)
        faults.push(fieldInvalid(here.child('endPort'), port.endPort, 'may not be specified when `port` is not specified'));
      if (typeof port.port === 'number' && port.endPort !== undefined && port.endPort < port.port) {
        faults.push(fieldInvalid(here.child('endPort'), port.endPort, 'must be greater than or equal to `port`'));
      }
    }
    validatePeers(peers ?? [], path.child(side), faults);
  }
  for (const [at, type] of (wanted?.policyTypes ?? []).entries())
    checkOneOf(type, ['Egress', 'Ingress'], spec.child('policyTypes').index(at), faults, true);
}
