import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { destroyContainer, isConmonOf, markExited, releaseContainer } from './container-lifecycle.ts';
import { isAlive } from './pause.ts';
import { nowNanos } from './runtime.ts';
import type { Runtime } from './runtime.ts';
import { dismantleSandbox } from './sandbox-setup.ts';
import type { ContainerRecord, SandboxRecord } from './state/records.ts';
import { unmountAll } from './unmount.ts';

/**
 * Makes records and machine agree after a crash or reboot, before any verb runs: what was half made is
 * undone, what ended meanwhile is marked, what runs is left alone. Call before the watch for exits starts.
 */
export async function recover(runtime: Runtime): Promise<void> {
  const sandboxLeftovers = await runtime.sandboxes.load();
  const containerLeftovers = await runtime.containers.load();
  for (const id of containerLeftovers) await rm(runtime.containers.folderOf(id), { recursive: true, force: true });
  for (const id of sandboxLeftovers) await rm(runtime.sandboxes.folderOf(id), { recursive: true, force: true });
  const bootId = await runtime.host.bootId();
  for (const record of runtime.containers.all())
    await orLogged(runtime, 'container', record.id, () => recoverContainer(runtime, record, bootId));
  for (const record of runtime.sandboxes.all())
    await orLogged(runtime, 'sandbox', record.id, () => recoverSandbox(runtime, record, bootId));
  await runtime.network.retain(
    new Set(
      runtime.sandboxes
        .all()
        .filter((record) => record.phase === 'ready')
        .map((record) => record.id),
    ),
  );
  await removeStrays(runtime);
  await runtime.layers.prepare();
}

/** One that resists must not keep the shim, and with it all others, from starting; removing it is tried again by the agent. */
async function orLogged(runtime: Runtime, kind: string, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (err) {
    runtime.logger.error('Failed to recover', { kind, id, err });
  }
}

async function recoverContainer(runtime: Runtime, record: ContainerRecord, bootId: string): Promise<void> {
  if (record.phase === 'creating') {
    if (record.bootId === bootId) {
      await endCommandsFor(runtime, record.id);
      await destroyContainer(runtime, record);
    }
    await runtime.containers.remove(record.id);
    return;
  }
  const sandbox = runtime.sandboxes.get(record.sandboxId);
  if (sandbox === undefined) {
    await destroyContainer(runtime, record);
    await runtime.containers.remove(record.id);
    return;
  }
  if (record.bootId !== bootId) {
    // The machine was restarted: nothing of the container is left but its record.
    record.released = true;
    if (record.phase !== 'exited') await markExited(runtime, record, { exitCode: 255, finishedAt: nowNanos(runtime) }, 'NodeRestart');
    return;
  }
  const exit = record.phase === 'exited' ? undefined : await runtime.exits.read(record.id);
  if (exit !== undefined) await markExited(runtime, record, exit);
  else if (record.phase !== 'exited' && !(await isWatched(runtime, record))) {
    await destroyContainer(runtime, record);
    await markExited(runtime, record, { exitCode: 255, finishedAt: nowNanos(runtime) }, 'Unknown');
  } else if (record.phase === 'created' && (await hasStarted(runtime, record))) {
    // The crash came between the start and its record.
    record.phase = 'running';
    record.startedAt ||= nowNanos(runtime);
    await runtime.containers.save(record);
  }
  if (record.phase === 'exited') await releaseContainer(runtime, record);
}

/**
 * Commands that the earlier process started may still be at work: all of them name the id. They are
 * ended first, so that nothing appears after the clean-up.
 */
async function endCommandsFor(runtime: Runtime, id: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const pids = await runtime.host.findProcesses(id);
    if (pids.length === 0) return;
    for (const pid of pids) runtime.host.signal(pid, 'SIGKILL');
    await runtime.clock.sleep(20);
  }
  throw new Error(`Processes of ${id} did not end`);
}

/** A container whose process or monitor is gone, with no exit file, will never report its end. */
async function isWatched(runtime: Runtime, record: ContainerRecord): Promise<boolean> {
  const conmon = Number(await readFile(path.join(runtime.layout.bundle(record.id), 'conmon.pid'), 'utf8').catch(() => '0'));
  return record.init !== undefined && (await isAlive(runtime, record.init)) && conmon > 0 && (await isConmonOf(conmon, record.id));
}

async function hasStarted(runtime: Runtime, record: ContainerRecord): Promise<boolean> {
  const result = await runtime.host.run(record.runtime, [`--root=${runtime.layout.runtimeState}`, 'state', record.id]);
  return result.exitCode === 0 && (JSON.parse(result.stdout.toString()) as { status?: string }).status === 'running';
}

async function recoverSandbox(runtime: Runtime, record: SandboxRecord, bootId: string): Promise<void> {
  if (record.phase === 'notready') return;
  if (record.phase === 'creating') {
    await endCommandsFor(runtime, record.id);
    await dismantleSandbox(runtime, record);
    await runtime.sandboxes.remove(record.id);
    return;
  }
  if (record.bootId === bootId && (record.pause === undefined || (await isAlive(runtime, record.pause)))) return;
  await dismantleSandbox(runtime, record);
  record.phase = 'notready';
  record.pause = undefined;
  await runtime.sandboxes.save(record);
}

/** Mounts and folders of things without a record: their removal was cut short. */
async function removeStrays(runtime: Runtime): Promise<void> {
  const mounts = (await runtime.host.mounts()).map((mount) => mount.mountPoint);
  const { layout } = runtime;
  for (const [parent, known] of [
    [layout.bundle(''), (id: string) => runtime.containers.get(id) !== undefined],
    [layout.sandboxRun(''), (id: string) => runtime.sandboxes.get(id) !== undefined],
  ] as const) {
    const ids = await readdir(parent).catch(() => []);
    for (const id of ids.filter((name) => !known(name))) {
      const folder = path.join(parent, id);
      await unmountAll(
        runtime.host,
        mounts.filter((mount) => mount.startsWith(`${folder}/`)),
      );
      await rm(folder, { recursive: true, force: true });
    }
  }
}
