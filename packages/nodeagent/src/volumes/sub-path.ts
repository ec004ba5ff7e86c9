import { chmod, mkdir, open, readlink, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import path from 'node:path';

/** A part of a volume that is held open, so that nobody can put something else in its place. The caller closes it. */
export interface OpenSubPath {
  /** Opened with O_PATH: it names the file, and can be neither read nor written. */
  readonly handle: FileHandle;
  readonly isDirectory: boolean;
  readonly device: bigint;
  readonly inode: bigint;
}

interface Step {
  readonly name: string;
  /** Only what the pod itself asks for is made; not where a link leads to. */
  readonly mayBeMade: boolean;
}

/** Linux' O_PATH, the same on every architecture that Node runs on; Node does not name it. */
const pathOnly = 0o10000000;
/** As many as the kernel follows itself. */
const mostLinks = 40;
/** A path of the longest length has 2048 steps; links may repeat it, but not for ever. */
const mostSteps = 10_000;

/**
 * Opens a part of a volume, one component after the other, each below the open folder before it and
 * never through a link: containers of the volume may change it all the while. Links are read and followed
 * as long as they stay inside the volume. What is missing is made as folders with the volume's own mode.
 * Throws when the path leads out of the volume.
 *
 * @param beforeStep for tests: awaited before each component is opened.
 */
export async function openSubPath(
  volumePath: string,
  subPath: string,
  beforeStep: (name: string) => Promise<void> = () => Promise.resolve(),
): Promise<OpenSubPath> {
  const outside = (): Error => new Error(`subPath "${subPath}" leads out of its volume`);
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) throw new Error(`subPath "${subPath}" must stay inside its volume`);
  const rootPath = await realpath(volumePath);
  const root = await open(rootPath, pathOnly | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  let current = root;
  const moveTo = async (next: FileHandle): Promise<void> => {
    const left = current;
    current = next;
    if (left !== root) await left.close();
  };
  try {
    const mode = (await root.stat()).mode & 0o7777;
    const pending: Step[] = componentsOf(subPath).map((name) => ({ name, mayBeMade: true }));
    let names: string[] = [];
    let links = 0;
    let steps = 0;
    for (let step = pending.shift(); step !== undefined; step = pending.shift()) {
      if (++steps > mostSteps) throw new Error(`subPath "${subPath}" has too many components`);
      const { name } = step;
      if (name === '..') {
        if (names.pop() === undefined) throw outside();
        steps += names.length;
        // The kernel's ".." would follow a folder that has been moved elsewhere: begin at the root again.
        await moveTo(await descend(root, names));
        continue;
      }
      await beforeStep(name);
      const next = await openOrMake(current, step, mode);
      const found = await next.stat().catch(async (error: unknown) => {
        await next.close();
        throw error;
      });
      if (found.isSymbolicLink()) {
        await next.close();
        if (++links > mostLinks) throw new Error(`subPath "${subPath}" goes through too many links`);
        // Should it be another link by now, then that one is judged by the same rules.
        const target = await readlink(below(current, name));
        if (path.isAbsolute(target)) {
          if (target !== rootPath && !target.startsWith(`${rootPath}/`)) throw outside();
          names = [];
          await moveTo(root);
        }
        const rest = path.isAbsolute(target) ? target.slice(rootPath.length) : target;
        pending.unshift(...componentsOf(rest).map((one) => ({ name: one, mayBeMade: false })));
        continue;
      }
      await moveTo(next);
      names.push(name);
      if (pending.length > 0 && !found.isDirectory()) throw new Error(`"${names.join('/')}" of subPath "${subPath}" is not a directory`);
    }
    // A handle of its own also for the volume's root: the caller closes this one, and this function that one.
    if (current === root) current = await descend(root, []);
    const { dev, ino, mode: type } = await current.stat({ bigint: true });
    const isDirectory = (Number(type) & constants.S_IFMT) === constants.S_IFDIR;
    return { handle: current, isDirectory, device: dev, inode: ino };
  } catch (error) {
    if (current !== root) await current.close();
    throw error;
  } finally {
    await root.close();
  }
}

function componentsOf(text: string): string[] {
  return text.split('/').filter((one) => one !== '' && one !== '.');
}

/** A component of an open folder, whatever that folder's own path has become. */
function below(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${String(folder.fd)}/${name}`;
}

async function openOrMake(folder: FileHandle, step: Step, mode: number): Promise<FileHandle> {
  const place = below(folder, step.name);
  try {
    return await open(place, pathOnly | constants.O_NOFOLLOW);
  } catch (error) {
    if (!step.mayBeMade || codeOf(error) !== 'ENOENT') throw error;
  }
  const made = await mkdir(place).then(
    () => true,
    (error: unknown) => {
      // Another container of the pod may have made it meanwhile.
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
  if (!made) return open(place, pathOnly | constants.O_NOFOLLOW);
  const handle = await open(place, pathOnly | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    // As the volume itself, so that a user who may write there may write here; the umask must not show.
    await chmod(`/proc/self/fd/${String(handle.fd)}`, mode);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a folder again by the names that led to it, none of which may have become a link. */
async function descend(root: FileHandle, names: readonly string[]): Promise<FileHandle> {
  const flags = pathOnly | constants.O_NOFOLLOW | constants.O_DIRECTORY;
  let current = await open(below(root, '.'), flags);
  for (const name of names) {
    const left = current;
    try {
      current = await open(below(left, name), flags);
    } finally {
      await left.close();
    }
  }
  return current;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
