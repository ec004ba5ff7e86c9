import type { Host } from './host/host.ts';

/** Unmounts paths, the last first; a path where nothing is mounted counts as done. */
export async function unmountAll(host: Host, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const result = await host.run('umount', [...paths].reverse());
  if (result.exitCode === 0) return;
  const faults = complaints(result.stderr);
  if (faults.length === 0) return;
  // Something still looks into the mount: detach it now, the kernel frees it when that ends.
  const lazy = complaints((await host.run('umount', ['--lazy', ...[...paths].reverse()])).stderr);
  if (lazy.length > 0) throw new Error(`Cannot unmount: ${lazy.join('; ')}`);
}

function complaints(stderr: Buffer): string[] {
  return stderr
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !/not mounted|no mount point specified|No such file or directory/.test(line));
}
