import { mkdir, readFile } from 'node:fs/promises';
import type { HostCommands } from '../options.ts';

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
    async unmountBelow(directory) {
      const below = (await mountPoints()).filter((point) => point === directory || point.startsWith(`${directory}/`));
      // Innermost first.
      for (const point of below.toReversed()) {
        const result = await commands.run('umount', [point]);
        if (result.exitCode !== 0 && (await mountPoints()).includes(point))
          throw new Error(`unmounting ${point} failed: ${result.stderr.trim()}`);
      }
    },
  };
}

async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    // The kernel writes blanks and backslashes as octal numbers.
    return point === undefined ? [] : [point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))];
  });
}
