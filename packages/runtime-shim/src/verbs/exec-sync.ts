import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { RpcError } from '@bayplan/rpc';
import type { ExecSyncRequest, ExecSyncResponse } from '@bayplan/rpc';
import { containerOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord } from '../state/records.ts';

const maxOutputBytes = 16 * 1024 * 1024;

/** The container if a command can be run in it. */
export function runningContainer(runtime: Runtime, id: string): ContainerRecord {
  const record = containerOf(runtime, id);
  if (record.phase !== 'running') throw new RpcError('FAILED_PRECONDITION', `Container ${record.id} is ${record.phase}, not running`);
  return record;
}

/** Arguments for the OCI runtime to run a command in a container, with the file its process id is put into. */
export function execArguments(
  runtime: Runtime,
  record: ContainerRecord,
  command: readonly string[],
  tty: boolean,
): { args: string[]; pidFile: string } {
  if (command.length === 0) throw new RpcError('INVALID_ARGUMENT', 'There is no command to run');
  const pidFile = path.join(runtime.layout.bundle(record.id), `exec-${randomBytes(6).toString('hex')}.pid`);
  return {
    args: [
      `--root=${runtime.layout.runtimeState}`,
      'exec',
      ...(tty ? ['--tty', '--env=TERM=xterm'] : ['--tty=false']),
      `--pid-file=${pidFile}`,
      record.id,
      ...command,
    ],
    pidFile,
  };
}

/** The process id that the runtime noted; undefined when the command never started. */
export async function notedPid(pidFile: string): Promise<number | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  return text === '' ? undefined : Number(text);
}

/** Runs a command in a container to its end, or kills it after the request's timeout (seconds; 0 is none). */
export async function execSync(runtime: Runtime, request: ExecSyncRequest, signal?: AbortSignal): Promise<ExecSyncResponse> {
  const record = runningContainer(runtime, request.containerId);
  const { args, pidFile } = execArguments(runtime, record, request.cmd, false);
  const abort = new AbortController();
  const kill = async (): Promise<void> => {
    const pid = await notedPid(pidFile);
    if (pid !== undefined) runtime.host.signal(pid, 'SIGKILL');
    abort.abort(new RpcError('DEADLINE_EXCEEDED', `The command did not end within ${request.timeout} s`));
  };
  const timer = request.timeout > 0 ? runtime.clock.after(request.timeout * 1000, () => void kill()) : undefined;
  const gone = (): void => void kill();
  signal?.addEventListener('abort', gone, { once: true });
  try {
    const result = await runtime.host.run(record.runtime, args, { timeoutMs: 0, maxOutputBytes, unbounded: true, signal: abort.signal });
    if (result.exitCode !== 0 && (await notedPid(pidFile)) === undefined) {
      throw new RpcError('UNKNOWN', `Cannot run the command: ${result.stderr.toString().trim()}`);
    }
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
  } finally {
    timer?.cancel();
    signal?.removeEventListener('abort', gone);
    await rm(pidFile, { force: true });
  }
}
