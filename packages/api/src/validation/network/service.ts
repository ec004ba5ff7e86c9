import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Service, ServicePort, ServiceSpec, SessionAffinityConfig } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults, portNumberFaults, qualifiedNameFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkMember, checkOneOf, checkSyntax, checkUnique, eachOf } from '../faults.ts';
import { checkCidr, checkEndpointIp, checkIp } from '../ip.ts';
import { validateLabels } from '../object-meta.ts';
import { protocols } from '../pods/containers.ts';
import { checkPortOrName } from '../pods/probes.ts';
import { validateServiceAddresses, validateServiceAddressesUpdate } from './service-addresses.ts';

const spec = FieldPath.of('spec');
const annotations = FieldPath.of('metadata', 'annotations');
const topologyMode = 'service.kubernetes.io/topology-mode';
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const sourceRangesKey = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const maxAffinitySeconds = 86_400;

export function isHeadless({ clusterIPs }: ServiceSpec): boolean {
  return clusterIPs?.length === 1 && clusterIPs[0] === 'None';
}

function isReachedFromOutside({ type, externalIPs = [] }: ServiceSpec): boolean {
  return type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && externalIPs.length > 0);
}

function isHealthChecked({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function validateType(wanted: ServiceSpec, faults: Faults): void {
  const { type, ports = [] } = wanted;
  const headless = isHeadless(wanted);
  if (ports.length === 0 && !headless && type !== 'ExternalName') faults.push(fieldRequired(spec.child('ports')));
  if ((type === 'LoadBalancer' || type === 'NodePort') && headless) {
    faults.push(fieldInvalid(spec.child('clusterIPs').index(0), 'None', `may not be set to 'None' for ${type} services`));
  }
  if (type !== 'ExternalName') return;
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
    const value = wanted[field];
    const isSet = Array.isArray(value) ? value.length > 0 : value !== undefined;
    if (isSet) faults.push(fieldForbidden(spec.child(field), 'may not be set for ExternalName services'));
  }
  const name = (wanted.externalName ?? '').replace(/\.$/, '');
  if (name === '') faults.push(fieldRequired(spec.child('externalName')));
  else checkSyntax(name, dns1123SubdomainFaults, spec.child('externalName'), faults);
}

function validatePort(port: ServicePort, several: boolean, names: Set<string>, path: FieldPath, faults: Faults): void {
  const { name, protocol, targetPort, appProtocol } = port;
  if (name) {
    checkSyntax(name, dns1123LabelFaults, path.child('name'), faults);
    checkUnique(name, names, path.child('name'), faults);
  } else if (several) faults.push(fieldRequired(path.child('name')));
  for (const fault of portNumberFaults(port.port)) faults.push(fieldInvalid(path.child('port'), port.port, fault));
  checkOneOf(protocol ?? 'TCP', protocols, path.child('protocol'), faults, true);
  if (targetPort !== undefined) checkPortOrName(targetPort, path.child('targetPort'), faults);
  if (appProtocol !== undefined) checkSyntax(appProtocol, qualifiedNameFaults, path.child('appProtocol'), faults);
}

function validatePorts({ ports = [], type }: ServiceSpec, faults: Faults): void {
  const list = spec.child('ports');
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  if (type === 'ClusterIP') {
    eachOf(ports, list, ({ nodePort }, here) => {
      if (nodePort) faults.push(fieldForbidden(here.child('nodePort'), "may not be used when `type` is 'ClusterIP'"));
    });
  }
  eachOf(ports, list, ({ nodePort, protocol = 'TCP' }, here) => {
    if (!nodePort) return;
    const key = `${protocol}/${nodePort.toString()}`;
    if (nodePorts.has(key)) faults.push(fieldDuplicate(here.child('nodePort'), nodePort));
    nodePorts.add(key);
  });
  eachOf(ports, list, ({ port, protocol = 'TCP' }, here) => {
    const key = `${protocol}/${port.toString()}`;
    if (numbers.has(key)) faults.push(fieldDuplicate(here, { protocol, port }));
    numbers.add(key);
  });
}

function validateAffinityConfig(config: SessionAffinityConfig | undefined, faults: Faults): void {
  const here = spec.child('sessionAffinityConfig');
  const seconds = config?.clientIP?.timeoutSeconds;
  const fault = 'when session affinity type is ClientIP';
  if (config === undefined) faults.push(fieldRequired(here, fault));
  else if (config.clientIP === undefined) faults.push(fieldRequired(here.child('clientIP'), fault));
  else if (seconds === undefined) faults.push(fieldRequired(here.child('clientIP', 'timeoutSeconds'), fault));
  else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    const range = `must be greater than 0 and less than ${maxAffinitySeconds.toString()}`;
    faults.push(fieldInvalid(here.child('clientIP', 'timeoutSeconds'), seconds, range));
  }
}

