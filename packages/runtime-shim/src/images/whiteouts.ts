import { lstat, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Host } from '../host/host.ts';

const prefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';
const batchSize = 200;

/** Turns the whiteout files of a layer archive (OCI image specification, layer.md) into those of overlayfs. */
export async function convertWhiteouts(host: Host, root: string): Promise<void> {
  const found = await host.run('find', [root, '-name', `${prefix}*`, '-print0'], { maxOutputBytes: 64 * 1024 * 1024 });
  if (found.exitCode !== 0) throw new Error(`Cannot look for whiteouts: ${found.stderr.toString().trim()}`);
  const markers = found.stdout
    .toString()
    .split('\0')
    .filter((file) => file !== '');
  const opaque: string[] = [];
  const hidden: string[] = [];
  for (const marker of markers) {
    const folder = path.dirname(marker);
    const name = path.basename(marker);
    await rm(marker, { recursive: true, force: true });
    if (name === opaqueMarker) opaque.push(folder);
    // A marker for `.` or `..` would stand for a folder that is not the layer's to hide.
    else if (!name.startsWith('.wh..wh.') && !['.wh.', '.wh..', '.wh...'].includes(name)) {
      const target = path.join(folder, name.slice(prefix.length));
      // Never through a link: what it points at lies on the host.
      const replaced = await lstat(target).catch(() => undefined);
      // The layer removes what was below and brings its own: a new folder must then hide the old content.
      if (replaced === undefined) hidden.push(target);
      else if (replaced.isDirectory()) opaque.push(target);
    }
  }
  for (let at = 0; at < opaque.length; at += batchSize) {
    await must(host, 'setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', ...opaque.slice(at, at + batchSize)]);
  }
  for (let at = 0; at < hidden.length; at += batchSize) {
    await must(host, 'sh', ['-c', 'for file; do mknod "$file" c 0 0 || exit 1; done', 'sh', ...hidden.slice(at, at + batchSize)]);
  }
}

async function must(host: Host, command: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await host.run(command, args);
  if (exitCode !== 0) throw new Error(`Cannot convert whiteouts: ${stderr.toString().trim()}`);
}
