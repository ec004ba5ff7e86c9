import { readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';

const cgroupMount = '/sys/fs/cgroup';

/** Removes the cgroups at these paths, and their parents, from every hierarchy, as far as they are empty. */
export async function removeEmptyCgroups(cgroupPaths: readonly string[]): Promise<void> {
  // Version 1 has one folder per hierarchy; version 2 is the mount itself. Trying both costs nothing.
  const hierarchies = ['', ...(await readdir(cgroupMount).catch(() => []))];
  for (const hierarchy of hierarchies) {
    for (const cgroupPath of cgroupPaths) {
      for (let current = path.posix.join('/', cgroupPath); current !== '/'; current = path.posix.dirname(current)) {
        const removed = await rmdir(path.join(cgroupMount, hierarchy, current)).then(
          () => true,
          (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
        );
        if (!removed) break;
      }
    }
  }
}
