import type { Logger } from '@bayplan/component-base';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { removePodCgroups } from './cgroups/pod-cgroups.ts';
import { ownHostCommands } from './host-commands.ts';
import type { HostCommands } from './options.ts';
import { createMemoryMounts } from './volumes/shared-memory.ts';
import { createSubPathMounts } from './volumes/sub-path-mounts.ts';

export interface RemoveEverythingOptions {
  /** As given to `startNodeAgent`; so are the others. */
  readonly home: string;
  readonly podLogsDir?: string;
  readonly cgroupRoot?: string;
  readonly cgroupMount?: string;
  readonly hostCommands?: HostCommands;
  readonly logger: Logger;
}

/**
 * Removes what node agents of this home have left on the machine: mounts, pods' files and logs, cgroups.
 * The agent must have stopped and the runtime's containers must be gone. Safe to repeat.
 */
export async function removeEverything(options: RemoveEverythingOptions): Promise<void> {
  const { home, logger } = options;
  const pods = path.join(home, 'pods');
  const secrets = path.join(home, 'secrets');
  const logs = options.podLogsDir ?? '/var/log/pods';
  const uids = new Set([...(await namesIn(pods)), ...(await namesIn(secrets))]);
  const commands = options.hostCommands ?? ownHostCommands;
  for (const uid of uids) await createSubPathMounts(commands).release(path.join(pods, uid));
  await createMemoryMounts(commands).unmountBelow(home);
  // Other clusters may log to the same folder: only the logs of our own pods go.
  for (const name of await namesIn(logs)) {
    if (uids.has(name.slice(name.lastIndexOf('_') + 1))) await rm(path.join(logs, name), { recursive: true, force: true });
  }
  await rm(pods, { recursive: true, force: true });
  await rm(secrets, { recursive: true, force: true });
  // Another cluster of this machine may have pods there: what is left to remove must not wait for it.
  const busy = await removePodCgroups(options.cgroupMount ?? '/sys/fs/cgroup', options.cgroupRoot ?? '/kubepods');
  if (busy.length > 0) logger.warn('Left cgroups that processes are in', { first: busy[0], count: busy.length });
  logger.info('Removed what the node agent had made', { pods: uids.size });
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
