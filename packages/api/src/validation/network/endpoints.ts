import type { FieldError } from '../../errors/field-error.ts';
import { fieldDuplicate, fieldInvalid, fieldRequired, fieldTooMany } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { CoreV1EndpointPort, Endpoint, EndpointAddress, EndpointSlice, Endpoints } from '../../generated/types.ts';
import {
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  ipFamily,
  labelValueFaults,
  portNumberFaults,
  qualifiedNameFaults,
} from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkImmutable, checkOneOf, checkOptional, checkSyntax, checkUnique, eachOf } from '../faults.ts';
import { checkCanonicalIp, checkEndpointIp, checkIp } from '../ip.ts';
import { validateLabels } from '../object-meta.ts';
import { protocols } from '../pods/containers.ts';

/**
 * Whether these are the addresses of the API server itself. A cluster on one machine may listen on loopback only, and
 * says so: alone these may be addresses that mean nothing elsewhere.
 */
function areOfApiServer({ metadata }: Endpoints | EndpointSlice): boolean {
  return metadata?.namespace === 'default' && metadata.name === 'kubernetes';
}

function validateAddress(address: EndpointAddress, path: FieldPath, faults: Faults, ofServer: boolean): void {
  checkIp(address.ip, path.child('ip'), faults);
  checkOptional(address.hostname, dns1123LabelFaults, path.child('hostname'), faults);
  if (address.nodeName !== undefined) checkSyntax(address.nodeName, dns1123SubdomainFaults, path.child('nodeName'), faults);
  if (!ofServer) checkEndpointIp(address.ip, path.child('ip'), faults);
}

function validatePort(port: CoreV1EndpointPort, several: boolean, path: FieldPath, faults: Faults): void {
  if (port.name) checkSyntax(port.name, dns1123LabelFaults, path.child('name'), faults);
  else if (several) faults.push(fieldRequired(path.child('name')));
  for (const fault of portNumberFaults(port.port)) faults.push(fieldInvalid(path.child('port'), port.port, fault));
  checkOneOf(port.protocol ?? 'TCP', protocols, path.child('protocol'), faults, true);
  if (port.appProtocol !== undefined) checkSyntax(port.appProtocol, qualifiedNameFaults, path.child('appProtocol'), faults);
}

export function validateEndpoints(endpoints: Endpoints, faults: Faults): void {
  const ofServer = areOfApiServer(endpoints);
  eachOf(endpoints.subsets, FieldPath.of('subsets'), ({ addresses, notReadyAddresses, ports }, here) => {
    if ((addresses ?? []).length === 0 && (notReadyAddresses ?? []).length === 0) {
      faults.push(fieldRequired(here, 'must specify `addresses` or `notReadyAddresses`'));
    }
    eachOf(addresses, here.child('addresses'), (address, at) => {
      validateAddress(address, at, faults, ofServer);
    });
    eachOf(notReadyAddresses, here.child('notReadyAddresses'), (address, at) => {
      validateAddress(address, at, faults, ofServer);
    });
    eachOf(ports, here.child('ports'), (port, at) => {
      validatePort(port, (ports ?? []).length > 1, at, faults);
    });
  });
}

/** Subsets that stay as they are stay allowed. */
export function validateEndpointsUpdate(next: Endpoints, old: Endpoints, faults: Faults): void {
  if (!sameJson(next.subsets, old.subsets)) validateEndpoints(next, faults);
}

const maxEndpoints = 1000;
const maxPorts = 20_000;
const maxAddresses = 100;
const maxTopology = 16;
const maxZones = 8;
const maxNodes = 8;

/** A name of at least two labels, which may end in a dot. Reports the first fault only. */
function checkDomainName(name: string, path: FieldPath, faults: Faults): void {
  if (name === '') {
    faults.push(fieldRequired(path));
    return;
  }
  const bare = name.replace(/\.$/, '');
  const texts = dns1123SubdomainFaults(bare);
  const labels = bare.split('.');
  const long = labels.find((label) => dns1123LabelFaults(label).length > 0);
  if (texts.length > 0) faults.push(fieldInvalid(path, bare, texts.join(',')));
  else if (labels.length < 2) faults.push(fieldInvalid(path, bare, 'should be a domain with at least two segments separated by dots'));
  else if (long !== undefined) faults.push(fieldInvalid(path, long, dns1123LabelFaults(long).join(',')));
}

