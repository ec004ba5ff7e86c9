import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { NetworkCommand } from './network-process.ts';

export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a command to its end; never rejects. */
export function run(command: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const [program = '', ...parameters] = command;
    const child = execFile(program, parameters, { timeout: options.timeoutMs ?? 10_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, output: stdout + stderr }),
    );
    // It may end without reading.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

async function must(command: string): Promise<string> {
  const { code, output } = await run(command.split(' '));
  if (code !== 0) throw new Error(`${command}: ${output}`);
  return output;
}

/** A machine with an outside client and pods on routed links, each a network namespace with a name of its own. */
export class Machine {
  readonly nodeIp = '192.168.77.2';
  readonly clientIp = '192.168.77.3';
  readonly #prefix = `bpt${process.pid}`;
  readonly #namespaces: string[] = [];
  readonly #processes: ChildProcess[] = [];
  #directory = '';
  #log = '';
  #network: ChildProcess | undefined;
  #answers: ((message: { ready?: boolean; done?: boolean; error?: string }) => void)[] = [];

  in(name: string, command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', `${this.#prefix}${name}`, ...command];
  }

  async start(): Promise<void> {
    this.#directory = await mkdtemp(path.join(tmpdir(), 'bayplan-network-'));
    await this.#addNamespace('host');
    await this.#addNamespace('client');
    await must(`ip -n ${this.#prefix}host link add eth0 type veth peer name eth0 netns ${this.#prefix}client`);
    for (const [name, address] of [
      ['host', this.nodeIp],
      ['client', this.clientIp],
    ] as const) {
      await must(`ip -n ${this.#prefix}${name} address add ${address}/24 dev eth0`);
      await must(`ip -n ${this.#prefix}${name} link set eth0 up`);
    }
  }

  /** A pod as pod-network makes it: one address, everything through 169.254.1.1. */
  async addPod(name: string, address: string): Promise<void> {
    await this.#addNamespace(name);
    const [host, pod] = [`${this.#prefix}host`, `${this.#prefix}${name}`];
    await must(`ip -n ${host} link add bp${name} type veth peer name eth0 netns ${pod}`);
    await must(`ip -n ${host} link set bp${name} up`);
    await must(`ip -n ${host} route add ${address}/32 dev bp${name}`);
    const mac = /link\/ether (\S+)/.exec(await must(`ip -n ${host} link show bp${name}`))?.[1] ?? '';
    await must(`ip -n ${pod} link set eth0 up`);
    await must(`ip -n ${pod} address add ${address}/32 dev eth0`);
    await must(`ip -n ${pod} route add 169.254.1.1 dev eth0 scope link`);
    await must(`ip -n ${pod} neighbor add 169.254.1.1 lladdr ${mac} dev eth0`);
    await must(`ip -n ${pod} route add default via 169.254.1.1`);
  }

  /** Answers every connection with the server's name and the client's address. */
  serve(name: string, protocol: 'tcp' | 'udp', port: number): void {
    const listen = protocol === 'tcp' ? `TCP-LISTEN:${port},fork,reuseaddr` : `UDP-RECVFROM:${port},fork`;
    const [program = '', ...parameters] = this.in(name, [
      'socat',
      listen,
      `SYSTEM:${protocol === 'udp' ? 'read question; ' : ''}echo ${name} $SOCAT_PEERADDR`,
    ]);
    this.#processes.push(spawn(program, parameters, { stdio: 'ignore', detached: true }));
  }

  async ask(from: string, protocol: 'tcp' | 'udp', address: string, port: number, options: { sourcePort?: number } = {}): Promise<string> {
    const source = options.sourcePort === undefined ? '' : `,sourceport=${options.sourcePort},reuseaddr`;
    const target = protocol === 'tcp' ? `TCP:${address}:${port},connect-timeout=2` : `UDP:${address}:${port}${source}`;
    const { code, output } = await run(this.in(from, ['socat', '-T1', '-', target]), protocol === 'udp' ? { input: 'hello\n' } : {});
    const said = output.trim();
    if (code === 0 && said !== '') return said;
    return /refused/.test(said) ? 'refused' : /timed out/.test(said) || said === '' ? 'timeout' : said;
  }

  async startNetwork(resolvConf = ''): Promise<void> {
    const file = path.join(this.#directory, 'resolv.conf');
    await writeFile(file, resolvConf);
    const register = path.join(import.meta.dirname, 'typescript-register.mjs');
    const script = path.join(import.meta.dirname, 'network-process.ts');
    const [program = '', ...parameters] = this.in('host', [
      'node',
      '--conditions=source',
      '--import',
      register,
      script,
      this.nodeIp,
      file,
      path.join(this.#directory, 'run'),
    ]);
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#network = child;
    child.stderr.on('data', (chunk) => (this.#log = (this.#log + String(chunk)).slice(-4000)));
    child.on('exit', () => this.#answers.splice(0).forEach((answer) => answer({ error: `the network process ended: ${this.#log}` })));
    createInterface({ input: child.stdout }).on('line', (line) => this.#answers.shift()?.(JSON.parse(line) as object));
    await this.#answer();
  }

  async tell(command: NetworkCommand): Promise<void> {
    this.#network?.stdin?.write(`${JSON.stringify(command)}\n`);
    await this.#answer();
  }

  async close(): Promise<void> {
    const network = this.#network;
    if (network !== undefined && network.exitCode === null) {
      const ended = new Promise((resolve) => network.once('exit', resolve));
      network.stdin?.end();
      await ended;
    }
    for (const child of this.#processes) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    for (const name of this.#namespaces) await run(['ip', 'netns', 'del', name]);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer: ${this.#log}`)), 20_000);
      this.#answers.push((message) => {
        clearTimeout(timer);
        if (message.error === undefined) resolve();
        else reject(new Error(message.error));
      });
    });
  }

  async #addNamespace(name: string): Promise<void> {
    await must(`ip netns add ${this.#prefix}${name}`);
    this.#namespaces.push(`${this.#prefix}${name}`);
    await must(`ip -n ${this.#prefix}${name} link set lo up`);
  }
}
