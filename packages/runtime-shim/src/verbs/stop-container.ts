import { RpcError } from '@bayplan/rpc';
import { destroyContainer, markExited, releaseContainer } from '../container-lifecycle.ts';
import { isAlive } from '../pause.ts';
import { nowNanos } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord } from '../state/records.ts';
import { signalNumber } from '../spec/signals.ts';

/** After SIGKILL a process is gone at once, unless the kernel holds it in an uninterruptible call. */
const killPatienceMs = 30_000;

/**
 * Asks a container's first process to end, and kills it after `timeoutMs`. Resolves when it has
 * ended. A container that is unknown or not running counts as stopped.
 */
export async function stopContainer(runtime: Runtime, containerId: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const record = runtime.containers.find(containerId);
  if (record === undefined) return;
  if (record.phase === 'running' && timeoutMs > 0 && record.init !== undefined && (await isAlive(runtime, record.init))) {
    runtime.host.signal(record.init.pid, signalNumber(record.stopSignal));
    if (await runtime.exits.wait(record.id, timeoutMs, signal)) return;
    // A caller that went away may come again with less patience; nothing is killed on its behalf.
    if (signal?.aborted) throw new RpcError('CANCELLED', 'The caller stopped waiting');
  }
  await stopNow(runtime, record);
}

/** Kills a container and waits until its end is recorded. */
export async function stopNow(runtime: Runtime, record: ContainerRecord): Promise<void> {
  if (record.phase === 'exited') return;
  const alive = record.init !== undefined && (await isAlive(runtime, record.init));
  if (alive && record.init !== undefined) runtime.host.signal(record.init.pid, 'SIGKILL');
  if (await runtime.exits.wait(record.id, alive ? killPatienceMs : 2_000)) return;
  if (record.init !== undefined && (await isAlive(runtime, record.init))) {
    throw new RpcError('DEADLINE_EXCEEDED', `Container ${record.id} did not end within ${killPatienceMs / 1000} s of SIGKILL`);
  }
  // The process is gone but its monitor left no exit code: it was killed itself.
  await markExited(runtime, record, { exitCode: 255, finishedAt: nowNanos(runtime) }, 'Unknown');
  await destroyContainer(runtime, record);
  await releaseContainer(runtime, record);
}
