import type { ImageRecord } from './images/image-store.ts';
import { importArchive } from './images/archive.ts';
import { createLinuxHost } from './host/linux-host.ts';
import { ImageStore } from './images/image-store.ts';
import { LayerStore } from './images/layer-store.ts';
import { layoutOf, prepareFolders } from './layout.ts';

export interface LoadImageOptions {
  /** Names for the image instead of those in the archive. */
  readonly names?: readonly string[];
  readonly runRoot?: string;
}

/**
 * Imports an OCI layout or docker-archive (tar or folder) into a home folder. Safe while its shim
 * runs: layers and images appear by renames, and the shim sees them at its next look.
 */
export async function loadImageArchive(home: string, file: string, options: LoadImageOptions = {}): Promise<ImageRecord[]> {
  const layout = layoutOf(home, options.runRoot);
  await prepareFolders(layout);
  const host = createLinuxHost(layout.sockets);
  try {
    const layers = new LayerStore(layout.layers, host);
    await layers.prepare();
    return await importArchive({ images: new ImageStore(layout.images), layers, host, scratchFolder: layout.scratch }, file, options.names);
  } finally {
    await host.close();
  }
}
