import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { resources } from '@bayplan/api';
import type { ContainerStatus, Pod } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createLogger, createMetricsRegistry, issueCertificate, silentLogger, systemClock } from '@bayplan/component-base';
import { createCriClient } from '@bayplan/rpc';
import type { CriClient } from '@bayplan/rpc';
import { loadImageArchive, cleanupAll, runShim } from '@bayplan/runtime-shim';
import type { Shim } from '@bayplan/runtime-shim';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import WebSocket from 'ws';
import { removeEverything, startNodeAgent } from '../../src/index.ts';
import type { NodeAgent } from '../../src/index.ts';
import { busyboxArchive } from './busybox-image.ts';

/** Why containers cannot be run here, or false. */
export const skipReason: string | false =
  process.platform !== 'linux' ? 'needs Linux' : process.getuid?.() !== 0 ? 'needs root to run containers' : false;

const logger = process.env['AGENT_LOG'] ? createLogger({ component: 'test', level: 'debug' }) : silentLogger;

const apiServerIdentity = { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] };

/** A real API server, a real runtime shim and a node agent, in one process, over folders of their own. */
export class ClusterFixture {
  readonly folder: string;
  readonly api: TestApiServer;
  readonly client: Client;
  readonly cri: CriClient;
  readonly #name: string;
  readonly #stopShim = new AbortController();
  readonly #shim: Shim;
  #stopAgent = new AbortController();
  agent: NodeAgent | undefined;

  private constructor(folder: string, api: TestApiServer, cri: CriClient, shim: Shim, stopShim: AbortController) {
    this.folder = folder;
    this.api = api;
    this.client = createClient(api.admin);
    this.cri = cri;
    this.#name = path.basename(folder);
    this.#shim = shim;
    this.#stopShim = stopShim;
  }

  static async start(podCidr: string): Promise<ClusterFixture> {
    const folder = await mkdtemp('/tmp/bayplan-agent-');
    const home = path.join(folder, 'home');
    const runRoot = path.join(folder, 'run');
    const socketPath = path.join(folder, 'cri.sock');
    await mkdir(path.join(folder, 'image'));
    await mkdir(home);
    const archive = await busyboxArchive(path.join(folder, 'image'), 'busybox:1.35');
    await loadImageArchive(home, archive, { runRoot });
    const stop = new AbortController();
    const shim = await runShim({ home, socketPath, runRoot, podCidr, clock: systemClock, logger, signal: stop.signal });
    const api = await startTestApiServer();
    const fixture = new ClusterFixture(folder, api, createCriClient(socketPath), shim, stop);
    try {
      // As the controllers would.
      await fixture.client.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
      await fixture.client.create(resources.configMaps, {
        metadata: { name: 'kube-root-ca.crt', namespace: 'default' },
        data: { 'ca.crt': api.caPem },
      });
      await fixture.startAgent();
    } catch (error) {
      await fixture.stop();
      throw error;
    }
    return fixture;
  }

  async startAgent(): Promise<void> {
    this.#stopAgent = new AbortController();
    const request = {
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      ipAddresses: ['127.0.0.1'],
      usages: ['server'] as const,
    };
    const pair = await issueCertificate(this.api.keys.ca, request, Date.now());
    this.agent = await startNodeAgent({
      nodeName: 'node-1',
      nodeIp: '127.0.0.1',
      client: createClient(this.api.as({ name: 'system:node:node-1', groups: ['system:nodes'] })),
      cri: this.cri,
      home: path.join(this.folder, 'agent'),
      podLogsDir: path.join(this.folder, 'logs'),
      port: 0,
      listenAddress: '127.0.0.1',
      certificates: { ...pair, clientCaPem: this.api.caPem },
      apiService: { host: '10.96.0.1', port: 443 },
      clusterDns: ['10.96.0.10'],
      cgroupRoot: `/${this.#name}`,
      clock: systemClock,
      logger,
      metrics: createMetricsRegistry({ processMetrics: false }),
      signal: this.#stopAgent.signal,
    });
  }

  async stopAgent(): Promise<void> {
    this.#stopAgent.abort(new Error('test'));
    await this.agent?.stopped;
  }

