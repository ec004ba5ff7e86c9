import { createClient, createInformerFactory, createRestTransport, dropManagedFields } from '@bayplan/client';
import { createMetricsRegistry, systemClock } from '@bayplan/component-base';
import type { Logger } from '@bayplan/component-base';
import { startNetwork } from '@bayplan/network';
import { startNodeAgent } from '@bayplan/nodeagent';
import { createCriClient } from '@bayplan/rpc';
import type { CriClient } from '@bayplan/rpc';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '../home.ts';
import { firstAddress } from '../options.ts';
import { UserError } from '../user-error.ts';
import type { NodeCredentials } from './node-credentials.ts';
import { supervise } from './supervise.ts';

export interface AgentOptions {
  readonly home: Home;
  readonly servers: readonly string[];
  readonly nodeName: string;
  readonly nodeIp: string;
  /** Of the node API. */
  readonly port: number;
  readonly credentials: NodeCredentials;
  readonly criSocket: string;
  /** False when another runtime (containerd, CRI-O) listens on the socket already. */
  readonly runShim: boolean;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly maxPods: number;
  /** Arguments of Node.js that start `bayplan shim` for this home and socket. */
  readonly shimArgs: readonly string[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** How long the runtime may take to answer after its process was started. */
const runtimeDeadlineMs = 30_000;
const runtimePollMs = 25;

/** Runs the node agent, the network component and the supervised runtime shim until the signal aborts. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { credentials, logger, signal } = options;
  const inner = new AbortController();
  const stopInner = (): void => inner.abort(signal.reason);
  signal.addEventListener('abort', stopInner, { once: true });
  // The runtime outlives the agent's own parts, which still call it while they stop.
  const shim = options.runShim
    ? supervise({ role: 'runtime-shim', args: options.shimArgs, logger, signal: inner.signal })
    : Promise.resolve();
  const cri = createCriClient(options.criSocket);
  try {
    const transport = createRestTransport({
      server: options.servers,
      caPem: credentials.caPem,
      certPem: credentials.client.certPem,
      keyPem: credentials.client.keyPem,
      userAgent: 'bayplan-agent',
    });
    const client = createClient(transport);
    const informers = createInformerFactory({ client, transform: dropManagedFields, clock: systemClock, logger });
    const metrics = createMetricsRegistry();
    // Rules and caches fill while the runtime's process starts.
    const network = startNetwork({
      client,
      informers,
      nodeName: options.nodeName,
      nodeIp: options.nodeIp,
      clusterCidr: options.clusterCidr,
      serviceCidr: options.serviceCidr,
      dnsAddress: options.clusterDns,
      clusterDomain: options.clusterDomain,
      clock: systemClock,
      logger: logger.with({ component: 'network' }),
      runDirectory: path.join(path.dirname(options.criSocket), 'network'),
      registry: metrics,
      signal: inner.signal,
    });
    informers.start(inner.signal);
    await runtimeReady(cri, options.criSocket, signal);
    const agent = await startNodeAgent({
      nodeName: options.nodeName,
      nodeIp: options.nodeIp,
      client,
      informers,
      cri,
      home: options.home.agent,
      port: options.port,
      certificates: { ...credentials.serving, clientCaPem: credentials.caPem },
      apiService: { host: firstAddress(options.serviceCidr), port: 443 },
      clusterDns: [options.clusterDns],
      clusterDomain: options.clusterDomain,
      maxPods: options.maxPods,
      clock: systemClock,
      logger: logger.with({ component: 'nodeagent' }),
      metrics,
      signal,
    });
    await agent.stopped;
    await network.stop();
    await transport.close();
  } finally {
    inner.abort(new Error('the agent stopped'));
    await shim;
  }
}

async function runtimeReady(cri: CriClient, socket: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + runtimeDeadlineMs;
  let fault = 'nothing listens there';
  for (;;) {
    try {
      // A gRPC channel that failed once waits longer each time; the socket itself can be asked often.
      if (await accepts(socket)) {
        await cri.runtime.version({}, { deadlineMs: 2_000, signal });
        return;
      }
    } catch (error) {
      signal.throwIfAborted();
      fault = (error as Error).message;
    }
    if (performance.now() > deadlineMs)
      throw new UserError(`the container runtime on ${socket} does not answer (${fault})`, 'look into its log');
    await sleep(runtimePollMs, undefined, { signal });
  }
}

/** Whether something listens on a unix socket. */
function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect({ path: socket })
      .once('connect', () => {
        connection.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
}
