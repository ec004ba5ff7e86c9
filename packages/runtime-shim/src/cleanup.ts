import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemClock, silentLogger } from '@bayplan/component-base';
import type { Logger } from '@bayplan/component-base';
import { removeEmptyTree } from './cgroup-folders.ts';
import { destroyContainer } from './container-lifecycle.ts';
import { layoutOf } from './layout.ts';
import type { Runtime } from './runtime.ts';
import { openRuntime } from './open-runtime.ts';
import { defaultCgroupParent } from './runtime.ts';
import { dismantleSandbox } from './sandbox-setup.ts';
import { unmountAll } from './unmount.ts';

export interface CleanupOptions {
  readonly runRoot?: string;
  /** Cgroups of the agent, such as `/kubepods`, to remove with all below them where no process is left. */
  readonly cgroupRoots?: readonly string[];
  readonly logger?: Logger;
}

/**
 * Ends and removes every container and sandbox of a home folder, with their mounts, namespaces, links
 * and cgroups; images stay. The shim must not be running. May be repeated.
 */
export async function cleanupAll(home: string, options: CleanupOptions = {}): Promise<void> {
  const layout = layoutOf(home, options.runRoot);
  const exists = await stat(layout.containers).catch(() => undefined);
  if (exists === undefined) return;
  const runtime = await openRuntime({ home, ...options, clock: systemClock, logger: options.logger ?? silentLogger });
  try {
    await runtime.sandboxes.load();
    await runtime.containers.load();
    for (const record of runtime.containers.all())
      await removeRecorded(runtime, 'container', record.id, () => destroyContainer(runtime, record));
    for (const record of runtime.sandboxes.all())
      await removeRecorded(runtime, 'sandbox', record.id, () => dismantleSandbox(runtime, record));
    const parents = runtime.sandboxes.all().map((record) => record.config.linux?.cgroupParent || defaultCgroupParent);
    for (const cgroupPath of new Set([...parents, ...(options.cgroupRoots ?? []), defaultCgroupParent]))
      await removeEmptyTree(cgroupPath, runtime.cgroupV2);
    await runtime.network.retain(new Set());
    const below = (await runtime.host.mounts())
      .map((mount) => mount.mountPoint)
      .filter((point) => point.startsWith(`${layout.runFolder}/`));
    await unmountAll(runtime.host, below);
    for (const folder of [layout.containers, layout.sandboxes]) {
      for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true, force: true });
    }
  } finally {
    await runtime.host.close();
  }
  await rm(layout.runFolder, { recursive: true, force: true });
}

async function removeRecorded(runtime: Runtime, kind: string, id: string, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (err) {
    // One that resists must not keep the others alive; what is left of it shows in the log.
    runtime.logger.error('Failed to remove a leftover', { kind, id, err });
  }
}
