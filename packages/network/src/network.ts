import { resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { createInformer } from '@bayplan/client';
import { systemRandom } from '@bayplan/component-base';
import { ClusterZone } from './dns/cluster-zone.ts';
import { startDnsServer } from './dns/dns-server.ts';
import type { DnsServer } from './dns/dns-server.ts';
import { createForwarder } from './dns/forwarder.ts';
import { Responder } from './dns/responder.ts';
import { watchNameServers } from './dns/resolv-conf.ts';
import { zoneSourceOf } from './dns/zone-source.ts';
import { createCommandShell } from './host/command-shell.ts';
import { ensureServiceRoute, holdAddress } from './host/local-address.ts';
import { createNftSession } from './host/nft-session.ts';
import { applySysctls } from './host/sysctls.ts';
import { contains } from './ipv4.ts';
import { createNetworkMetrics } from './metrics.ts';
import type { NetworkMetrics } from './metrics.ts';
import { completeSettings } from './network-options.ts';
import type { Network, NetworkOptions, NetworkSettings } from './network-options.ts';
import { pruneForHostPorts } from './proxy/host-ports.ts';
import { runServiceProxy } from './proxy/service-proxy.ts';
import { routeProtocol, runNodeRoutes } from './routes/node-routes.ts';

const firstRetryMs = 500;
const maxRetryMs = 10_000;

/**
 * Starts the network of this node: Service rules, cluster DNS, routes to other nodes. Returns at once
 * and keeps trying what fails; `ready` tells when all of it works. Needs root.
 */
export function startNetwork(options: NetworkOptions): Network {
  const settings = completeSettings(options);
  const logger = options.logger.with({ node: settings.nodeName });
  const metrics = createNetworkMetrics(options.registry);
  const stopping = new AbortController();
  const stopByOwner = (): void => stopping.abort(options.signal.reason);
  options.signal.addEventListener('abort', stopByOwner);
  if (options.signal.aborted) stopByOwner();
  const signal = stopping.signal;

  const { clock, informers } = options;
  const shell = createCommandShell({ clock });
  const nft = createNftSession({ clock, directory: options.runDirectory ?? '/run/bayplan/network' });
  const zone = new ClusterZone({ domain: settings.clusterDomain, dnsAddress: settings.dnsAddress, source: zoneSourceOf(informers) });

  const prepared = retry(options, signal, 'Could not prepare the host network', async () => {
    await applySysctls(logger);
    await holdAddress(shell, settings.dnsAddress);
    await ensureServiceRoute(shell, settings.serviceCidr, settings.nodeIp, routeProtocol);
  });
  const pods = createInformer<Pod>({
    client: options.client,
    ref: resources.pods,
    fieldSelector: `spec.nodeName=${settings.nodeName}`,
    transform: pruneForHostPorts,
    clock,
    logger,
  });
  pods.start(signal);
  const proxy = runServiceProxy({ informers, pods, settings, nft, shell, clock, logger, metrics, signal });
  const dns = prepared.then(() => listen(options, settings, zone, metrics, signal));
  const routes = runNodeRoutes({ informers, nodeName: settings.nodeName, shell, clock, logger, signal });
  const ready = Promise.race([Promise.all([proxy.ready, dns]).then(() => undefined), rejectOnAbort(signal)]);
  // Whoever does not wait for it must not be brought down by its rejection at stop.
  ready.catch(() => undefined);
  ready.then(
    () => logger.info('Started network', { ...settings }),
    () => undefined,
  );

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping.abort(new Error('the network component was stopped'));
    stopped ??= finish();
    return stopped;
  };
  const finish = async (): Promise<void> => {
    options.signal.removeEventListener('abort', stopByOwner);
    await Promise.allSettled([proxy.done, routes]);
    const server = await dns.catch(() => undefined);
    await server?.close();
    await Promise.allSettled([nft.close(), shell.close()]);
  };
  signal.addEventListener('abort', () => void stop());
  if (signal.aborted) void stop();
  return { ready, stop };
}

async function listen(
  options: NetworkOptions,
  settings: NetworkSettings,
  zone: ClusterZone,
  metrics: NetworkMetrics,
  signal: AbortSignal,
): Promise<DnsServer> {
  const { clock, logger } = options;
  const servers = watchNameServers({ file: options.resolvConf ?? '/etc/resolv.conf', except: settings.dnsAddress, clock });
  const responder = new Responder({
    zone,
    forwarder: createForwarder({ servers, clock, random: systemRandom }),
    ownsAddress: (address) => contains(settings.clusterCidr, address) || contains(settings.serviceCidr, address),
    random: systemRandom,
  });
  return retry(options, signal, 'Could not listen for DNS questions', () =>
    startDnsServer({ responder, address: settings.dnsAddress, port: 53, clock, logger, metrics }),
  );
}

async function retry<T>(options: NetworkOptions, signal: AbortSignal, message: string, attempt: () => Promise<T>): Promise<T> {
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, maxRetryMs)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (err) {
      if (!signal.aborted) options.logger.warn(message, { err, retryMs: delayMs });
    }
    await options.clock.sleep(delayMs, signal);
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
