import { rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import type { ExecRequest } from '@bayplan/rpc';
import type { CommandEnd, RemoteCommand } from '@bayplan/streaming';
import { execArguments, notedPid } from '../verbs/exec-sync.ts';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord } from '../state/records.ts';

/** What is kept of a failing runtime's complaint. */
const maxComplaintBytes = 4096;
/** Starting a command takes a fraction of a second; two are waited for its process id. */
const killTries = 40;
const killPauseMs = 50;

/** Runs a command in a container for a client; resolves with how it ended. */
export async function runExec(runtime: Runtime, record: ContainerRecord, request: ExecRequest, client: RemoteCommand): Promise<CommandEnd> {
  const { args, pidFile } = execArguments(runtime, record, request.cmd, request.tty);
  const killed = (): void => void killNoted(runtime, pidFile);
  client.closed.addEventListener('abort', killed, { once: true });
  try {
    if (client.closed.aborted) return { error: 'The client went away' };
    return request.tty ? await runInTerminal(record, args, pidFile, client) : await runPlain(runtime, record, args, pidFile, client);
  } finally {
    client.closed.removeEventListener('abort', killed);
    await rm(pidFile, { force: true });
  }
}

/** A client that went away takes its command with it, also one that is only just being started. */
async function killNoted(runtime: Runtime, pidFile: string): Promise<void> {
  for (let tries = 0; tries < killTries; tries += 1) {
    const pid = await notedPid(pidFile);
    if (pid !== undefined) {
      runtime.host.signal(pid, 'SIGKILL');
      return;
    }
    await runtime.clock.sleep(killPauseMs);
  }
}

async function runPlain(
  runtime: Runtime,
  record: ContainerRecord,
  args: string[],
  pidFile: string,
  client: RemoteCommand,
): Promise<CommandEnd> {
  const streams = { stdin: client.stdin !== undefined, stdout: true, stderr: true };
  const command = await runtime.host.open(record.runtime, args, { streams });
  let complaint = '';
  command.stderr?.on('data', (chunk: Buffer) => {
    if (complaint.length < maxComplaintBytes) complaint += chunk.toString();
  });
  if (client.stdin && command.stdin) client.stdin.pipe(command.stdin);
  const outputs = [passOn(command.stdout, client.stdout), passOn(command.stderr, client.stderr)];
  const exitCode = await command.ended;
  await Promise.all(outputs);
  if (exitCode !== 0 && (await notedPid(pidFile)) === undefined) return { error: `Cannot run the command: ${complaint.trim()}` };
  return { exitCode };
}

/** Copies until the source ends; the target stays open, and its loss does not stop the source. */
async function passOn(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined) return;
  if (to === undefined || to.destroyed) from.resume();
  else {
    from.pipe(to, { end: false });
    to.once('close', () => {
      from.unpipe(to);
      from.resume();
    });
  }
  // A broken pipe ends the copy like its end does; the exit code tells what happened.
  await finished(from, { writable: false }).catch(() => undefined);
}

/**
 * Terminals need a pseudo-terminal, which Node.js cannot make: the module that can is loaded on
 * first use. It forks this process, which is small enough for the few terminals there are.
 */
async function runInTerminal(record: ContainerRecord, args: string[], pidFile: string, client: RemoteCommand): Promise<CommandEnd> {
  const { spawn } = await import('@lydell/node-pty');
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' };
  const terminal = spawn(record.runtime, args, { cwd: '/', env, encoding: null, cols: 80, rows: 24 });
  let complaint = '';
  const resume = (): void => terminal.resume();
  terminal.onData((data: string | Buffer) => {
    const chunk = Buffer.from(data as Buffer);
    if (complaint.length < maxComplaintBytes) complaint += chunk.toString();
    if (client.stdout?.destroyed === false && !client.stdout.write(chunk)) {
      terminal.pause();
      client.stdout.once('drain', resume);
    }
  });
  let running = true;
  terminal.onExit(() => (running = false));
  client.onResize(({ width, height }) => {
    // The terminal is gone with its process, and resizing what is gone throws.
    if (running) terminal.resize(width, height);
  });
  // The module takes strings: a character split between two messages must stay whole.
  const decoder = new StringDecoder('utf8');
  client.stdin?.on('data', (chunk: Buffer) => {
    if (running) terminal.write(decoder.write(chunk));
  });
  client.closed.addEventListener('abort', resume, { once: true });
  const exitCode = await new Promise<number>((resolve) => {
    terminal.onExit((exit) => resolve(exit.signal ? 128 + exit.signal : exit.exitCode));
  });
  if (exitCode !== 0 && (await notedPid(pidFile)) === undefined) return { error: `Cannot run the command: ${complaint.trim()}` };
  return { exitCode };
}
