import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { silentLogger, systemClock, createLogger } from '@bayplan/component-base';
import { createCriClient } from '@bayplan/rpc';
import type { ContainerConfig, CriClient, Draft, PodSandboxConfig } from '@bayplan/rpc';
import { cleanupAll, runShim } from '../../src/index.ts';
import type { Shim, ShimOptions } from '../../src/index.ts';

/** Why containers cannot be run here, or false. */
export const skipReason: string | false =
  process.platform !== 'linux' ? 'needs Linux' : process.getuid?.() !== 0 ? 'needs root to run containers' : false;

/** A shim over a folder of its own, for tests; `stop` and `start` it again as often as needed. */
export interface ShimFixture {
  readonly folder: string;
  readonly home: string;
  readonly runRoot: string;
  readonly logs: string;
  client: CriClient;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Removes everything, containers too. */
  destroy(): Promise<void>;
  runPod(name: string, config?: Draft<PodSandboxConfig>): Promise<{ id: string; config: Draft<PodSandboxConfig> }>;
  runContainer(pod: { id: string; config: Draft<PodSandboxConfig> }, config: Draft<ContainerConfig>): Promise<string>;
  waitExited(id: string): Promise<number>;
  log(pod: string, container: string): Promise<string>;
}

export async function createShimFixture(podCidr: string, extra: Partial<ShimOptions> = {}): Promise<ShimFixture> {
  const folder = await mkdtemp('/tmp/bayplan-shim-');
  const home = path.join(folder, 'home');
  const runRoot = path.join(folder, 'run');
  const socketPath = path.join(folder, 'cri.sock');
  const logs = path.join(folder, 'logs');
  await mkdir(home);
  let shim: Shim | undefined;
  let abort = new AbortController();
  const fixture: ShimFixture = {
    folder,
    home,
    runRoot,
    logs,
    client: createCriClient(socketPath),
    async start() {
      abort = new AbortController();
      const logger = process.env['SHIM_LOG'] ? createLogger({ component: 'shim', level: 'debug' }) : silentLogger;
      shim = await runShim({ home, socketPath, runRoot, podCidr, clock: systemClock, logger, signal: abort.signal, ...extra });
      await fixture.client.ready(5_000);
    },
    async stop() {
      abort.abort();
      await shim?.stopped;
    },
    async destroy() {
      await fixture.stop();
      fixture.client.close();
      await cleanupAll(home, { runRoot, cgroupRoots: [`/bayplan-test-${path.basename(folder)}`] });
      await rm(folder, { recursive: true, force: true });
    },
    async runPod(name, config = {}) {
      const full: Draft<PodSandboxConfig> = {
        metadata: { name, namespace: 'default', uid: `uid-${name}`, attempt: 0 },
        hostname: name,
        logDirectory: path.join(logs, name),
        dnsConfig: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] },
        linux: { cgroupParent: `/bayplan-test-${path.basename(folder)}/${name}` },
        ...config,
      };
      const { podSandboxId } = await fixture.client.runtime.runPodSandbox({ config: full });
      return { id: podSandboxId, config: full };
    },
    async runContainer(pod, config) {
      const full = {
        image: { image: 'busybox' },
        metadata: { name: 'main', attempt: 0 },
        logPath: `${config.metadata?.name ?? 'main'}/0.log`,
        ...config,
      };
      const { containerId } = await fixture.client.runtime.createContainer({
        podSandboxId: pod.id,
        config: full,
        sandboxConfig: pod.config,
      });
      await fixture.client.runtime.startContainer({ containerId });
      return containerId;
    },
    async waitExited(id) {
      for (let tries = 0; tries < 500; tries += 1) {
        const { status } = await fixture.client.runtime.containerStatus({ containerId: id });
        if (status?.state === 'CONTAINER_EXITED') return status.exitCode;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`Container ${id} did not exit`);
    },
    log: (pod, container) => readFile(path.join(logs, pod, container, '0.log'), 'utf8'),
  };
  return fixture;
}
