import { statfs } from 'node:fs/promises';
import { RpcError } from '@bayplan/rpc';
import type { Draft, FilesystemUsage, Image } from '@bayplan/rpc';
import type { ImageRecord } from '../images/image-store.ts';
import { imagesLock, nowNanos } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';

/** CRI's view of an image. */
export function describeImage(image: ImageRecord): Draft<Image> {
  const [user = ''] = image.run.user.split(':');
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: image.sizeBytes,
    ...(/^\d+$/.test(user) ? { uid: { value: Number(user) } } : { username: user }),
    spec: { image: image.id },
  };
}

export async function listImages(runtime: Runtime, name: string): Promise<Draft<Image>[]> {
  if (name === '') return (await runtime.images.list()).map(describeImage);
  const image = await runtime.images.find(name);
  return image === undefined ? [] : [describeImage(image)];
}

/** Removes an image and the layers nothing else needs. An unknown image counts as removed; one in use stays. */
export async function removeImage(runtime: Runtime, name: string): Promise<void> {
  await runtime.locks.run(imagesLock, async () => {
    const image = await runtime.images.find(name);
    if (image === undefined) return;
    const user = runtime.containers.all().find((record) => record.imageId === image.id);
    if (user !== undefined) throw new RpcError('FAILED_PRECONDITION', `Container ${user.id} uses the image`);
    await runtime.images.remove(image.id);
    const needed = new Set((await runtime.images.list()).flatMap((other) => other.layers));
    for (const record of runtime.containers.all()) record.layers.forEach((layer) => needed.add(layer));
    for (const layer of image.layers) if (!needed.has(layer)) await runtime.layers.remove(layer);
  });
}

/** How much the layers take, by their recorded sizes. */
export async function imageFsInfo(
  runtime: Runtime,
): Promise<{ imageFilesystems: Draft<FilesystemUsage>[]; containerFilesystems: Draft<FilesystemUsage>[] }> {
  let usedBytes = 0;
  for (const name of await runtime.layers.names()) usedBytes += (await runtime.layers.get(name))?.sizeBytes ?? 0;
  const timestamp = nowNanos(runtime);
  const disk = await statfs(runtime.layout.containers);
  return {
    imageFilesystems: [
      {
        timestamp,
        fsId: { mountpoint: runtime.layout.layers },
        usedBytes: { value: usedBytes },
        inodesUsed: { value: disk.files - disk.ffree },
      },
    ],
    containerFilesystems: [
      { timestamp, fsId: { mountpoint: runtime.layout.containers }, usedBytes: { value: 0 }, inodesUsed: { value: 0 } },
    ],
  };
}
