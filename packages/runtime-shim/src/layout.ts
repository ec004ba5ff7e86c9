import { createHash } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';

/** Where the shim keeps things. What must survive a reboot is under `home`, the rest under `runFolder`. */
export interface Layout {
  readonly images: string;
  readonly layers: string;
  readonly scratch: string;
  readonly sandboxes: string;
  readonly containers: string;
  readonly addresses: string;
  readonly networkConfig: string;
  readonly runFolder: string;
  /** Conmon writes one file per ended container here. */
  readonly exits: string;
  readonly runtimeState: string;
  readonly sockets: string;
  /** Namespaces, shared memory and files of one sandbox. */
  sandboxRun(id: string): string;
  /** OCI bundle of one container. */
  bundle(id: string): string;
}

/**
 * The layout of a home folder. The run folder is short, because the paths of sockets are limited to
 * 107 bytes, and derived from `home`, so that it can be found again.
 */
export function layoutOf(home: string, runRoot = '/run/bayplan'): Layout {
  const absolute = path.resolve(home);
  const base = path.join(absolute, 'runtime');
  const runFolder = path.join(runRoot, createHash('sha256').update(absolute).digest('hex').slice(0, 8));
  return {
    images: path.join(base, 'images'),
    layers: path.join(base, 'layers'),
    scratch: path.join(base, 'scratch'),
    sandboxes: path.join(base, 'sandboxes'),
    containers: path.join(base, 'containers'),
    addresses: path.join(base, 'addresses'),
    networkConfig: path.join(base, 'network.json'),
    runFolder,
    exits: path.join(runFolder, 'x'),
    runtimeState: path.join(runFolder, 'r'),
    sockets: path.join(runFolder, 'io'),
    sandboxRun: (id) => path.join(runFolder, 's', id),
    bundle: (id) => path.join(runFolder, 'c', id),
  };
}

/**
 * Makes the folders that must always be there. Images bring programs that run as their owner (set-user-ID):
 * no other user of the machine may reach them, neither through the layers nor through a mounted root file system.
 */
export async function prepareFolders(layout: Layout): Promise<void> {
  for (const folder of [layout.images, layout.layers, layout.scratch, layout.exits, layout.runtimeState, layout.sockets]) {
    await mkdir(folder, { recursive: true, mode: 0o711 });
  }
  for (const folder of [path.dirname(layout.layers), layout.runFolder]) await chmod(folder, 0o700);
}
