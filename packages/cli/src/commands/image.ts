import { stat } from 'node:fs/promises';
import path from 'node:path';
import { listImages, loadImage, removeImage } from '../cluster/images.ts';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

type Output = 'text' | 'json';

function print(output: Output, value: unknown, text: string): void {
  process.stdout.write(output === 'json' ? `${JSON.stringify(value)}\n` : text);
}

/** Adds the images of an archive and prints their names. */
export async function imageLoad(home: Home, criSocket: string, archive: string, output: Output): Promise<void> {
  const file = path.resolve(archive);
  if (!(await stat(file).catch(() => undefined))?.isFile())
    throw new UserError(`${archive} is not a file`, 'name an OCI or Docker archive (a tar)');
  const names = await loadImage(home, criSocket, file).catch((error: unknown) => {
    const { message } = error as Error;
    if (!message.startsWith('Cannot read the archive')) throw error;
    throw new UserError(message.trimEnd().replaceAll('\n', '; '), 'make it with `docker save`, `skopeo copy` or the like');
  });
  if (names.length === 0)
    throw new UserError(`no image of ${archive} has a name`, 'give it one, such as example.com/app:1, when you make the archive');
  print(output, { loaded: names }, names.map((name) => `Loaded ${name}\n`).join(''));
}

export async function imageList(criSocket: string, output: Output): Promise<void> {
  const images = await answered(criSocket, listImages(criSocket));
  const rows = images.flatMap((image) => {
    const names = image.repoTags.length > 0 ? image.repoTags : ['<none>'];
    return names.map((name) => ({ name, id: image.id, sizeBytes: image.size }));
  });
  const width = Math.max(5, ...rows.map((row) => row.name.length));
  const line = (name: string, id: string, size: string): string => `${name.padEnd(width)}  ${id.padEnd(12)}  ${size}\n`;
  const text = rows.map((row) =>
    line(row.name, row.id.replace(/^sha256:/, '').slice(0, 12), `${(row.sizeBytes / 2 ** 20).toFixed(1)} MiB`),
  );
  print(output, { images: rows }, line('IMAGE', 'ID', 'SIZE') + text.join(''));
}

export async function imageRemove(criSocket: string, names: readonly string[], output: Output): Promise<void> {
  const missing: string[] = [];
  const removed: string[] = [];
  for (const name of names) ((await answered(criSocket, removeImage(criSocket, name))) ? removed : missing).push(name);
  print(output, { removed, missing }, removed.map((name) => `Removed ${name}\n`).join(''));
  if (missing.length > 0) throw new UserError(`no such image: ${missing.join(', ')}`, 'see `bayplan image ls`');
}

async function answered<T>(criSocket: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { message } = error as Error;
    const fault = /ENOENT|ECONNREFUSED/.test(message) ? 'nothing listens on' : `${message}, said the container runtime on`;
    throw new UserError(`${fault} ${criSocket}`, 'check that `bayplan up` or `bayplan agent` runs, and --cri-socket');
  }
}
