import { access, readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';

const cgroupMount = '/sys/fs/cgroup';

/** Version 1 has one folder per hierarchy; version 2 is the mount itself. */
async function hierarchies(version2: boolean): Promise<string[]> {
  if (version2) return [cgroupMount];
  const names = await readdir(cgroupMount).catch(() => []);
  return names.map((name) => path.join(cgroupMount, name));
}

/**
 * The hierarchies in which a cgroup does not exist yet. The OCI runtime makes it in all of them, the
 * agent only where it sets limits: the others are the shim's to remove.
 */
export async function hierarchiesWithout(cgroupPath: string, version2: boolean): Promise<string[]> {
  const missing: string[] = [];
  for (const root of await hierarchies(version2)) {
    await access(path.join(root, cgroupPath)).catch(() => missing.push(root));
  }
  return missing;
}

/** Removes a cgroup from these hierarchies where it is empty. */
export async function removeIfEmpty(roots: readonly string[], cgroupPath: string): Promise<void> {
  for (const root of roots) {
    // Gone already, or still used by others: neither is a failure.
    await rmdir(path.join(root, cgroupPath)).catch(() => undefined);
  }
}

/** Removes a cgroup and all below it from every hierarchy, as far as no process is in them. */
export async function removeEmptyTree(cgroupPath: string, version2: boolean): Promise<void> {
  for (const root of await hierarchies(version2)) await removeFolder(path.join(root, cgroupPath));
}

async function removeFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeFolder(path.join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}
