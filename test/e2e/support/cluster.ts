import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { kubectlPath, runCommand } from './clients.ts';
import type { ClientVersion, CommandResult } from './clients.ts';

export const bayplan = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));

/** A cluster of the real command in a folder of its own. */
export interface TestCluster {
  readonly home: string;
  readonly kubeconfig: string;
  up(...flags: string[]): Promise<CommandResult>;
  down(...flags: string[]): Promise<CommandResult>;
  bayplan(...args: string[]): Promise<CommandResult>;
  /** Runs kubectl; rejects with all its output when it fails. */
  kubectl(args: readonly string[], options?: { version?: ClientVersion; input?: string; timeoutMs?: number }): Promise<string>;
  /** The same, for calls that may fail. */
  tryKubectl(args: readonly string[], options?: { version?: ClientVersion; input?: string; timeoutMs?: number }): Promise<CommandResult>;
  /** Kills every process of the control plane and the node agent at once, as a power cut would. */
  killAll(): Promise<number[]>;
  /** Takes the cluster down and removes its folder. */
  remove(): Promise<void>;
}

export async function createTestCluster(flags: readonly string[] = []): Promise<TestCluster> {
  const home = await mkdtemp(path.join(tmpdir(), 'bayplan-e2e-'));
  const kubeconfig = path.join(home, 'kubeconfig');
  const env = { ...process.env, BAYPLAN_HOME: home, KUBECONFIG: kubeconfig };
  const run = (args: readonly string[], timeoutMs = 300_000): Promise<CommandResult> =>
    runCommand(process.execPath, [bayplan, ...args], { env, timeoutMs });
  const tryKubectl: TestCluster['tryKubectl'] = (args, options = {}) =>
    runCommand(kubectlPath(options.version ?? '1.33'), ['--cache-dir', path.join(home, 'kubectl-cache'), ...args], {
      env,
      timeoutMs: options.timeoutMs ?? 60_000,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  return {
    home,
    kubeconfig,
    bayplan: (...args) => run(args),
    up: (...more) => run(['up', '--detach', ...flags, ...more]),
    down: (...more) => run(['down', ...more]),
    tryKubectl,
    async kubectl(args, options) {
      const result = await tryKubectl(args, options);
      if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')} exited with ${result.code}\n${result.stderr}\n${result.stdout}`);
      return result.stdout;
    },
    async killAll() {
      const pids: number[] = [];
      for (const role of ['up', 'server', 'agent', 'runtime-shim']) {
        const record = await readFile(path.join(home, 'run', `${role}.json`), 'utf8').catch(() => undefined);
        if (record !== undefined) pids.push((JSON.parse(record) as { pid: number }).pid);
      }
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return pids;
    },
    async remove() {
      const { code, stderr } = await run(['down', '--purge']);
      if (code !== 0) throw new Error(`down failed: ${stderr}`);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What is in the kernel that a cluster could have left behind. */
export async function kernelState(): Promise<Record<string, string[]>> {
  const lines = async (file: string, args: string[]): Promise<string[]> =>
    (await runCommand(file, args)).stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => mount !== '');
  const links = (await lines('ip', ['-o', 'link'])).map((line) => line.split(':')[1]?.trim() ?? '');
  return {
    mounts: mounts.sort(),
    links: links.sort(),
    namespaces: await lines('ip', ['netns', 'list']),
    addresses: (await lines('ip', ['-o', 'addr', 'show', 'dev', 'lo'])).map((line) => line.split(/\s+/)[3] ?? ''),
    routes: await lines('ip', ['route']),
    tables: await lines('nft', ['list', 'tables']),
    cgroups: (await lines('find', ['/sys/fs/cgroup', '-type', 'd'])).filter((dir) => dir.includes('/kubepods')),
  };
}

/** What has come since `before`: empty when nothing was left behind. */
export async function leftSince(before: Awaited<ReturnType<typeof kernelState>>): Promise<string[]> {
  const after = await kernelState();
  return Object.entries(after).flatMap(([kind, names]) => {
    const known = new Set(before[kind]);
    return names.filter((name) => !known.has(name)).map((name) => `${kind}: ${name}`);
  });
}

/** A `bayplan` process in the foreground, such as `server` or `agent`. */
export interface RunningCommand {
  readonly pid: number;
  output(): string;
  /** SIGTERM, and resolves with the exit code; undefined when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | undefined>;
}

export function startBayplan(args: readonly string[], home: string): RunningCommand {
  const child = spawn(process.execPath, [bayplan, ...args], {
    env: { ...process.env, BAYPLAN_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<number | undefined>((resolve) => child.once('exit', (code) => resolve(code ?? undefined)));
  return {
    pid: child.pid ?? -1,
    output: () => text,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Repeats `check` until it does not throw. */
export async function eventually<T>(check: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
