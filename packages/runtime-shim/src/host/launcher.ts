import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandOptions, CommandResult, OpenCommand, OpenOptions } from './host.ts';

const script = fileURLToPath(new URL('../../launcher/launcher.mjs', import.meta.url));
/** Keeps the idle launcher small; it never holds more than the output of a few commands. */
const nodeFlags = ['--max-old-space-size=64', '--max-semi-space-size=1', '--single-threaded'];
/** More parallel commands than this only add latency. */
const maxParallel = Math.max(4, os.availableParallelism() * 2);
/** Commands that live as long as a process in a container does mostly wait; this many processes are still no burden. */
const maxUnbounded = 512;

interface Reply {
  readonly id: number;
  readonly error?: string;
  readonly errno?: string;
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
  readonly timedOut?: boolean;
  readonly stdout?: Buffer;
  readonly stderr?: Buffer;
  readonly sync?: string;
}

/** The small long-lived process that spawns commands, started on first use and again if it dies. */
export class Launcher {
  #child: ChildProcess | undefined;
  #nextId = 1;
  #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  readonly #places = new Places(maxParallel);
  readonly #unboundedPlaces = new Places(maxUnbounded);
  readonly #socketFolder: string;

  /** `socketFolder`: an existing private folder for the sockets of open commands. */
  constructor(socketFolder: string) {
    this.#socketFolder = socketFolder;
  }

  async run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    options.signal?.throwIfAborted();
    const { signal, unbounded = false, ...rest } = options;
    const places = unbounded ? this.#unboundedPlaces : this.#places;
    await places.take();
    const id = this.#nextId++;
    const kill = (): void => this.#send({ id, kind: 'signal', signal: 'SIGKILL' });
    try {
      // It may have come while the command stood in line.
      signal?.throwIfAborted();
      signal?.addEventListener('abort', kill, { once: true });
      const defaults = { timeoutMs: 60_000, maxOutputBytes: 1024 * 1024 };
      const reply = await this.#request({ id, kind: 'run', command, args, ...defaults, ...rest });
      signal?.throwIfAborted();
      return {
        exitCode: exitCodeOf(reply),
        stdout: Buffer.from(reply.stdout ?? []),
        stderr: Buffer.from(reply.stderr ?? []),
        timedOut: reply.timedOut ?? false,
        sync: reply.sync ?? '',
      };
    } finally {
      signal?.removeEventListener('abort', kill);
      places.giveBack();
    }
  }

  async open(command: string, args: readonly string[], options: OpenOptions): Promise<OpenCommand> {
    const id = this.#nextId++;
    const wanted = [options.streams.stdin, options.streams.stdout, options.streams.stderr];
    const streams = [0, 1, 2].filter((index) => wanted[index]);
    const socketPath = path.join(this.#socketFolder, `io-${process.pid}-${id}`);
    const accepted = acceptStreams(socketPath, streams.length);
    await accepted.listening;
    const { env, cwd } = options;
    const ended = this.#request({ id, kind: 'open', command, args, env, cwd, socketPath, streams });
    // If the command cannot be started, its streams never come.
    ended.catch((error: unknown) => accepted.cancel(error));
    try {
      const sockets = await accepted.sockets;
      return {
        stdin: sockets.get(0),
        stdout: sockets.get(1),
        stderr: sockets.get(2),
        ended: ended.then(exitCodeOf, () => 255),
        kill: (signal) => this.#send({ id, kind: 'signal', signal }),
      };
    } finally {
      await rm(socketPath, { force: true });
    }
  }

  /** Ends the launcher; running commands are left to finish. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      if (child.connected) child.disconnect();
      else resolve();
    });
  }

  #process(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    const child = fork(script, [], {
      execArgv: nodeFlags,
      serialization: 'advanced',
      detached: true,
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message) => {
      const reply = message as Reply;
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiter?.resolve(reply);
      else waiter?.reject(Object.assign(new Error(`Cannot start the command: ${reply.error}`), { code: reply.errno }));
    });
    const lost = (): void => {
      if (this.#child === child) this.#child = undefined;
      for (const waiter of this.#waiting.values()) waiter.reject(new Error('The launcher process ended'));
      this.#waiting.clear();
    };
    child.once('exit', lost);
    child.once('error', lost);
    this.#child = child;
    return child;
  }

  #request(message: { readonly id: number } & Record<string, unknown>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#process().send(message, (error) => {
        if (error) reject(error);
      });
    });
  }

  #send(message: Record<string, unknown>): void {
    if (this.#child?.connected) this.#child.send(message);
  }
}

/** A bounded number of places, given in the order of asking. */
class Places {
  readonly #limit: number;
  readonly #queue: (() => void)[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async take(): Promise<void> {
    if (this.#taken >= this.#limit) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#taken += 1;
  }

  giveBack(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#taken -= 1;
  }
}

function exitCodeOf(reply: Reply): number {
  if (reply.signal) return 128 + os.constants.signals[reply.signal];
  return reply.code ?? 255;
}

/** Listens once for `count` connections, each naming its stream by one digit. */
function acceptStreams(socketPath: string, count: number) {
  const server = net.createServer({ allowHalfOpen: true });
  const found = new Map<number, net.Socket>();
  let cancel: (error: unknown) => void = () => undefined;
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  const sockets = new Promise<Map<number, net.Socket>>((resolve, reject) => {
    cancel = (error) => {
      server.close();
      for (const socket of found.values()) socket.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    if (count === 0) listening.then(() => (server.close(), resolve(found)), reject);
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('readable', () => {
        const digit = (socket.read(1) as Buffer | null)?.toString() ?? '';
        found.set(Number(digit), socket);
        if (found.size < count) return;
        server.close();
        resolve(found);
      });
    });
  });
  return { listening, sockets, cancel: (error: unknown) => cancel(error) };
}
