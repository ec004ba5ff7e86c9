import type { KubeObject, Service, ServiceSpec } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';
import type { ClusterAddresses } from './cluster-addresses.ts';
import { serviceFields } from './fields.ts';
import type { NodePorts } from './node-ports.ts';

const none = 'None';

/** Services get their address and node ports here; what an update leaves out stays as it was. */
export function serviceStrategy(addresses: ClusterAddresses, ports: NodePorts): Strategy {
  return {
    fields: serviceFields,
    async prepareForCreate(object, _context, dryRun) {
      const service = object as Service;
      service.status = { loadBalancer: {} };
      await allocate(service, dryRun, addresses, ports);
    },
    async prepareForUpdate(object, old, _context, dryRun) {
      const service = object as Service;
      const before = old as Service;
      followOldFields(service.spec ?? {}, before.spec ?? {});
      keepAllocated(service.spec ?? {}, before.spec ?? {});
      dropOfOldType(service.spec ?? {}, before.spec ?? {});
      await allocate(service, dryRun, addresses, ports, before);
    },
    async undoUpdate(object, old) {
      const service = object as Service;
      ports.settle(service);
      const address = service.spec?.clusterIP;
      if (wantsAddress(service) && address && address !== (old as Service).spec?.clusterIP) await addresses.release(service, address);
    },
    async afterUpdate(object, old) {
      const before = old as Service;
      const address = before.spec?.clusterIP;
      const released = (object as Service).spec?.type === 'ExternalName' && before.spec?.type !== 'ExternalName';
      if (released && address && address !== none) await addresses.release(before, address);
    },
    async undoCreate(object) {
      const service = object as Service;
      ports.settle(service);
      if (wantsAddress(service) && service.spec?.clusterIP) await addresses.release(service, service.spec.clusterIP);
    },
    async afterDelete(object: KubeObject) {
      const service = object as Service;
      if (wantsAddress(service) && service.spec?.clusterIP) await addresses.release(service, service.spec.clusterIP);
    },
  };
}

function wantsAddress({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && spec?.clusterIP !== none && spec?.clusterIPs?.[0] !== none;
}

function wantsNodePorts({ spec }: Service): boolean {
  return spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** Takes what the Service lacks. An address that it has, or cannot change to, is left to validation. */
async function allocate(service: Service, dryRun: boolean, addresses: ClusterAddresses, ports: NodePorts, before?: Service): Promise<void> {
  const { spec } = service;
  if (spec === undefined) return;
  if (spec.type === 'ExternalName') {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
  } else {
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    const asked = spec.clusterIP || spec.clusterIPs?.[0] || '';
    const mayTake = before === undefined || before.spec?.type === 'ExternalName' || !before.spec?.clusterIP;
    if (wantsAddress(service) && mayTake) {
      if (asked === '') spec.clusterIP = await addresses.takeAny(service, dryRun);
      else await addresses.take(service, asked, dryRun);
    }
    spec.clusterIP = spec.clusterIP || asked;
    if (!spec.clusterIPs?.[0]) spec.clusterIPs = [spec.clusterIP];
  }
  if (wantsNodePorts(service)) await ports.assign(service, dryRun);
}

/** Clients that know `clusterIP` only mean the first of `clusterIPs` by it. */
function followOldFields(spec: ServiceSpec, before: ServiceSpec): void {
  const same = JSON.stringify(spec.clusterIPs ?? []) === JSON.stringify(before.clusterIPs ?? []);
  if (!same || (spec.clusterIP ?? '') === (before.clusterIP ?? '')) return;
  if (!spec.clusterIP) delete spec.clusterIPs;
  else spec.clusterIPs = [spec.clusterIP, ...(before.clusterIPs ?? []).slice(1)];
}

/** A client that sends its own manifest again does not know what was allocated. */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs && spec.clusterIP === before.clusterIP) spec.clusterIPs = before.clusterIPs;
    spec.ipFamilies ??= before.ipFamilies;
    spec.ipFamilyPolicy ??= before.ipFamilyPolicy;
  }
  const numbered = wantsNodePorts({ metadata: {}, spec });
  for (const port of spec.ports ?? []) {
    if (!numbered) continue;
    const same = before.ports?.find((other) => other.port === port.port && (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if (!port.nodePort && same?.nodePort) port.nodePort = same.nodePort;
  }
}

/** Takes away what only the old type can have, as far as the client sends it unchanged: what it sets itself is left to validation. */
function dropOfOldType(spec: ServiceSpec, before: ServiceSpec): void {
  const isExternal = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
  const wants = (one: ServiceSpec): boolean => wantsNodePorts({ metadata: {}, spec: one });
  if (wants(before) && !wants(spec)) {
    const had = new Set((before.ports ?? []).map((port) => port.nodePort));
    for (const port of spec.ports ?? []) if (had.has(port.nodePort)) delete port.nodePort;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
    if (spec.healthCheckNodePort === before.healthCheckNodePort) delete spec.healthCheckNodePort;
  }
  if (isExternal(before) && !isExternal(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
}
