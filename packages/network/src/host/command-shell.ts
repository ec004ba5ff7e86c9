import { spawn } from 'node:child_process';
import type { Clock } from '@bayplan/component-base';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

export interface CommandResult {
  readonly exitCode: number;
  /** Standard output and error, in the order written. */
  readonly output: string;
}

/**
 * Runs host commands one after another from a small shell process started once: forking a large
 * Node.js process for each would stop its event loop for milliseconds. The shell is started on first
 * use and again after it died.
 */
export interface CommandShell {
  /** Rejects only when the shell itself fails or the deadline passes; a failing command is a result. */
  run(command: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CommandResult>;
  /** Ends the shell after the commands already given. */
  close(): Promise<void>;
}

/** More than any command here prints; protects the agent's memory. */
const maxOutputBytes = 1024 * 1024;
const marker = '__bayplan_exit__';

export function createCommandShell(options: { readonly clock: Clock }): CommandShell {
  let shell: ChildProcessWithoutNullStreams | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;

  const forget = (child: ChildProcessWithoutNullStreams): void => {
    if (shell === child) shell = undefined;
  };

  const start = (): ChildProcessWithoutNullStreams => {
    const child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const gone = (): void => forget(child);
    child.on('exit', gone).on('error', gone);
    // A write to a shell that just died fails here too; `exit` already tells whoever waits.
    child.stdin.on('error', gone);
    child.stderr.resume();
    shell = child;
    return child;
  };

  const execute = async (command: readonly string[], timeoutMs: number): Promise<CommandResult> => {
    const child = shell ?? start();
    return new Promise((resolve, reject) => {
      let output = '';
      const finish = (result: CommandResult | Error): void => {
        timer.cancel();
        child.stdout.off('data', onData);
        child.off('exit', onExit).off('error', onExit);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const onData = (chunk: Buffer): void => {
        if (output.length < maxOutputBytes) output += chunk.toString('latin1');
        else output = output.slice(-marker.length - 16) + chunk.toString('latin1');
        const at = output.lastIndexOf(marker);
        const end = at < 0 ? -1 : output.indexOf('\n', at);
        if (end >= 0)
          finish({
            exitCode: Number(output.slice(at + marker.length, end)),
            output: Buffer.from(output.slice(0, at), 'latin1').toString('utf8'),
          });
      };
      const onExit = (cause: unknown): void => finish(new Error(`The command shell ended during ${command[0] ?? ''}`, { cause }));
      const timer = options.clock.after(timeoutMs, () => {
        // With what it runs: it leads a process group of its own, which also keeps a terminal's ^C from it.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        forget(child);
        finish(new Error(`${command.join(' ')} took longer than ${timeoutMs} ms`));
      });
      child.stdout.on('data', onData);
      child.once('exit', onExit).once('error', onExit);
      child.stdin.write(`${command.map(quote).join(' ')} </dev/null 2>&1; echo "${marker}$?"\n`);
    });
  };

  return {
    run(command, { timeoutMs = 10_000 } = {}) {
      if (closed) return Promise.reject(new Error('The command shell is closed'));
      const result = tail.then(() => execute(command, timeoutMs));
      tail = result.catch(() => undefined);
      return result;
    },
    async close() {
      closed = true;
      await tail;
      const child = shell;
      if (child === undefined) return;
      await new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
      });
    },
  };
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