function validateAffinity({ sessionAffinity = 'None', sessionAffinityConfig }: ServiceSpec, faults: Faults): void {
  checkOneOf(sessionAffinity, ['ClientIP', 'None'], spec.child('sessionAffinity'), faults, true);
  if (sessionAffinity === 'ClientIP') validateAffinityConfig(sessionAffinityConfig, faults);
  else if (sessionAffinity === 'None' && sessionAffinityConfig !== undefined) {
    faults.push(fieldForbidden(spec.child('sessionAffinityConfig'), 'must not be set when session affinity is None'));
  }
}

const balancerOnly = "may only be used when `type` is 'LoadBalancer'";

function validateSourceRanges(service: Service, old: Service | undefined, wanted: ServiceSpec, faults: Faults): void {
  const { loadBalancerSourceRanges: ranges = [], type } = wanted;
  const written = service.metadata?.annotations?.[sourceRangesKey];
  if (ranges.length > 0) {
    const here = spec.child('LoadBalancerSourceRanges');
    if (type !== 'LoadBalancer') faults.push(fieldForbidden(here, balancerOnly));
    const known = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    eachOf(ranges, here, (range, at) => {
      checkCidr(range.trim(), at, faults, known);
    });
  } else if (written !== undefined) {
    const here = annotations.key(sourceRangesKey);
    if (type !== 'LoadBalancer') faults.push(fieldForbidden(here, balancerOnly));
    if (old?.metadata?.annotations?.[sourceRangesKey] === written || written.trim() === '') return;
    for (const range of written.split(',')) checkCidr(range.trim(), here, faults);
  }
}

function validateBalancer(wanted: ServiceSpec, old: ServiceSpec | undefined, faults: Faults): void {
  const { type, allocateLoadBalancerNodePorts: allocates, loadBalancerClass: named } = wanted;
  if (allocates !== undefined && type !== 'LoadBalancer') {
    faults.push(fieldForbidden(spec.child('allocateLoadBalancerNodePorts'), balancerOnly));
  }
  const here = spec.child('loadBalancerClass');
  if (type !== 'LoadBalancer') {
    if (named !== undefined) faults.push(fieldForbidden(here, balancerOnly));
    return;
  }
  if (old?.type === 'LoadBalancer' && old.loadBalancerClass !== named)
    faults.push(fieldInvalid(here, named ?? null, 'may not change once set'));
  if (named !== undefined) checkSyntax(named, qualifiedNameFaults, here, faults);
}

