import type { Dirent } from 'node:fs';
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

const setGid = 0o2000;
const groupAccess = 0o060;
/** Files changed at once. */
const parallel = 16;

/**
 * Gives a volume to a group: everything in it gets the group and may be read and written by it, and new files
 * inherit the group. Links are changed themselves, not what they point to.
 * @param policy `OnRootMismatch` leaves a volume alone whose root is right already.
 */
export async function giveToGroup(directory: string, group: number, policy: string, signal: AbortSignal): Promise<void> {
  const root = await lstat(directory);
  const isRight = root.gid === group && (root.mode & (setGid | groupAccess)) === (setGid | groupAccess);
  if (policy === 'OnRootMismatch' && isRight) return;
  await below(directory, group, signal);
  // The root is last: it tells the next pod that all of it is done.
  await changeOne(directory, group, true);
}

async function below(directory: string, group: number, signal: AbortSignal): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  for (let at = 0; at < entries.length; at += parallel) {
    signal.throwIfAborted();
    await Promise.all(entries.slice(at, at + parallel).map((entry) => change(directory, entry, group, signal)));
  }
}

async function change(directory: string, entry: Dirent, group: number, signal: AbortSignal): Promise<void> {
  const at = path.join(directory, entry.name);
  try {
    if (entry.isDirectory()) await below(at, group, signal);
    if (entry.isSymbolicLink()) await lchown(at, (await lstat(at)).uid, group);
    else await changeOne(at, group, entry.isDirectory());
  } catch (error) {
    // Another pod may remove files meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function changeOne(at: string, group: number, isDirectory: boolean): Promise<void> {
  const { uid, gid, mode } = await lstat(at);
  if (gid !== group) await lchown(at, uid, group);
  const wanted = (mode & 0o7777) | groupAccess | (isDirectory ? setGid | 0o010 : 0);
  if (wanted !== (mode & 0o7777)) await chmod(at, wanted);
}