  async stop(): Promise<void> {
    await this.stopAgent();
    this.#stopShim.abort(new Error('test'));
    await this.#shim.stopped;
    this.cri.close();
    await cleanupAll(path.join(this.folder, 'home'), { runRoot: path.join(this.folder, 'run') });
    await removeEverything({
      home: path.join(this.folder, 'agent'),
      podLogsDir: path.join(this.folder, 'logs'),
      cgroupRoot: `/${this.#name}`,
      logger,
    });
    await this.api.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Creates a pod that is bound to the node already. */
  async createPod(name: string, spec: Partial<NonNullable<Pod['spec']>>, metadata: Partial<Pod['metadata']> = {}): Promise<Pod> {
    return this.client.create(resources.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', ...metadata },
      spec: { nodeName: 'node-1', restartPolicy: 'Always', terminationGracePeriodSeconds: 1, containers: [], ...spec },
    });
  }

  pod(name: string): Promise<Pod> {
    return this.client.get(resources.pods, { namespace: 'default', name });
  }

  /** Waits until the pod is as wanted, and returns it. */
  async until(name: string, wanted: (pod: Pod) => boolean, timeoutMs = 30_000): Promise<Pod> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const pod = await this.pod(name);
      if (wanted(pod)) return pod;
      if (Date.now() > deadline) throw new Error(`the pod did not become as wanted: ${JSON.stringify(pod.status, undefined, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async untilGone(name: string, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { items } = await this.client.list(resources.pods, { namespace: 'default' });
      if (!items.some((pod) => pod.metadata.name === name)) return;
      if (Date.now() > deadline) throw new Error('the pod was not removed');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Runs a command through the node API, over a WebSocket as kubectl does. */
  async exec(pod: string, container: string, command: readonly string[], stdin = ''): Promise<{ stdout: string; status: unknown }> {
    const pair = await issueCertificate(this.api.keys.ca, { ...apiServerIdentity, usages: ['client'] }, Date.now());
    const query = new URLSearchParams({ output: '1', error: '1', ...(stdin === '' ? {} : { input: '1' }) });
    for (const one of command) query.append('command', one);
    const url = `wss://127.0.0.1:${String(this.agent?.port)}/exec/default/${pod}/${container}?${query.toString()}`;
    const socket = new WebSocket(url, 'v5.channel.k8s.io', { cert: pair.certPem, key: pair.keyPem, ca: this.api.caPem });
    return new Promise((resolve, reject) => {
      let stdout = '';
      let status: unknown;
      socket.on('open', () => {
        if (stdin === '') return;
        socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(stdin)]));
        socket.send(Buffer.from([255, 0]));
      });
      socket.on('message', (data: Buffer) => {
        if (data[0] === 1) stdout += data.subarray(1).toString();
        if (data[0] === 3) status = JSON.parse(data.subarray(1).toString());
      });
      socket.on('close', () => resolve({ stdout, status }));
      socket.on('error', reject);
    });
  }

  async events(podName: string): Promise<string[]> {
    const { items } = await this.client.list(resources.events, { namespace: 'default' });
    return items
      .filter((event) => event.involvedObject.name === podName)
      .map((event) => `${event.type ?? ''} ${event.reason ?? ''} ${event.message ?? ''}`);
  }

  /** GETs from the node API as the API server does. */
  async nodeApi(
    pathAndQuery: string,
    identity: { commonName: string; organizations: string[] } | undefined = apiServerIdentity,
  ): Promise<{ status: number; body: string }> {
    const pair = await issueCertificate(this.api.keys.ca, { ...identity, usages: ['client'] }, Date.now());
    return new Promise((resolve, reject) => {
      const settings = { cert: pair.certPem, key: pair.keyPem, ca: this.api.caPem, agent: false };
      const request = https.get(`https://127.0.0.1:${String(this.agent?.port)}${pathAndQuery}`, settings, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      });
      request.on('error', reject);
    });
  }
}

export function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find((one) => one.name === container);
}

export function conditionOf(pod: Pod, type: string): string | undefined {
  return pod.status?.conditions?.find((one) => one.type === type)?.status;
}
