import { createCriClient } from '@bayplan/rpc';
import type { CriClient, Image } from '@bayplan/rpc';
import { loadImageArchive } from '@bayplan/runtime-shim';
import path from 'node:path';
import type { Home } from '../home.ts';

const callDeadlineMs = 120_000;

/** Puts an OCI or Docker archive into the image store; safe while the runtime runs. Resolves with the names it holds. */
export async function loadImage(home: Home, criSocket: string, archive: string): Promise<readonly string[]> {
  const images = await loadImageArchive(home.dir, archive, { runRoot: path.dirname(criSocket) });
  return images.flatMap((image) => image.tags);
}

export async function listImages(criSocket: string): Promise<readonly Image[]> {
  return withCri(criSocket, async (cri) => (await cri.image.listImages({}, { deadlineMs: callDeadlineMs })).images);
}

export async function removeImage(criSocket: string, name: string): Promise<boolean> {
  return withCri(criSocket, async (cri) => {
    const image = { image: name };
    if (!(await cri.image.imageStatus({ image }, { deadlineMs: callDeadlineMs })).image) return false;
    await cri.image.removeImage({ image }, { deadlineMs: callDeadlineMs });
    return true;
  });
}

async function withCri<T>(socket: string, use: (cri: CriClient) => Promise<T>): Promise<T> {
  const cri = createCriClient(socket);
  try {
    return await use(cri);
  } finally {
    cri.close();
  }
}
