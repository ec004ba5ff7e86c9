import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@bayplan/component-base';

export interface SuperviseOptions {
  /** What the process is, in logs. */
  readonly role: string;
  /** Arguments of Node.js: flags, script, its arguments. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** Stops the process with SIGTERM, then SIGKILL after `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs?: number;
}

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** A process that lived this long starts again without the delay that earlier failures built up. */
const steadyAfterMs = 60_000;

/** Runs a Node.js process and starts it again whenever it ends, until the signal aborts. Resolves when it has stopped. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { role, logger, signal } = options;
  let delayMs = firstDelayMs;
  while (!signal.aborted) {
    const startMs = performance.now();
    const child = spawn(process.execPath, [...options.args], { stdio: ['ignore', 'inherit', 'inherit'], env: options.env ?? process.env });
    const outcome = await ended(child, signal, options.graceMs ?? 10_000);
    if (signal.aborted) return;
    if (performance.now() - startMs > steadyAfterMs) delayMs = firstDelayMs;
    logger.warn('Process ended and will be started again', { role, outcome, delayMs });
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    delayMs = Math.min(delayMs * 2, longestDelayMs);
  }
}

function ended(child: ChildProcess, signal: AbortSignal, graceMs: number): Promise<string> {
  return new Promise((resolve) => {
    let killTimer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      killTimer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    const finish = (outcome: string): void => {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', stop);
      resolve(outcome);
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, name) => finish(name ?? `exit code ${code ?? 0}`));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
