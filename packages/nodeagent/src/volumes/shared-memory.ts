import { mkdir } from 'node:fs/promises';
import type { HostCommands } from '../options.ts';
import { mountPoints, unmountBelow } from './mount-points.ts';

/** Mounts and unmounts filesystems that live in memory. */
export interface MemoryMounts {
  /** Mounts a tmpfs, unless one is there. @param options mount options such as `size=1048576,mode=0777`. */
  mount(directory: string, options: string): Promise<void>;
  /** Unmounts what is mounted at or below the directory; does nothing when nothing is. */
  unmountBelow(directory: string): Promise<void>;
}

export function createMemoryMounts(commands: HostCommands): MemoryMounts {
  return {
    async mount(directory, options) {
      await mkdir(directory, { recursive: true });
      if ((await mountPoints()).includes(directory)) return;
      const result = await commands.run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
      if (result.exitCode !== 0) throw new Error(`mounting a tmpfs failed: ${result.stderr.trim()}`);
    },
    unmountBelow: (directory) => unmountBelow(commands, directory),
  };
}
