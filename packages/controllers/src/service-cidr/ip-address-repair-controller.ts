import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { IPAddress, Service } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

const managedBy = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
/** An address without a Service may belong to one that is being created right now. */
const graceMs = 60_000;

/** Makes good what servers left behind that died between writing a Service and its IPAddress. */
export async function runIpAddressRepairController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, clock, logger, signal } = context;
  const services = informers.informer(resources.services);
  const addresses = informers.informer(resources.ipAddresses);
  const serviceQueue = queueFor(context, 'servicescidr_repair_services');
  const addressQueue = queueFor(context, 'servicescidr_repair_ips');

  onChange(context, services, (service, previous, deleted) => {
    if (!deleted && previous === undefined) serviceQueue.addAfter(keyOf(service), graceMs);
    if (deleted) for (const ip of clusterIps(service)) addressQueue.addAfter(ip, 1000);
  });
  onChange(context, addresses, (address, previous, deleted) => {
    const ip = address.metadata.name ?? '';
    if (!deleted) {
      if (previous === undefined) addressQueue.addAfter(ip, graceMs);
      return;
    }
    // Given back with its Service, or taken away from one that is still there.
    const parent = address.spec?.parentRef;
    serviceQueue.addAfter(`${parent?.namespace ?? ''}/${parent?.name ?? ''}`, 1000);
  });

  async function repairService(key: string): Promise<void> {
    const service = services.lister.get(key);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return;
    for (const ip of clusterIps(service)) {
      const address = addresses.lister.get(ip);
      if (address !== undefined) {
        if (isOf(address, service)) continue;
        const other = `${address.spec?.parentRef?.namespace ?? ''}/${address.spec?.parentRef?.name ?? ''}`;
        event(
          service,
          'ClusterIPAlreadyAllocated',
          `Cluster IP [IPv4]: ${ip} was assigned to multiple services (also ${other}); please recreate service`,
        );
        continue;
      }
      event(service, 'ClusterIPNotAllocated', `Cluster IP [IPv4]: ${ip} is not allocated; repairing`);
      const { namespace, name } = service.metadata;
      const parentRef = { group: '', resource: 'services', namespace, name: name ?? '' };
      const labels = { ...managedBy, 'ipaddress.kubernetes.io/ip-family': ip.includes(':') ? 'IPv6' : 'IPv4' };
      try {
        await client.create(resources.ipAddresses, { metadata: { name: ip, labels }, spec: { parentRef } }, { signal });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }

  async function repairAddress(ip: string): Promise<ReconcileResult | void> {
    const address = addresses.lister.get(ip);
    const parent = address?.spec?.parentRef;
    if (address === undefined || parent?.resource !== 'services' || (parent.group ?? '') !== '') return;
    const key = `${parent.namespace ?? ''}/${parent.name ?? ''}`;
    const service = services.lister.get(key);
    if (service !== undefined && clusterIps(service).includes(ip)) return;
    const ageMs = clock.now() - Date.parse(address.metadata.creationTimestamp ?? '');
    if (ageMs < graceMs) return { requeueAfterMs: graceMs - ageMs };
    logger.info('Removed an address that no Service has', { address: ip, service: key });
    const message = `IPAddress: ${ip} for Service ${key} appears to have leaked: cleaning up`;
    recorder.event({ ref: resources.ipAddresses, object: address }, 'Warning', 'IPAddressNotAllocated', message);
    const { uid } = address.metadata;
    try {
      await client.delete(resources.ipAddresses, { name: ip }, { ...(uid ? { preconditions: { uid } } : {}), signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  function event(object: Service, reason: string, message: string): void {
    recorder.event({ ref: resources.services, object }, 'Warning', reason, message);
  }

  const caches = [services, addresses];
  await Promise.all([
    runController(context, { queue: serviceQueue, caches, workers: 1, reconcile: repairService }),
    runController(context, { queue: addressQueue, caches, workers: 1, reconcile: repairAddress }),
  ]);
}

function clusterIps(service: Service): string[] {
  if (service.spec?.type === 'ExternalName') return [];
  const ips = service.spec?.clusterIPs ?? (service.spec?.clusterIP ? [service.spec.clusterIP] : []);
  return ips.filter((ip) => ip !== '' && ip !== 'None');
}

function isOf(address: IPAddress, service: Service): boolean {
  const parent = address.spec?.parentRef;
  return parent?.resource === 'services' && parent.namespace === service.metadata.namespace && parent.name === service.metadata.name;
}
