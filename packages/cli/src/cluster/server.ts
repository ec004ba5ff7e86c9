import { ConfigError, createApiServer, loadOrCreateClusterKeys } from '@bayplan/apiserver';
import type { ApiServer, ClusterKeys, Identity } from '@bayplan/apiserver';
import { createClient, createInformerFactory } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createMetricsRegistry, issueCertificate, systemClock, systemRandom } from '@bayplan/component-base';
import type { Logger } from '@bayplan/component-base';
import { cachedForm, startControllers } from '@bayplan/controllers';
import { publishDnsService } from '@bayplan/network';
import { startScheduler } from '@bayplan/scheduler';
import type { Store } from '@bayplan/store';
import { randomBytes } from 'node:crypto';
import { apiOptions } from '../api-flags.ts';
import type { ApiFlags } from '../api-flags.ts';
import { readIfPresent, writeSecretFile } from '../home.ts';
import type { Home } from '../home.ts';
import { kubeconfigYaml } from '../kubeconfig.ts';
import { UserError } from '../user-error.ts';
import { LoopHealth } from './loop-health.ts';
import { openStore, storeFault } from './open-store.ts';
import type { EtcdFlags } from './open-store.ts';

export interface ServerOptions {
  readonly home: Home;
  readonly port: number;
  readonly bindAddress: string;
  readonly advertiseAddress: string;
  readonly tlsSans: readonly string[];
  readonly etcd?: EtcdFlags | undefined;
  readonly bootstrapSecretFile?: string | undefined;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly api: ApiFlags;
  /** Called as soon as the cluster's keys are known, before the API answers. */
  readonly onKeys?: (keys: ClusterKeys) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Who `bayplan` itself acts as inside the cluster. */
export const clusterAdministrator: Identity = { name: 'kubernetes-admin', groups: ['system:masters'] };

/** The control plane of one machine: API server, controllers and scheduler on one store. */
export interface RunningServer {
  readonly url: string;
  readonly caPem: string;
  readonly keys: ClusterKeys;
  /** A client inside this process, acting as `identity`. */
  client(identity: Identity): Client;
  /** Resolves when everything has stopped, after the signal aborted. */
  readonly stopped: Promise<void>;
}

const administrator = { commonName: 'kubernetes-admin', organizations: ['system:masters'] } as const;

/** Where this machine reaches an API server that listens on `bindAddress`. */
export function serverUrl(bindAddress: string, port: number): string {
  return `https://${bindAddress === '0.0.0.0' ? '127.0.0.1' : bindAddress}:${port}`;
}

/** Starts the control plane. Resolves when the API answers. Rejects with a `UserError` where the person can mend it. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { home, logger, signal } = options;
  const store = await openStore(options).catch((error: unknown) => {
    throw storeFault(error);
  });
  let api: ApiServer | undefined;
  try {
    const keys = await loadOrCreateClusterKeys(store, await bootstrapSecret(options));
    options.onKeys?.(keys);
    const metrics = createMetricsRegistry();
    const loops = { controllers: new LoopHealth('controller-manager'), scheduler: new LoopHealth('scheduler') };
    api = await createApiServer({
      ...apiOptions(options.api),
      store,
      keys,
      port: options.port,
      bindAddress: options.bindAddress,
      advertiseAddress: options.advertiseAddress,
      serviceCidr: options.serviceCidr,
      clusterDomain: options.clusterDomain,
      tlsSans: options.tlsSans,
      components: [loops.controllers, loops.scheduler],
      clock: systemClock,
      logger: logger.with({ component: 'apiserver' }),
      metrics,
    });
    const server = api;
    const client = (identity: Identity): Client => createClient(server.loopback(identity));
    const { port } = await server.listen();
    const url = serverUrl(options.bindAddress, port);
    await writeKubeconfig(home, url, keys);
    await publishDnsService({ client: client(clusterAdministrator), dnsAddress: options.clusterDns });
    const parts = startControlLoops(options, keys, client, metrics, loops);
    return { url, caPem: server.caPem, keys, client, stopped: stopInOrder(signal, parts, server, store) };
  } catch (error) {
    await api?.close();
    await store.close();
    throw error instanceof ConfigError ? new UserError(error.message, undefined) : error;
  }
}

type Metrics = ReturnType<typeof createMetricsRegistry>;

function startControlLoops(
  options: ServerOptions,
  keys: ClusterKeys,
  client: (identity: Identity) => Client,
  metrics: Metrics,
  loops: { readonly controllers: LoopHealth; readonly scheduler: LoopHealth },
): Promise<void>[] {
  const { logger, signal } = options;
  const shared = { clock: systemClock, random: systemRandom, signal };
  const controllersLogger = logger.with({ component: 'controllers' });
  const controllersClient = client({ name: 'system:kube-controller-manager' });
  const controllersInformers = createInformerFactory({
    client: controllersClient,
    transform: cachedForm,
    clock: systemClock,
    logger: controllersLogger,
  });
  const controllers = startControllers({
    ...shared,
    client,
    informers: controllersInformers,
    logger: controllersLogger,
    metrics,
    ca: keys.ca,
    clusterCidr: options.podCidr,
    nodeCidrMaskSize: 22,
    // The embedded store has one server: electing a leader would only cost writes.
    leaderElection: options.etcd !== undefined,
  });
  const schedulerLogger = logger.with({ component: 'scheduler' });
  const schedulerClient = client({ name: 'system:kube-scheduler' });
  const schedulerInformers = createInformerFactory({ client: schedulerClient, clock: systemClock, logger: schedulerLogger });
  const scheduler = startScheduler({ ...shared, client: schedulerClient, informers: schedulerInformers, logger: schedulerLogger, metrics });
  loops.controllers.follow(controllers);
  loops.scheduler.follow(scheduler);
  controllersInformers.start(signal);
  schedulerInformers.start(signal);
  return [controllers.stopped, scheduler.stopped];
}

async function stopInOrder(signal: AbortSignal, parts: readonly Promise<void>[], api: ApiServer, store: Store): Promise<void> {
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await Promise.allSettled(parts);
  await api.close();
  await store.close();
}

/** The secret in the file of the flag, else in the home folder, where it is made on first use. */
async function bootstrapSecret(options: ServerOptions): Promise<string> {
  const file = options.bootstrapSecretFile ?? options.home.bootstrapSecret;
  const present = (await readIfPresent(file))?.trim();
  if (present) return present;
  if (options.bootstrapSecretFile !== undefined)
    throw new UserError(`${file} is missing or empty`, 'copy the bootstrap secret of the first server there');
  const secret = randomBytes(32).toString('base64url');
  await writeSecretFile(file, `${secret}\n`);
  return secret;
}

/** A fresh administrator certificate at every start: one year is longer than any run between restarts. */
async function writeKubeconfig(home: Home, url: string, keys: ClusterKeys): Promise<void> {
  const { certPem, keyPem } = await issueCertificate(keys.ca, { ...administrator, usages: ['client'] }, systemClock.now());
  const text = kubeconfigYaml({ server: url, caPem: keys.ca.certPem, user: administrator.commonName, certPem, keyPem });
  await writeSecretFile(home.kubeconfig, text);
}
