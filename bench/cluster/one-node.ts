import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, createRestTransport, loadKubeconfig } from '@bayplan/client';
import type { Client, Transport } from '@bayplan/client';

// Compiled to .cache/bench/cluster.
const command = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));

/** A real cluster of one node in a folder, on ports and behind a socket of its own. */
export interface OneNodeCluster {
  readonly home: string;
  /** Where the runtime keeps what need not survive a reboot. */
  readonly runFolder: string;
  /** `bayplan up --detach`: resolves when all of it answers. */
  up(...flags: string[]): Promise<void>;
  /** `bayplan down --purge`. */
  purge(): Promise<void>;
  connect(): Promise<{ client: Client; transport: Transport }>;
  /** Takes everything down and removes the folders. */
  remove(): Promise<void>;
}

/** Makes the folders only. Needs root, and that no other cluster runs on this machine. */
export async function createOneNodeCluster(): Promise<OneNodeCluster> {
  const home = await mkdtemp(path.join(tmpdir(), 'bayplan-bench-'));
  const runFolder = await mkdtemp('/run/bayplan-bench-');
  const socket = ['--cri-socket', path.join(runFolder, 'cri.sock')];
  const ports = ['--port', String(await freePort()), '--node-port', String(await freePort())];
  const purge = (): Promise<void> => bayplan(['down', '--purge', ...socket], home);
  return {
    home,
    runFolder,
    up: (...flags) => bayplan(['up', '--detach', ...ports, ...socket, ...flags], home),
    purge,
    async connect() {
      const transport = createRestTransport(await loadKubeconfig(path.join(home, 'kubeconfig')));
      return { transport, client: createClient(transport) };
    },
    async remove() {
      await purge();
      for (const folder of [home, runFolder]) await rm(folder, { recursive: true, force: true });
    },
  };
}

function bayplan(args: readonly string[], home: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], {
      env: { ...process.env, BAYPLAN_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`bayplan ${args.join(' ')} ended with ${String(code)}: ${text}`));
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '0.0.0.0', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
