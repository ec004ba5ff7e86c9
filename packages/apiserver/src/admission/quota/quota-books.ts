import { amountsOf, conflict, isConflict, isNotFound, resourceListOf } from '@bayplan/api';
import type { KubeObject, ResourceQuota } from '@bayplan/api';
import { isStoreError } from '@bayplan/store';
import type { Registry } from '../../registry/registry.ts';
import type { StoredResource } from '../../registry/served-resource.ts';
import type { StoredObject } from '../../registry/stored-object.ts';
import { charged, concerns, quotaFault } from './quota-charge.ts';
import type { Charge } from './quota-charge.ts';

/** Of servers that write to one quota at once each round lets one win. */
const maxRounds = 100;

interface Waiter {
  readonly charge: Charge;
  /** Quotas that were already charged when another one turned out to have changed. */
  readonly paid: Set<string>;
  readonly settle: (fault: string | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Charges requests to the quotas of their namespace, under the lock of each quota's revision, so that servers together
 * never give out more than there is. Requests that arrive while a quota is being written share the next write.
 */
export class QuotaBooks {
  private readonly quotas: () => StoredResource;
  private readonly waiting = new Map<string, Waiter[]>();

  constructor(registry: Registry) {
    this.quotas = () => registry.stored('', 'v1', 'resourcequotas');
  }

  /** True if the namespace has any quota; cheap. */
  async hasQuotas(namespace: string): Promise<boolean> {
    const { cache } = this.quotas().storage;
    await cache.start();
    return cache.list({ namespace, matches: () => true }).length > 0;
  }

  /** Why the charge must be refused, looking only: for dry runs. */
  async check(namespace: string, charge: Charge): Promise<string | undefined> {
    await this.quotas().storage.cache.fresh();
    const working = new Map([...this.present(namespace)].map(([name, stored]) => [name, stored.object as ResourceQuota]));
    return this.book(working, charge, new Set());
  }

  /** Charges every quota concerned, or none: then it says why. */
  charge(namespace: string, charge: Charge): Promise<string | undefined> {
    return new Promise((settle, fail) => {
      const waiter: Waiter = { charge, paid: new Set(), settle, fail };
      const queue = this.waiting.get(namespace);
      if (queue !== undefined) {
        queue.push(waiter);
        return;
      }
      this.waiting.set(namespace, [waiter]);
      void this.work(namespace);
    });
  }

  private async work(namespace: string): Promise<void> {
    for (;;) {
      const batch = this.waiting.get(namespace) ?? [];
      if (batch.length === 0) {
        this.waiting.delete(namespace);
        return;
      }
      this.waiting.set(namespace, []);
      try {
        await this.settle(namespace, batch);
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
  }

  private async settle(namespace: string, batch: readonly Waiter[]): Promise<void> {
    let stored = this.present(namespace);
    let newest = false;
    for (let round = 0; round < maxRounds; round++) {
      const working = new Map([...stored].map(([name, quota]) => [name, quota.object as ResourceQuota]));
      const faults = batch.map((waiter) => this.book(working, waiter.charge, waiter.paid));
      // What the cache refuses may be out of date; what it grants is checked by the write.
      if (newest || faults.every((fault) => fault === undefined)) {
        for (const [index, waiter] of batch.entries()) if (faults[index] !== undefined) refund(working, waiter);
        if (await this.write(stored, working, batch, faults)) {
          for (const [index, waiter] of batch.entries()) waiter.settle(faults[index]);
          return;
        }
      }
      stored = await this.reread(namespace, [...stored.keys()]);
      newest = true;
    }
    throw conflict({ group: '', resource: 'resourcequotas' }, '', 'too many writers of the quotas of the namespace');
  }

  /** Adds a charge to the working copies, unless one of them has no room. */
  private book(working: Map<string, ResourceQuota>, charge: Charge, paid: ReadonlySet<string>): string | undefined {
    const next = new Map<string, ResourceQuota>();
    const concerned = [...working].filter(([, quota]) => concerns(quota, charge));
    for (const [, quota] of concerned) {
      const fault = quotaFault(quota, charge);
      if (fault !== undefined) return fault;
    }
    if (charge.amounts.size === 0) return undefined;
    for (const [name, quota] of concerned) {
      if (paid.has(name)) continue;
      const result = charged(quota, charge);
      if ('fault' in result) return result.fault;
      next.set(name, result.quota);
    }
    for (const [name, quota] of next) working.set(name, quota);
    return undefined;
  }

  /** Writes the changed copies. False when one had changed meanwhile; who was charged in the others remembers it. */
  private async write(
    stored: ReadonlyMap<string, StoredObject>,
    working: ReadonlyMap<string, ResourceQuota>,
    batch: readonly Waiter[],
    faults: readonly (string | undefined)[],
  ): Promise<boolean> {
    const { storage } = this.quotas();
    let complete = true;
    for (const [name, quota] of working) {
      const current = stored.get(name);
      if (current === undefined || quota === current.object) continue;
      try {
        await storage.translate('update', name, () => storage.replaceAt(current, structuredClone(quota) as KubeObject));
        for (const [index, waiter] of batch.entries()) {
          if (faults[index] !== undefined) waiter.paid.delete(name);
          else if (concerns(quota, waiter.charge)) waiter.paid.add(name);
        }
      } catch (error) {
        if (!isLost(error)) throw error;
        complete = false;
      }
    }
    return complete;
  }

  private present(namespace: string): Map<string, StoredObject> {
    const { cache } = this.quotas().storage;
    return new Map(cache.list({ namespace, matches: () => true }).map((entry) => [entry.name, entry.stored]));
  }

  private async reread(namespace: string, names: readonly string[]): Promise<Map<string, StoredObject>> {
    const { storage } = this.quotas();
    const found = new Map<string, StoredObject>();
    for (const name of names) {
      const quota = await storage.read(namespace, name).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (quota !== undefined) found.set(name, quota);
    }
    return found;
  }
}

/** Takes back what a refused charge had put into quotas in an earlier round. */
function refund(working: Map<string, ResourceQuota>, { charge, paid }: Waiter): void {
  for (const name of paid) {
    const quota = working.get(name);
    if (quota === undefined) continue;
    const used = amountsOf(quota.status?.used);
    for (const [resource, amount] of charge.amounts) {
      const present = used.get(resource);
      if (present !== undefined && quota.status?.hard?.[resource] !== undefined) used.set(resource, present.subtract(amount));
    }
    working.set(name, { ...quota, status: { ...quota.status, used: resourceListOf(used) } });
  }
}

function isLost(error: unknown): boolean {
  return isStoreError(error, 'conflict') || isConflict(error) || isNotFound(error);
}
