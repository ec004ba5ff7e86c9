import { access, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ContainerExit } from './exits.ts';
import { publishEvent } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import type { ContainerRecord } from './state/records.ts';
import { unmountAll } from './unmount.ts';

const releasing = new WeakMap<ContainerRecord, Promise<void>>();

/** Held while a container is started: an exit is handled after the start, so that listeners hear of them in order. */
export const startLock = (id: string): string => `start/${id}`;

/** Records that a container's first process has ended, tells listeners, and frees what it held on the host. */
export async function handleExit(runtime: Runtime, id: string, exit: ContainerExit): Promise<void> {
  const record = runtime.containers.get(id);
  if (record === undefined || record.phase === 'exited' || record.phase === 'creating') return;
  await runtime.locks.run(startLock(id), () => markExited(runtime, record, exit));
  releaseContainer(runtime, record).catch((err: unknown) => {
    runtime.logger.warn('Did not free an ended container', { containerId: id, err });
  });
}

export async function markExited(runtime: Runtime, record: ContainerRecord, exit: ContainerExit, reason?: string): Promise<void> {
  const oomKilled = await access(path.join(runtime.layout.bundle(record.id), 'oom')).then(
    () => true,
    () => false,
  );
  if (record.phase === 'exited') return;
  record.phase = 'exited';
  record.exitCode = exit.exitCode;
  record.finishedAt = exit.finishedAt;
  record.reason = reason ?? (oomKilled ? 'OOMKilled' : exit.exitCode === 0 ? 'Completed' : 'Error');
  await runtime.containers.save(record);
  publishEvent(runtime, 'CONTAINER_STOPPED_EVENT', record.id);
}

/** Removes the cgroup, runtime state and root file system of an ended container. May be repeated. */
export function releaseContainer(runtime: Runtime, record: ContainerRecord): Promise<void> {
  if (record.released) return Promise.resolve();
  const running = releasing.get(record);
  if (running !== undefined) return running;
  const work = release(runtime, record).finally(() => releasing.delete(record));
  releasing.set(record, work);
  return work;
}

async function release(runtime: Runtime, record: ContainerRecord): Promise<void> {
  const bundle = runtime.layout.bundle(record.id);
  // Processes of the container in a PID namespace that is not its own outlive the first one.
  await runtime.host.run(record.runtime, [`--root=${runtime.layout.runtimeState}`, 'kill', '--all', record.id, 'KILL']).catch(ignoreGone);
  const result = await runtime.host.run(record.runtime, [`--root=${runtime.layout.runtimeState}`, 'delete', record.id]);
  const complaint = result.stderr.toString();
  if (result.exitCode !== 0 && !complaint.includes('does not exist')) {
    await runtime.host.run(record.runtime, [`--root=${runtime.layout.runtimeState}`, 'delete', '--force', record.id]);
  }
  await unmountAll(runtime.host, [path.join(bundle, 'rootfs')]);
  record.released = true;
  if (runtime.containers.get(record.id) === record) await runtime.containers.save(record);
}

function ignoreGone(): void {
  // The container may have no process left; deleting it tells whether anything remains.
}

/** Undoes everything that creating a container may have done, however far it came. May be repeated. */
export async function destroyContainer(runtime: Runtime, record: ContainerRecord): Promise<void> {
  const bundle = runtime.layout.bundle(record.id);
  const conmon = Number(await readFile(path.join(bundle, 'conmon.pid'), 'utf8').catch(() => '0'));
  if (!record.released) {
    const args = [`--root=${runtime.layout.runtimeState}`, 'delete', '--force', record.id];
    const result = await runtime.host.run(record.runtime, args);
    if (result.exitCode !== 0 && !result.stderr.toString().includes('does not exist')) {
      throw new Error(`Cannot delete container ${record.id}: ${result.stderr.toString().trim()}`);
    }
    await unmountAll(runtime.host, [path.join(bundle, 'rootfs')]);
  }
  if (conmon > 0 && (await isConmonOf(conmon, record.id))) runtime.host.signal(conmon, 'SIGKILL');
  await rm(bundle, { recursive: true, force: true });
  await rm(path.join(runtime.layout.exits, record.id), { force: true });
  runtime.exits.forget(record.id);
}

/** Whether a process is the monitor of this container, not a later process with the same id. */
export async function isConmonOf(pid: number, containerId: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('conmon') && command.includes(containerId);
}
