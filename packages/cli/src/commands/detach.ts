import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { leanV8Flags } from '../cluster/node-process.ts';
import type { Home } from '../home.ts';
import type { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';

/** What the detached process tells the one that waits for it. */
export type DetachedMessage =
  | { readonly type: 'step' | 'note' | 'ready' | 'failed'; readonly text: string; readonly exitCode?: number; readonly explained?: boolean }
  | { readonly type: 'done' };

/**
 * Starts this program again with the same arguments as a process of its own, passes its progress on, and
 * resolves with its summary once the cluster is ready. Rejects with what it died of.
 */
export async function startDetached(home: Home, script: string, args: readonly string[], progress: Progress): Promise<string> {
  const logFile = path.join(home.logs, 'up.log');
  const log = await open(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [...leanV8Flags, script, ...args], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: { ...process.env, BAYPLAN_DETACHED: '1' },
  });
  // Ctrl-C while waiting stops what was begun, so that nothing half-started stays.
  const interrupt = (): void => void child.kill('SIGTERM');
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await new Promise<string>((resolve, reject) => {
      child.on('message', (message: DetachedMessage) => {
        if (message.type === 'step') progress.step(message.text);
        else if (message.type === 'note') progress.note(message.text);
        else if (message.type === 'done') progress.done();
        else if (message.type === 'ready') resolve(message.text);
        else reject(new UserError(message.text, message.explained ? undefined : `log: ${logFile}`, message.exitCode ?? 1));
      });
      child.once('error', reject);
      child.once(
        'exit',
        (code, signal) =>
          void lastLine(logFile).then((line) =>
            reject(new UserError(`the cluster ended while it started (${signal ?? `exit code ${code ?? 0}`}) ${line}`, `log: ${logFile}`)),
          ),
      );
    });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    if (child.connected) child.disconnect();
    child.unref();
    await log.close();
  }
}

async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** Progress of a detached process: sent to the one that started it. */
export function detachedProgress(): Progress {
  return {
    step: (text) => tell({ type: 'step', text }),
    note: (text) => tell({ type: 'note', text }),
    done: () => tell({ type: 'done' }),
  };
}

export function tell(message: DetachedMessage): void {
  if (process.connected) process.send?.(message);
}