function validateTraffic(wanted: ServiceSpec, faults: Faults): void {
  const { externalTrafficPolicy: outer, internalTrafficPolicy: inner, healthCheckNodePort: health } = wanted;
  const here = spec.child('externalTrafficPolicy');
  if (!isReachedFromOutside(wanted)) {
    if (outer) faults.push(fieldInvalid(here, outer, 'may only be set for externally-accessible services'));
  } else checkMember(outer, ['Cluster', 'Local'], here, faults);
  const there = spec.child('healthCheckNodePort');
  if (!isHealthChecked(wanted)) {
    const fault = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (health) faults.push(fieldInvalid(there, health, fault));
  } else if (health) for (const fault of portNumberFaults(health)) faults.push(fieldInvalid(there, health, fault));
  checkMember(inner, ['Cluster', 'Local'], spec.child('internalTrafficPolicy'), faults);
  const spread = wanted.trafficDistribution;
  const spreads = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (spread !== undefined && !spreads.includes(spread)) faults.push(fieldNotSupported(spec.child('trafficDistribution'), spread, spreads));
}

function validateService(service: Service, old: Service | undefined, faults: Faults): void {
  const wanted = service.spec ?? {};
  const mode = service.metadata?.annotations?.[topologyMode];
  const hints = service.metadata?.annotations?.[topologyHints];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    faults.push(fieldInvalid(annotations.key(topologyMode), mode, `must match annotations[${topologyHints}] when both are specified`));
  }
  validateType(wanted, faults);
  const names = new Set<string>();
  eachOf(wanted.ports, spec.child('ports'), (port, here) => {
    validatePort(port, (wanted.ports ?? []).length > 1, names, here, faults);
  });
  validateLabels(wanted.selector, spec.child('selector'), faults);
  validateAffinity(wanted, faults);
  if (wanted.type !== 'ExternalName') validateServiceAddresses(wanted, old?.spec, faults);
  eachOf(wanted.externalIPs, spec.child('externalIPs'), (ip, here) => {
    if (checkIp(ip, here, faults, old?.spec?.externalIPs)) checkEndpointIp(ip, here, faults);
  });
  checkOneOf(wanted.type ?? 'ClusterIP', ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], spec.child('type'), faults, true);
  validatePorts(wanted, faults);
  validateSourceRanges(service, old, wanted, faults);
  validateBalancer(wanted, old?.spec, faults);
  validateTraffic(wanted, faults);
}

export function validateServiceCreate(service: Service, faults: Faults): void {
  validateService(service, undefined, faults);
}

export function validateServiceUpdate(next: Service, old: Service, faults: Faults): void {
  const after = next.spec ?? {};
  const before = old.spec ?? {};
  validateServiceAddressesUpdate(after, before, faults);
  if (isHealthChecked(before) && isHealthChecked(after) && after.healthCheckNodePort !== before.healthCheckNodePort) {
    faults.push(fieldForbidden(spec.child('healthCheckNodePort'), 'field is immutable'));
  }
  validateService(next, old, faults);
}

export function validateServiceStatus(next: Service, old: Service, faults: Faults): void {
  const list = FieldPath.of('status', 'loadBalancer', 'ingress');
  const points = next.status?.loadBalancer?.ingress ?? [];
  if (next.spec?.type !== 'LoadBalancer' && points.length > 0) {
    faults.push(fieldForbidden(list, "may only be used when `spec.type` is 'LoadBalancer'"));
    return;
  }
  const known = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  eachOf(points, list, ({ ip, ipMode, hostname }, here) => {
    if (ip) checkIp(ip, here.child('ip'), faults, known);
    if (ipMode === undefined) {
      if (ip) faults.push(fieldRequired(here.child('ipMode'), 'must be specified when `ip` is set'));
    } else if (!ip) faults.push(fieldForbidden(here.child('ipMode'), 'may not be specified when `ip` is not set'));
    else checkMember(ipMode, ['Proxy', 'VIP'], here.child('ipMode'), faults);
    checkBalancerHostname(hostname, here.child('hostname'), faults);
  });
}

export function checkBalancerHostname(hostname: string | undefined, path: FieldPath, faults: Faults): void {
  if (!hostname) return;
  checkSyntax(hostname, dns1123SubdomainFaults, path, faults);
  if (/^[\d.]+$/.test(hostname) || hostname.includes(':'))
    faults.push(fieldInvalid(path, hostname, 'must be a DNS name, not an IP address'));
}
