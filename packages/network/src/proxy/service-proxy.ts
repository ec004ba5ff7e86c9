import { resources } from '@bayplan/api';
import type { EndpointSlice, Pod, Service } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import { keyOf } from '@bayplan/client';
import type { Informer, InformerFactory } from '@bayplan/client';
import { byServiceIndex, serviceKeyOf } from '../dns/zone-source.ts';
import type { CommandShell } from '../host/command-shell.ts';
import type { NftSession } from '../host/nft-session.ts';
import type { NetworkMetrics } from '../metrics.ts';
import type { NetworkSettings } from '../network-options.ts';
import { forgetFlows, staleFlows } from './conntrack.ts';
import { hostPortsOf } from './host-ports.ts';
import { diffState, emptyState } from './nft-state.ts';
import type { NftState } from './nft-state.ts';
import { baseRuleset, renderServices, tableName } from './ruleset.ts';
import { servicePortsOf } from './service-ports.ts';
import type { ServicePort } from './service-ports.ts';

export interface ServiceProxyOptions {
  readonly informers: InformerFactory;
  /** The pods of this node. */
  readonly pods: Informer<Pod>;
  readonly settings: NetworkSettings;
  readonly nft: NftSession;
  readonly shell: CommandShell;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
  readonly signal: AbortSignal;
}

/** Changes that arrive within this time go into the kernel together. */
const debounceMs = 20;
/** A stream of changes never delays the rules longer than this. */
const maxDelayMs = 250;
/** Tells keys of pods from those of Services. */
const podPrefix = 'pod:';
const firstRetryMs = 500;
const maxRetryMs = 30_000;

/**
 * Keeps the kernel's table equal to the Services. `run` resolves when the signal aborts; `ready`
 * once the table was written for the first time.
 */
export function runServiceProxy(options: ServiceProxyOptions): { readonly ready: Promise<void>; readonly done: Promise<void> } {
  const proxy = new ServiceProxy(options);
  return { ready: proxy.ready, done: proxy.run() };
}

class ServiceProxy {
  readonly ready: Promise<void>;
  #markReady: () => void = () => undefined;
  readonly #options: ServiceProxyOptions;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #dirty = new Set<string>();
  readonly #ports = new Map<string, readonly ServicePort[]>();
  /** What the kernel holds; undefined when that is not known and everything must be written. */
  #applied: NftState | undefined;
  #firstChangeAt: number | undefined;
  #wake: () => void = () => undefined;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#services = options.informers.informer<Service>(resources.services);
    this.#slices = options.informers.informer<EndpointSlice>(resources.endpointSlices);
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  async run(): Promise<void> {
    const { signal, clock, logger } = this.#options;
    const touchService = (service: Service) => this.#touch(`${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}`);
    const touchSlice = (slice: EndpointSlice) => this.#touch(serviceKeyOf(slice));
    const off = [
      this.#services.addHandlers({ onAdd: touchService, onUpdate: touchService, onDelete: touchService }),
      this.#slices.addHandlers({
        onAdd: touchSlice,
        onUpdate: (slice, previous) => {
          touchSlice(slice);
          touchSlice(previous);
        },
        onDelete: touchSlice,
      }),
      this.#options.pods.addHandlers({
        onAdd: (pod) => this.#touchPod(pod),
        onUpdate: (pod, previous) => this.#touchPod(pod, previous),
        onDelete: (pod) => this.#touchPod(pod),
      }),
    ];
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      // Before the caches are full, the rules left by an earlier run are better than none.
      await Promise.race([Promise.all([this.#services.synced, this.#slices.synced, this.#options.pods.synced]), aborted(signal)]);
      let retryMs = firstRetryMs;
      while (!signal.aborted) {
        try {
          await this.#synchronise();
          retryMs = firstRetryMs;
          await this.#nextChange();
        } catch (err) {
          if (signal.aborted) break;
          this.#options.metrics.syncFailures.inc();
          logger.error('Failed to write Service rules', { err, retryMs });
          this.#applied = undefined;
          await clock.sleep(retryMs, signal).catch(() => undefined);
          retryMs = Math.min(retryMs * 2, maxRetryMs);
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      for (const remove of off) remove();
    }
  }

  /** Pods change all the time; only host ports matter here. */
  #touchPod(pod: Pod, previous?: Pod): void {
    if (previous !== undefined && JSON.stringify(hostPortsOf(pod)) === JSON.stringify(hostPortsOf(previous))) return;
    if (hostPortsOf(pod).length > 0 || (previous !== undefined && hostPortsOf(previous).length > 0))
      this.#touch(`${podPrefix}${keyOf(pod)}`);
  }

  #touch(key: string | undefined): void {
    if (key === undefined) return;
    this.#dirty.add(key);
    this.#firstChangeAt ??= this.#options.clock.monotonic();
    this.#wake();
  }

  /** Waits for a change, and then until changes pause or have waited long enough. */
  async #nextChange(): Promise<void> {
    const { signal, clock } = this.#options;
    if (this.#dirty.size === 0) await new Promise<void>((resolve) => (signal.aborted ? resolve() : (this.#wake = resolve)));
    while (!signal.aborted) {
      const waited = clock.monotonic() - (this.#firstChangeAt ?? clock.monotonic());
      const size = this.#dirty.size;
      if (waited >= maxDelayMs) return;
      await clock.sleep(debounceMs, signal).catch(() => undefined);
      if (this.#dirty.size === size) return;
    }
  }

  async #synchronise(): Promise<void> {
    const { settings, nft, shell, clock, logger, metrics } = this.#options;
    const startedAt = clock.monotonic();
    const changedAt = this.#firstChangeAt;
    const before: ServicePort[] = [];
    const after: ServicePort[] = [];
    const keys = [...this.#dirty];
    this.#dirty.clear();
    this.#firstChangeAt = undefined;
    for (const key of keys.filter((one) => !one.startsWith(podPrefix))) {
      before.push(...(this.#ports.get(key) ?? []));
      const ports = this.#portsOf(key);
      if (ports.length > 0) this.#ports.set(key, ports);
      else this.#ports.delete(key);
      after.push(...ports);
    }
    const servicePorts = [...this.#ports.keys()].sort().flatMap((key) => this.#ports.get(key) ?? []);
    const hostPorts = this.#options.pods.lister.list().flatMap(hostPortsOf);
    const next = renderServices(servicePorts, hostPorts, settings);
    const full = this.#applied === undefined;
    const scripts = diffState(tableName, this.#applied ?? emptyState, next);
    if (full) metrics.fullSyncs.inc();
    if (full || scripts.apply !== '') {
      await nft.apply(full ? baseRuleset(settings) + scripts.apply : scripts.apply);
      this.#applied = next;
      logger.debug('Wrote Service rules', { full, services: this.#ports.size, changed: keys.length });
    }
    if (scripts.collect !== '') await nft.apply(scripts.collect);
    this.#markReady();
    metrics.syncSeconds.observe((clock.monotonic() - startedAt) / 1000);
    if (changedAt !== undefined) metrics.programmingSeconds.observe((clock.monotonic() - changedAt) / 1000);
    metrics.lastSyncSeconds.set(clock.now() / 1000);
    await forgetFlows(staleFlows(before, after, settings.dnsAddress), shell, logger);
  }

  #portsOf(key: string): ServicePort[] {
    const service = this.#services.lister.get(key);
    if (service === undefined || service.metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined) return [];
    return servicePortsOf(service, this.#slices.lister.byIndex(byServiceIndex, key), this.#options.settings.nodeName);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
