import { FieldPath, fieldInvalid, internalError, invalid, isAlreadyExists, isNotFound } from '@bayplan/api';
import type { IPAddress, Service, ServiceCIDR } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Random } from '@bayplan/component-base';
import { formatAddress, parseAddress, parseRange } from '../ipv4.ts';
import type { Registry } from '../registry/registry.ts';
import type { StoredResource } from '../registry/served-resource.ts';

/** Addresses below this offset are left to those who ask for a certain one (KEP-3070: at most 256 of a range). */
const mostStatic = 256;
const randomTries = 64;

/**
 * Hands out Service addresses. Who has which is written down in `IPAddress` objects named by the address:
 * creating one is what makes an address taken, so several servers never give out the same.
 */
export class ClusterAddresses {
  private readonly registry: () => Registry;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly cidr: string;

  constructor(registry: () => Registry, cidr: string, clock: Clock, random: Random) {
    this.registry = registry;
    this.cidr = cidr;
    this.clock = clock;
    this.random = random;
  }

  /** Takes `address` for the Service. Throws `Invalid` when it is outside of the range or taken. */
  async take(service: Service, address: string, dryRun: boolean): Promise<void> {
    const ranges = await this.ranges();
    const number = parseAddress(address);
    const isInside = ranges.some((cidr) => {
      const { first, last } = parseRange(cidr);
      return number !== undefined && number > first && number < last;
    });
    const path = FieldPath.of('spec').child('clusterIPs');
    const fault = (why: string) =>
      invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [
        fieldInvalid(path, [address], `failed to allocate IP ${address}: ${why}`),
      ]);
    if (!isInside) throw fault(`the provided IP (${address}) is not in the valid range. The range of valid IPs is ${ranges.join(',')}`);
    if (!(await this.reserve(service, address, dryRun))) throw fault('provided IP is already allocated');
  }

  /** Takes a free address for the Service and resolves with it. */
  async takeAny(service: Service, dryRun: boolean): Promise<string> {
    const ranges = await this.ranges();
    for (const cidr of ranges) {
      const address = await this.takeFrom(cidr, service, dryRun);
      if (address !== undefined) return address;
    }
    throw internalError(`failed to allocate a serviceIP: range ${ranges.join(',')} is full`);
  }

  /** The ranges of all ServiceCIDRs that are not going away, that of the cluster first. */
  private async ranges(): Promise<string[]> {
    const { cache } = this.registry().stored('networking.k8s.io', 'v1', 'servicecidrs').storage;
    await cache.start();
    const found = new Set<string>();
    for (const { stored } of cache.list({ indexValue: undefined, namespace: undefined, matches: () => true })) {
      const { metadata, spec } = stored.object as ServiceCIDR;
      if (metadata.deletionTimestamp === undefined) for (const cidr of spec?.cidrs ?? []) if (isIpv4Range(cidr)) found.add(cidr);
    }
    // Before the first ServiceCIDR is written there is nothing but the setting.
    if (found.size === 0 || found.has(this.cidr)) return [this.cidr, ...[...found].filter((cidr) => cidr !== this.cidr)];
    return [...found];
  }

  private async takeFrom(cidr: string, service: Service, dryRun: boolean): Promise<string | undefined> {
    const { first, last } = parseRange(cidr);
    const size = last - first - 1;
    const start = Math.min(mostStatic, Math.max(16, Math.floor(size / 16)), size - 1);
    for (let attempt = 0; attempt < randomTries; attempt++) {
      const address = formatAddress(first + 1 + start + Math.floor(this.random.next() * (size - start)));
      if (await this.reserve(service, address, dryRun)) return address;
    }
    for (let number = last - 1; number > first; number--) {
      const address = formatAddress(number);
      if (await this.reserve(service, address, dryRun)) return address;
    }
    return undefined;
  }

  /** Gives an address back. One that is free already, or another Service's, is left alone. */
  async release(service: Service, address: string): Promise<void> {
    const { storage } = this.resource();
    try {
      const held = await storage.read('', address);
      if (this.isHeldBy(held.object as IPAddress, service)) await storage.remove(held);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  private async reserve(service: Service, address: string, dryRun: boolean): Promise<boolean> {
    const { storage } = this.resource();
    await storage.cache.fresh();
    const holder = storage.cache.get('', address)?.stored.object as IPAddress | undefined;
    if (holder !== undefined) return this.isHeldBy(holder, service);
    if (dryRun) return true;
    try {
      await storage.create(this.record(service, address));
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  private isHeldBy({ spec }: IPAddress, { metadata }: Service): boolean {
    const parent = spec?.parentRef;
    return parent?.resource === 'services' && parent.namespace === metadata.namespace && parent.name === metadata.name;
  }

  private record({ metadata }: Service, address: string): IPAddress {
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: {
        name: address,
        uid: this.random.uuid(),
        creationTimestamp: timestamp(this.clock.now()),
        labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
      },
      spec: { parentRef: { group: '', resource: 'services', namespace: metadata.namespace, name: metadata.name ?? '' } },
    };
  }

  private resource(): StoredResource {
    return this.registry().stored('networking.k8s.io', 'v1', 'ipaddresses');
  }
}

function isIpv4Range(cidr: string): boolean {
  try {
    const { first, last } = parseRange(cidr);
    return last - first > 1;
  } catch {
    // An IPv6 range: addresses of Services are IPv4 here.
    return false;
  }
}
