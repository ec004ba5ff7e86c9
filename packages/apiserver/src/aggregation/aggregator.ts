import { serviceUnavailable } from '@bayplan/api';
import type { APIService, KubeObject } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import type { ProxyTarget } from '@bayplan/streaming';
import type { RequestContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import { forward } from '../connect/forward.ts';
import type { ClusterKeys } from '../keys/cluster-keys.ts';
import type { Registry } from '../registry/registry.ts';
import type { StoredResource } from '../registry/served-resource.ts';
import type { Watcher } from '../registry/watcher.ts';
import type { ServiceLink } from '../webhooks/service-link.ts';
import { availabilityOf, locallyAvailable } from './availability.ts';
import type { AggregationMetrics } from './aggregation-metrics.ts';
import type { Availability } from './availability.ts';
import { syncLocalServices } from './local-services.ts';
import { FrontProxy, RemoteApi } from './remote-api.ts';
import { RemoteDiscovery } from './remote-discovery.ts';
import { identityHeaders } from './remote-identity.ts';

const checkedEveryMs = 30_000;
const firstRetryMs = 1_000;

export interface AggregatorOptions {
  readonly registry: Registry;
  readonly link: ServiceLink;
  readonly keys: ClusterKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AggregationMetrics;
}

/** A group and version that another server answers for. */
export interface RemoteService {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly discovery: RemoteDiscovery;
}

interface Entry extends RemoteService {
  /** What the link is made of; another one replaces the entry. */
  readonly made: string;
  readonly api: RemoteApi;
  readonly stop: AbortController;
  available: boolean;
  checked: boolean;
}

/** Hands requests on to the API servers that APIServices name, and keeps the status of those objects. */
export class Aggregator {
  private readonly options: AggregatorOptions;
  private readonly frontProxy: FrontProxy;
  private readonly entries = new Map<string, Entry>();
  private readonly stopping = new AbortController();
  private changes = -1;
  private client: Client | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(options: AggregatorOptions) {
    this.options = options;
    this.frontProxy = new FrontProxy(options.keys, options.clock);
  }

  /** Begins to register local groups and to check remote ones; costs nothing while no APIService or definition changes. */
  start(client: Client): void {
    this.client = client;
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const entry of this.entries.values()) this.drop(entry);
    await this.running;
  }

  /** The services of remote groups, by group and version. */
  async remotes(): Promise<readonly RemoteService[]> {
    await this.refresh();
    return [...this.entries.values()];
  }

  /** Answers a request to a path of a remote group and version; undefined when it is not one. */
  async dispatch(context: RequestContext): Promise<Outcome | undefined> {
    const entry = await this.entryOf(context.info.path);
    if (entry === undefined) return undefined;
    demandAvailable(entry);
    const { request } = context;
    const query = request.query.toString();
    const url = entry.api.url(`${request.path}${query === '' ? '' : `?${query}`}`);
    return forward(request, { url, agent: entry.api.agent, headers: identityHeaders(context.user) });
  }

  /** Where an upgrade to a remote group goes; undefined when it is not for one. */
  async upgradeTarget(context: RequestContext): Promise<ProxyTarget | undefined> {
    const entry = await this.entryOf(context.info.path);
    if (entry === undefined) return undefined;
    demandAvailable(entry);
    const query = context.request.query.toString();
    return {
      url: entry.api.url(`${context.request.path}${query === '' ? '' : `?${query}`}`),
      open: () => entry.api.open(),
      headers: lowered(identityHeaders(context.user)),
    };
  }

  private get services(): StoredResource {
    return this.options.registry.stored('apiregistration.k8s.io', 'v1', 'apiservices');
  }

  private async entryOf(path: string): Promise<Entry | undefined> {
    const found = /^\/(?:openapi\/v3\/)?apis\/([^/]+)\/([^/]+)/.exec(path);
    if (found === null) return undefined;
    await this.refresh();
    return this.entries.size === 0 ? undefined : this.entries.get(`${found[2] ?? ''}.${found[1] ?? ''}`);
  }

  /** Brings the entries up to what the cache of APIServices holds. */
  private async refresh(): Promise<void> {
    const { cache } = this.services.storage;
    await cache.start();
    if (cache.changes === this.changes || this.stopping.signal.aborted) return;
    this.changes = cache.changes;
    const wanted = new Map(
      cache
        .list({ matches: () => true })
        .map((entry) => [entry.name, entry.stored.object as APIService] as const)
        .filter(([, { spec }]) => spec?.service !== undefined),
    );
    for (const [name, entry] of this.entries) {
      const service = wanted.get(name);
      if (service === undefined || linkOf(service) !== entry.made) {
        this.drop(entry);
        this.entries.delete(name);
        if (service === undefined) this.options.metrics.removed(name);
      } else entry.available = isAvailable(service);
    }
    for (const [name, service] of wanted) if (!this.entries.has(name)) this.entries.set(name, this.add(name, service));
  }

  private add(name: string, service: APIService): Entry {
    const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = service.spec ?? {};
    const api = new RemoteApi(service, this.options.link, this.frontProxy);
    const entry: Entry = {
      group,
      version,
      groupPriority: groupPriorityMinimum,
      versionPriority,
      discovery: new RemoteDiscovery(api, group, version, this.options.clock),
      made: linkOf(service),
      api,
      stop: new AbortController(),
      available: isAvailable(service),
      checked: false,
    };
    void this.watchOver(name, entry);
    return entry;
  }

  private drop(entry: Entry): void {
    entry.stop.abort();
    entry.api.close();
  }

  /** Checks one remote server again and again: when its endpoints change, every half minute, and soon after a failure. */
  private async watchOver(name: string, entry: Entry): Promise<void> {
    const { registry, clock, logger } = this.options;
    const { signal } = entry.stop;
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      const slices = registry.stored('discovery.k8s.io', 'v1', 'endpointslices').storage.cache;
      const { namespace, name: backend } = entry.api.service;
      const watcher = slices.watch({ namespace, matches: (one) => one.labels['kubernetes.io/service-name'] === backend });
      const wake = new AbortController();
      try {
        const service = (await this.services.storage.find('', name))?.object as APIService | undefined;
        if (service === undefined) return;
        const found = await availabilityOf(service, entry.api, registry, clock, signal);
        if (signal.aborted) return;
        const ok = found.status === 'True';
        if (ok) this.options.metrics.available(name);
        else this.options.metrics.unavailable(name, found.reason, !entry.available && entry.checked);
        entry.checked = true;
        if (ok !== entry.available) entry.discovery.forget();
        entry.available = ok;
        await this.record(name, found);
        const waitMs = ok ? checkedEveryMs : retryMs;
        retryMs = ok ? firstRetryMs : Math.min(retryMs * 2, checkedEveryMs);
        await Promise.race([clock.sleep(waitMs, AbortSignal.any([signal, wake.signal])).catch(() => undefined), watcher.take()]);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('APIService could not be checked', { apiService: name, err: error });
        await clock.sleep(retryMs, signal).catch(() => undefined);
      } finally {
        wake.abort();
        watcher.end();
      }
    }
  }

  private async record(name: string, { status, reason, message }: Availability): Promise<void> {
    await this.services.storage.update('', name, (current) => {
      const service = current.object as APIService;
      const conditions = service.status?.conditions ?? [];
      const before = conditions.find((condition) => condition.type === 'Available');
      if (before?.status === status && before.reason === reason && before.message === message) return Promise.resolve(current);
      const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(this.options.clock.now());
      const next = { type: 'Available', status, lastTransitionTime, reason, message };
      const others = conditions.filter((condition) => condition.type !== 'Available');
      return Promise.resolve({
        ...service,
        metadata: { ...service.metadata },
        status: { ...service.status, conditions: [...others, next] },
      } as KubeObject);
    });
  }

  /** Local groups: once at the start, and again whenever APIServices or definitions change. */
  private async run(): Promise<void> {
    const { registry, clock, logger } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const watchers: Watcher[] = [];
      const end = (): void => watchers.forEach((watcher) => watcher.end());
      signal.addEventListener('abort', end, { once: true });
      try {
        const caches = [
          this.services.storage.cache,
          registry.stored('apiextensions.k8s.io', 'v1', 'customresourcedefinitions').storage.cache,
        ];
        await Promise.all(caches.map((cache) => cache.start()));
        watchers.push(...caches.map((cache) => cache.watch({ matches: () => true })));
        await this.sync();
        await Promise.race(watchers.map((watcher) => watcher.take()));
        // Definitions and APIServices come in bursts.
        await clock.sleep(200, signal).catch(() => undefined);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('APIServices could not be registered', { err: error });
        await clock.sleep(firstRetryMs, signal).catch(() => undefined);
      } finally {
        signal.removeEventListener('abort', end);
        end();
      }
    }
  }

  private async sync(): Promise<void> {
    if (this.client === undefined) return;
    await syncLocalServices(this.options.registry, this.client);
    await this.refresh();
    for (const { stored, name } of this.services.storage.cache.list({ matches: () => true })) {
      const service = stored.object as APIService;
      if (service.spec?.service !== undefined) continue;
      this.options.metrics.available(name);
      if (!isAvailable(service)) await this.record(name, locallyAvailable);
    }
  }
}

function demandAvailable(entry: Entry): void {
  if (!entry.available) throw serviceUnavailable('the server is currently unable to handle the request');
}

function isAvailable({ status }: APIService): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === 'Available' && condition.status === 'True');
}

function linkOf({ spec }: APIService): string {
  return JSON.stringify(spec);
}

function lowered(headers: Readonly<Record<string, string | string[]>>): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
