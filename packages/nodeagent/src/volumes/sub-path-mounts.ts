import { lstat, mkdir, readdir, realpath, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { HostCommands } from '../options.ts';
import { mountPoints, unmountBelow } from './mount-points.ts';
import { openSubPath } from './sub-path.ts';
import type { OpenSubPath } from './sub-path.ts';

/** Which mount of which container a part of a volume is for. */
export interface SubPathPlace {
  readonly volume: string;
  readonly container: string;
  /** Position among the container's volume mounts. */
  readonly index: number;
}

/**
 * Gives runtimes parts of volumes under paths that no container can change: the part is opened safely, and
 * what is open is mounted below the pod's folder. The mounts themselves are the only record.
 */
export interface SubPathMounts {
  /** Mounts a part of a volume, unless that very part is mounted. Returns the path to hand on. Throws when it leads out of the volume. */
  bind(podDirectory: string, place: SubPathPlace, volumePath: string, subPath: string): Promise<string>;
  /** Unmounts the parts of all volumes of a pod and removes their mount points. Safe to repeat. */
  release(podDirectory: string): Promise<void>;
}

const folderName = 'volume-subpaths';

export function createSubPathMounts(commands: HostCommands): SubPathMounts {
  return {
    async bind(podDirectory, place, volumePath, subPath) {
      const opened = await openSubPath(volumePath, subPath);
      try {
        const parent = path.join(podDirectory, folderName, place.volume, place.container);
        await mkdir(parent, { recursive: true, mode: 0o750 });
        const target = path.join(await realpath(parent), String(place.index));
        if ((await mountPoints()).includes(target)) {
          if (await shows(target, opened)) return target;
          // An earlier attempt of the container had another part; its own mount of that one is not touched.
          await unmountBelow(commands, target);
        }
        await makeMountPoint(target, opened.isDirectory);
        await mountOpen(commands, opened, target);
        return target;
      } finally {
        await opened.handle.close();
      }
    },
    async release(podDirectory) {
      const folder = path.join(podDirectory, folderName);
      await unmountBelow(commands, folder);
      await removeMountPoints(folder, 3);
    },
  };
}

/** The descriptor itself is mounted, not a path: what a container puts in its place does not matter any more. */
async function mountOpen(commands: HostCommands, opened: OpenSubPath, target: string): Promise<void> {
  const source = `/proc/${String(process.pid)}/fd/${String(opened.handle.fd)}`;
  // util-linux 2.41 does not follow the descriptor when told not to resolve paths. Resolving is a race,
  // but one that is seen: whatever was mounted is compared with what is open before anybody gets it.
  let failure = '';
  for (const options of [['--no-canonicalize'], []]) {
    const result = await commands.run('mount', [...options, '--bind', source, target]);
    if (result.exitCode === 0 && (await shows(target, opened))) return;
    failure = result.exitCode === 0 ? 'it was replaced meanwhile' : result.stderr.trim();
    await unmountBelow(commands, target);
  }
  throw new Error(`mounting a subPath failed: ${failure}`);
}

async function shows(target: string, opened: OpenSubPath): Promise<boolean> {
  const there = await stat(target, { bigint: true }).catch(() => undefined);
  return there?.dev === opened.device && there.ino === opened.inode;
}

/** A folder for a folder, an empty file for all else. */
async function makeMountPoint(target: string, isDirectory: boolean): Promise<void> {
  const present = await lstat(target).catch(() => undefined);
  if (present?.isDirectory() === isDirectory) return;
  if (present !== undefined) await removeOne(target, present.isDirectory());
  if (isDirectory) await mkdir(target, { mode: 0o750 });
  else await writeFile(target, '', { flag: 'wx', mode: 0o640 });
}

/** Never removes what is in a folder: were a part still mounted, that would be the volume's data. */
async function removeMountPoints(folder: string, levels: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (entries === undefined) return;
  for (const entry of entries) {
    const one = path.join(folder, entry.name);
    if (levels > 1) await removeMountPoints(one, levels - 1);
    else await removeOne(one, entry.isDirectory());
  }
  await rmdir(folder);
}

async function removeOne(target: string, isDirectory: boolean): Promise<void> {
  await (isDirectory ? rmdir(target) : unlink(target));
}
