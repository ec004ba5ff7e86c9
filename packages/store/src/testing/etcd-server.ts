import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const binary = '/usr/bin/etcd';

/** Why tests with etcd cannot run here; undefined when they can. */
export const etcdMissing: string | undefined = existsSync(binary) ? undefined : `${binary} is missing (Debian: etcd-server)`;

/** A real etcd server with data in a temporary folder. */
export interface EtcdServer {
  readonly endpoint: string;
  readonly pid: number;
  /** Starts it again with the same data and ports. */
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Stops it and removes its data. */
  dispose(): Promise<void>;
}

/** Starts a server on free ports with `args` added to its flags; resolves when it is healthy. */
export async function startEtcd(args: readonly string[] = []): Promise<EtcdServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-etcd-'));
  const [clientPort, peerPort] = await Promise.all([freePort(), freePort()]);
  const endpoint = `http://127.0.0.1:${String(clientPort)}`;
  const peer = `http://127.0.0.1:${String(peerPort)}`;
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    child = spawn(
      binary,
      [
        '--name',
        'one',
        '--data-dir',
        path.join(directory, 'data'),
        '--listen-client-urls',
        endpoint,
        '--advertise-client-urls',
        endpoint,
        '--listen-peer-urls',
        peer,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        `one=${peer}`,
        '--logger',
        'zap',
        '--log-level',
        'error',
        ...args,
      ],
      { stdio: 'ignore' },
    );
    for (let tries = 0; ; tries += 1) {
      try {
        const response = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(1000) });
        if (response.ok && (await response.text()).includes('"true"')) return;
      } catch (error) {
        if (tries > 200 || child.exitCode !== null) throw new Error('etcd did not start', { cause: error });
      }
      await sleep(50);
    }
  };
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await exited;
  };
  await start();
  return {
    endpoint,
    get pid() {
      return child?.pid ?? 0;
    },
    start,
    kill,
    async dispose() {
      await kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
