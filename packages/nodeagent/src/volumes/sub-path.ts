import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * The host path of a part of a volume. It is made as a folder, with the volume's own mode, when it is
 * not there. Links inside the volume are followed, but never out of it: a container may have put them there.
 */
export async function resolveSubPath(volumePath: string, subPath: string): Promise<string> {
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) throw new Error(`subPath "${subPath}" must stay inside its volume`);
  const root = await realpath(volumePath);
  let current = root;
  for (const part of subPath.split('/').filter((one) => one !== '' && one !== '.')) {
    const next = path.join(current, part);
    current = await realpath(next).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(next);
      // As the volume itself, so that a user who may write there may write here; the umask must not show.
      await chmod(next, (await stat(root)).mode & 0o7777);
      return next;
    });
    if (current !== root && !current.startsWith(`${root}/`)) throw new Error(`subPath "${subPath}" leads out of its volume`);
  }
  return current;
}