function checkSliceAddress(address: string, type: string, path: FieldPath, faults: Faults, ofServer: boolean): void {
  if (type === 'FQDN') checkDomainName(address, path, faults);
  else if (type === 'IPv4' || type === 'IPv6') {
    const family = ipFamily(address);
    if (family === undefined || family !== (type === 'IPv4' ? 4 : 6))
      faults.push(fieldInvalid(path, address, `must be a valid ${type} address`));
    else checkCanonicalIp(address, path, faults);
    if (!ofServer) checkEndpointIp(address, path, faults);
  }
}

function validateHints({ hints }: Endpoint, path: FieldPath, faults: Faults): void {
  for (const [field, max] of [
    ['forZones', maxZones],
    ['forNodes', maxNodes],
  ] as const) {
    const list = hints?.[field] as MaybeList<{ readonly name: string }>;
    const here = path.child('hints', field);
    if ((list ?? []).length > max) {
      faults.push(fieldTooMany(here, (list ?? []).length, max));
      continue;
    }
    const names = new Set<string>();
    eachOf(list, here, ({ name }, at) => {
      if (names.has(name)) faults.push(fieldDuplicate(at.child('name'), name));
      names.add(name);
      checkSyntax(name, field === 'forZones' ? labelValueFaults : dns1123SubdomainFaults, at.child('name'), faults);
    });
  }
}

function validateEndpoint(endpoint: Endpoint, type: string, path: FieldPath, faults: Faults, ofServer: boolean): void {
  const addresses = (endpoint.addresses as MaybeList<string>) ?? [];
  const here = path.child('addresses');
  if (addresses.length === 0) faults.push(fieldRequired(here, 'must contain at least 1 address'));
  else if (addresses.length > maxAddresses) faults.push(fieldTooMany(here, addresses.length, maxAddresses));
  eachOf(addresses, here, (address, at) => {
    checkSliceAddress(address, type, at, faults, ofServer);
  });
  if (endpoint.nodeName !== undefined) checkSyntax(endpoint.nodeName, dns1123SubdomainFaults, path.child('nodeName'), faults);
  if (endpoint.deprecatedTopology) {
    const topology = path.child('deprecatedTopology');
    const size = Object.keys(endpoint.deprecatedTopology).length;
    if (size > maxTopology) faults.push(fieldTooMany(topology, size, maxTopology));
    validateLabels(endpoint.deprecatedTopology, topology, faults);
  }
  if (endpoint.hostname !== undefined) checkSyntax(endpoint.hostname, dns1123LabelFaults, path.child('hostname'), faults);
  if (endpoint.hints !== undefined) validateHints(endpoint, path, faults);
}

export function validateEndpointSlice(slice: EndpointSlice, faults: Faults): void {
  const ofServer = areOfApiServer(slice);
  checkOneOf(slice.addressType, ['FQDN', 'IPv4', 'IPv6'], FieldPath.of('addressType'), faults, true);
  const endpoints = slice.endpoints as MaybeList<Endpoint>;
  const list = FieldPath.of('endpoints');
  if ((endpoints ?? []).length > maxEndpoints) faults.push(fieldTooMany(list, (endpoints ?? []).length, maxEndpoints));
  else
    eachOf(endpoints, list, (endpoint, here) => {
      validateEndpoint(endpoint, slice.addressType, here, faults, ofServer);
    });
  const ports = FieldPath.of('ports');
  if ((slice.ports ?? []).length > maxPorts) {
    faults.push(fieldTooMany(ports, (slice.ports ?? []).length, maxPorts));
    return;
  }
  const names = new Set<string>();
  eachOf(slice.ports, ports, ({ name = '', protocol = 'TCP', appProtocol }, here) => {
    checkOptional(name, dns1123LabelFaults, here.child('name'), faults);
    checkUnique(name, names, here.child('name'), faults);
    checkOneOf(protocol, protocols, here.child('protocol'), faults, true);
    if (appProtocol !== undefined) checkSyntax(appProtocol, qualifiedNameFaults, here.child('appProtocol'), faults);
  });
}

/** An update: addresses that were there before may stay as they are. */
export function validateEndpointSliceUpdate(next: EndpointSlice, old: EndpointSlice, faults: Faults): void {
  const found: FieldError[] = [];
  validateEndpointSlice(next, found);
  if (found.length > 0 && sameJson(next.endpoints, old.endpoints)) {
    faults.push(...found.filter(({ field }) => !field.startsWith('endpoints[')));
  } else faults.push(...found);
  checkImmutable(next.addressType, old.addressType, FieldPath.of('addressType'), faults);
}
