import { FieldPath, fieldInvalid, internalError, invalid } from '@bayplan/api';
import type { Service, ServicePort } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import type { Registry } from '../registry/registry.ts';

const lowest = 30_000;
const highest = 32_767;

/** Hands out node ports: unique among all Services, per protocol. Ports given out here count as taken until the Service is seen. */
export class NodePorts {
  private readonly registry: () => Registry;
  private readonly random: Random;
  private readonly pending = new Map<string, Service>();

  constructor(registry: () => Registry, random: Random) {
    this.registry = registry;
    this.random = random;
  }

  /** Fills in the ports of `service` that have none. Throws `Invalid` for one that is taken or out of range. */
  async assign(service: Service, dryRun: boolean): Promise<void> {
    const taken = await this.taken(service);
    for (const [index, port] of (service.spec?.ports ?? []).entries()) {
      if (port.nodePort) this.check(service, port, index, taken);
      else port.nodePort = this.free(port, taken);
      taken.add(keyOf(port));
      if (!dryRun) this.pending.set(keyOf(port), service);
    }
  }

  /** The Service is stored, or will never be. */
  settle(service: Service): void {
    for (const port of service.spec?.ports ?? []) this.pending.delete(keyOf(port));
  }

  private async taken(service: Service): Promise<Set<string>> {
    const { cache } = this.registry().stored('', 'v1', 'services').storage;
    await cache.fresh();
    const taken = new Set(this.pending.keys());
    for (const entry of cache.list({ matches: () => true })) {
      const other = entry.stored.object as Service;
      const own = other.metadata.uid !== undefined && other.metadata.uid === service.metadata.uid;
      for (const port of other.spec?.ports ?? []) {
        if (this.pending.get(keyOf(port))?.metadata.uid === other.metadata.uid) this.pending.delete(keyOf(port));
        if (own) taken.delete(keyOf(port));
        else if (port.nodePort) taken.add(keyOf(port));
      }
    }
    return taken;
  }

  private check(service: Service, port: ServicePort, index: number, taken: ReadonlySet<string>): void {
    const nodePort = port.nodePort ?? 0;
    const path = FieldPath.of('spec').child('ports').index(index).child('nodePort');
    const fault = (why: string) =>
      invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [fieldInvalid(path, nodePort, why)]);
    if (nodePort < lowest || nodePort > highest)
      throw fault(`provided port is not in the valid range. The range of valid ports is ${lowest.toString()}-${highest.toString()}`);
    if (taken.has(keyOf(port))) throw fault('provided port is already allocated');
  }

  private free(port: ServicePort, taken: ReadonlySet<string>): number {
    const size = highest - lowest + 1;
    const start = Math.floor(this.random.next() * size);
    for (let step = 0; step < size; step++) {
      const nodePort = lowest + ((start + step) % size);
      if (!taken.has(keyOf({ ...port, nodePort }))) return nodePort;
    }
    throw internalError('failed to allocate a nodePort: range is full');
  }
}

function keyOf(port: ServicePort): string {
  return `${port.protocol ?? 'TCP'}/${(port.nodePort ?? 0).toString()}`;
}
