import { apiVersionOf, builtinResources } from '@bayplan/api';
import type { ResourceInfo } from '@bayplan/api';
import type { Logger } from '@bayplan/component-base';
import type { Store } from '@bayplan/store';
import { metricsResources } from '../metrics-api/metrics-resources.ts';
import { conversions, storedVersionOf } from './conversions.ts';
import { ResourceCache } from './resource-cache.ts';
import { ResourceStorage } from './resource-storage.ts';
import type { Sealing } from './resource-storage.ts';
import { isStored } from './served-resource.ts';
import type { ServedResource, StoredResource } from './served-resource.ts';
import type { StoreHub } from './store-hub.ts';
import { plainStrategy } from './strategy.ts';
import type { Strategy } from './strategy.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly hub: StoreHub;
  readonly logger: Logger;
  /** By `GROUP/RESOURCE`, `/pods` for the core group. */
  readonly strategies: ReadonlyMap<string, Strategy>;
  /** How values of a resource are sealed in the store. */
  readonly sealingOf: (group: string, resource: string) => Sealing;
}

/** Every resource that is served, and the storage behind it. */
export class Registry {
  private readonly byPath = new Map<string, ServedResource>();
  private readonly storages = new Map<string, ResourceStorage>();
  private revisions = 0;
  private refresh: ((group: string) => Promise<void>) | undefined;

  constructor(options: RegistryOptions) {
    for (const info of builtinResources) this.add(info, options);
    for (const info of metricsResources)
      this.byPath.set(`${info.group}/${info.version}/${info.resource}`, {
        ...info,
        apiVersion: apiVersionOf(info),
        storage: undefined,
        strategy: plainStrategy,
        conversion: undefined,
      });
  }

  find(group: string, version: string, resource: string): ServedResource | undefined {
    return this.byPath.get(`${group}/${version}/${resource}`);
  }

  /** Whether any resource of a group's version is served. */
  serves(group: string, version: string): boolean {
    for (const resource of this.byPath.values()) if (resource.group === group && resource.version === version) return true;
    return false;
  }

  /** A stored resource that must exist. Asserts. */
  stored(group: string, version: string, resource: string): StoredResource {
    const found = this.find(group, version, resource);
    if (found === undefined || !isStored(found)) throw new Error(`no stored resource ${group}/${version}/${resource}`);
    return found;
  }

  all(): IterableIterator<ServedResource> {
    return this.byPath.values();
  }

  /** Serves another resource, or one of the same path anew. Its storage may be shared with other versions. */
  serve(resource: ServedResource): void {
    this.byPath.set(`${resource.group}/${resource.version}/${resource.resource}`, resource);
    this.revisions++;
  }

  /** Ends what `serve` began. */
  withdraw(group: string, version: string, resource: string): void {
    if (this.byPath.delete(`${group}/${version}/${resource}`)) this.revisions++;
  }

  /** As `find`, but asks first for what other servers may have added when there is nothing. */
  async findLate(group: string, version: string, resource: string): Promise<ServedResource | undefined> {
    const found = this.find(group, version, resource);
    if (found !== undefined || this.refresh === undefined) return found;
    await this.refresh(group);
    return this.find(group, version, resource);
  }

  /** What `findLate` waits for. */
  refreshWith(refresh: (group: string) => Promise<void>): void {
    this.refresh = refresh;
  }

  /** Grows whenever what is served changes: for those who keep something that follows from it. */
  get changes(): number {
    return this.revisions;
  }

  /** Ends every watch of every resource. */
  endWatches(): void {
    for (const { storage } of this.byPath.values()) storage?.cache.endWatches();
  }

  private add(info: ResourceInfo, options: RegistryOptions): void {
    const groupResource = `${info.group}/${info.resource}`;
    const strategy = options.strategies.get(groupResource) ?? plainStrategy;
    const apiVersion = apiVersionOf(info);
    const storage =
      info.verbs.includes('list') && info.resource !== 'componentstatuses' ? this.storageOf(info, strategy, options) : undefined;
    const conversion = conversions.get(`${info.group}/${info.version}/${info.resource}`);
    this.byPath.set(`${info.group}/${info.version}/${info.resource}`, { ...info, apiVersion, storage, strategy, conversion });
  }

  private storageOf(info: ResourceInfo, strategy: Strategy, options: RegistryOptions): ResourceStorage {
    const stored = storedVersionOf(info);
    const prefix = `/registry/${stored.group === '' ? 'core' : stored.group}/${stored.resource}/`;
    const kept = this.storages.get(prefix);
    if (kept !== undefined) return kept;
    const sealing = options.sealingOf(stored.group, stored.resource);
    const apiVersion = apiVersionOf(stored);
    const cache = new ResourceCache(
      {
        prefix,
        apiVersion,
        kind: info.kind,
        namespaced: info.namespaced,
        fieldsOf: strategy.fields ?? noFields,
        indexField: strategy.indexField,
        historyEvents: strategy.historyEvents,
        open: (key, value) => sealing.open(key, value),
      },
      options.store,
      options.hub,
      options.logger,
    );
    const storage = new ResourceStorage(
      { ...stored, kind: info.kind, namespaced: info.namespaced, apiVersion },
      options.store,
      cache,
      sealing,
    );
    this.storages.set(prefix, storage);
    return storage;
  }
}

const none: Readonly<Record<string, string>> = Object.freeze({});
const noFields = () => none;
