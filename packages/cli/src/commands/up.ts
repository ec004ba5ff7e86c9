import type { ClusterKeys } from '@bayplan/apiserver';
import { createLogger, shutdownSignal, systemClock } from '@bayplan/component-base';
import type { Logger } from '@bayplan/component-base';
import path from 'node:path';
import type { ApiFlags } from '../api-flags.ts';
import { nodeProcessArgs } from '../cluster/node-process.ts';
import { startHollowCluster } from '../cluster/hollow.ts';
import { loadImage } from '../cluster/images.ts';
import { issueNodeCredentials, saveNodeCredentials } from '../cluster/node-credentials.ts';
import { clusterAdministrator, serverUrl, startServer } from '../cluster/server.ts';
import type { EtcdFlags } from '../cluster/open-store.ts';
import type { RunningServer } from '../cluster/server.ts';
import { supervise } from '../cluster/supervise.ts';
import { prepareHome } from '../home.ts';
import type { Home } from '../home.ts';
import { ensureNodePrerequisites, ensurePortFree } from '../host/prerequisites.ts';
import { recordProcess, refuseSecondInstance } from '../host/process-record.ts';
import type { Progress } from '../progress.ts';
import { buildQuickstartArchive, rollOutQuickstart, waitForNode } from '../quickstart/quickstart.ts';
import { firstAddress } from '../options.ts';

export interface UpOptions {
  readonly home: Home;
  readonly quickstart: boolean;
  /** Number of simulated nodes instead of this machine; undefined for the real one. */
  readonly hollow?: number | undefined;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly apiPort: number;
  readonly nodePort: number;
  readonly bindAddress: string;
  readonly tlsSans: readonly string[];
  readonly criSocket: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly api: ApiFlags;
  readonly maxPods: number;
  readonly etcd?: EtcdFlags | undefined;
  readonly bootstrapSecretFile?: string | undefined;
  readonly progress: Progress;
  /** Called once everything answers, with what to tell the person. */
  readonly onReady: (summary: string) => void;
}

/** Runs a whole cluster on this machine until it is told to stop. Containers outlive it; `bayplan down` removes them. */
export async function up(options: UpOptions): Promise<void> {
  const { home, progress } = options;
  await prepareHome(home);
  await refuseSecondInstance(home, ['up', 'server', 'agent', 'runtime-shim']);
  const forget = await recordProcess(home.run, 'up');
  const logger = createLogger({ component: 'bayplan', file: path.join(home.logs, 'server.log'), format: 'json' });
  const signal = shutdownSignal(logger);
  const inner = new AbortController();
  signal.addEventListener('abort', () => inner.abort(signal.reason), { once: true });
  const running: Promise<unknown>[] = [];
  const nodeStarts: Promise<{ stopped: Promise<void> }>[] = [];
  // The node's processes load while the control plane does; they try again until the API answers.
  const onKeys = (keys: ClusterKeys): void => {
    if (options.hollow !== undefined) return;
    const start = startNode(options, keys, logger, inner.signal);
    // Its failure is met below, once the control plane has started.
    start.catch(() => undefined);
    nodeStarts.push(start);
  };
  try {
    await checkMachine(options);
    progress.step('Starting the control plane');
    const { apiPort: port, nodeIp: advertiseAddress } = options;
    const server = await startServer({ ...options, port, advertiseAddress, onKeys, logger, signal: inner.signal });
    running.push(server.stopped);
    if (options.hollow !== undefined) nodeStarts.push(startHollowCluster(server, options.hollow, logger, inner.signal, progress));
    for (const { stopped } of await Promise.all(nodeStarts)) running.push(stopped);
    const lines = options.hollow === undefined ? await settleNode(options, server, inner.signal) : [`${options.hollow} simulated nodes`];
    progress.done();
    options.onReady(summaryOf(options, server, lines));
    await Promise.all(running);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    inner.abort(new Error('the cluster stops'));
    await Promise.allSettled([...running, ...nodeStarts.map(async (start) => (await start).stopped)]);
    await forget();
  }
  progress.note(options.hollow === undefined ? 'Stopped. Containers keep running until `npm run down`.' : 'Stopped.');
}

async function checkMachine(options: UpOptions): Promise<void> {
  if (options.hollow === undefined) {
    await ensureNodePrerequisites(options.progress, options.quickstart ? { busybox: 'busybox' } : {});
    await ensurePortFree(options.nodePort, '--node-port');
  }
  await ensurePortFree(options.apiPort, '--port', options.bindAddress);
}

/** Starts the agent's process with certificates from the cluster's CA; what it returns settles when the process has ended. */
async function startNode(options: UpOptions, keys: ClusterKeys, logger: Logger, signal: AbortSignal): Promise<{ stopped: Promise<void> }> {
  const credentials = await issueNodeCredentials(keys, options.nodeName, options.nodeIp, systemClock.now());
  await saveNodeCredentials(options.home, credentials);
  const args = nodeProcessArgs('agent', {
    home: options.home.dir,
    server: serverUrl(options.bindAddress, options.apiPort),
    'node-name': options.nodeName,
    'node-ip': options.nodeIp,
    'node-port': String(options.nodePort),
    'cri-socket': options.criSocket,
    'pod-cidr': options.podCidr,
    'service-cidr': options.serviceCidr,
    'cluster-dns': options.clusterDns,
    'cluster-domain': options.clusterDomain,
    'max-pods': String(options.maxPods),
  });
  return { stopped: supervise({ role: 'agent', args, logger, signal, graceMs: 15_000 }) };
}

/** Waits for the node, then for the quickstart. Resolves with lines for the summary. */
async function settleNode(options: UpOptions, server: RunningServer, signal: AbortSignal): Promise<string[]> {
  const { progress } = options;
  const startMs = systemClock.now();
  const client = server.client(clusterAdministrator);
  progress.step(`Waiting for node ${options.nodeName} to be Ready`);
  const [archive] = await Promise.all([
    options.quickstart ? buildQuickstartArchive(options.home) : undefined,
    waitForNode(client, options.nodeName, startMs, signal),
  ]);
  if (archive === undefined) return [];
  progress.step('Loading the quickstart image');
  await loadImage(options.home, options.criSocket, archive);
  return rollOutQuickstart(client, options.clusterDomain, progress, signal);
}

function summaryOf(options: UpOptions, server: RunningServer, lines: readonly string[]): string {
  const node = options.hollow === undefined ? [`  node        ${options.nodeName} (${options.nodeIp})`] : [];
  return [
    'Bayplan runs:',
    `  API server  ${server.url} (in the cluster: https://${firstAddress(options.serviceCidr)}:443)`,
    ...node,
    ...lines.map((line) => `  ${line}`),
    `  kubeconfig  ${options.home.kubeconfig}`,
    '',
    `Try it: export KUBECONFIG=${options.home.kubeconfig}; kubectl get pods -A`,
    'Stop it: npm run down',
  ].join('\n');
}
