import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface ProjectedFile {
  readonly content: Uint8Array | string;
  /** Permission bits. */
  readonly mode: number;
}

/** Who owns the files, where that is not root. */
export interface Ownership {
  /** Group of files and folders; also sets the group bits. */
  readonly fsGroup?: number | undefined;
  readonly user?: number | undefined;
}

const dataLink = '..data';
const versionPrefix = '..version_';

/**
 * Writes a set of files so that a reader sees either all old or all new ones: they go into a folder of
 * their own, then the link `..data` is switched to it by a rename; the visible names are links through
 * `..data`. Writes nothing when the content is what is there already. Paths are relative, may have
 * folders, and were checked not to leave `directory`.
 *
 * @returns whether anything was written.
 */
export async function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, ProjectedFile>,
  ownership: Ownership = {},
): Promise<boolean> {
  const current = await currentVersion(directory);
  if (current !== undefined && (await sameFiles(path.join(directory, current), files))) {
    await settle(directory, current, files);
    return false;
  }
  await mkdir(directory, { recursive: true });
  const fresh = await mkdtemp(path.join(directory, versionPrefix));
  await chmod(fresh, 0o755);
  await own(fresh, ownership, true);
  for (const [name, file] of files) {
    const target = path.join(fresh, name);
    await makeFolders(fresh, path.dirname(name), ownership);
    await writeFile(target, file.content);
    await chmod(target, ownership.fsGroup === undefined ? file.mode : file.mode | ((file.mode & 0o400) >> 3));
    await own(target, ownership, false);
  }
  const staged = path.join(directory, '..data_staged');
  await rm(staged, { force: true });
  await symlink(path.basename(fresh), staged);
  await rename(staged, path.join(directory, dataLink));
  await settle(directory, path.basename(fresh), files);
  return true;
}

/** The folder that `..data` leads to; undefined unless it is one of ours: what lies elsewhere is never read or removed. */
async function currentVersion(directory: string): Promise<string | undefined> {
  const target = await readlink(path.join(directory, dataLink)).catch(() => undefined);
  return target?.startsWith(versionPrefix) === true && !target.includes('/') ? target : undefined;
}

/** What comes after the switch. A process that was killed before it leaves this to the next call. */
async function settle(directory: string, version: string, files: ReadonlyMap<string, ProjectedFile>): Promise<void> {
  await linkVisibleNames(directory, files);
  for (const name of await readdir(directory)) {
    if (name.startsWith(versionPrefix) && name !== version) await rm(path.join(directory, name), { recursive: true, force: true });
  }
}

async function makeFolders(root: string, relative: string, ownership: Ownership): Promise<void> {
  if (relative === '.') return;
  let folder = root;
  for (const part of relative.split('/')) {
    folder = path.join(folder, part);
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    await own(folder, ownership, true);
  }
}

async function own(target: string, ownership: Ownership, isFolder: boolean): Promise<void> {
  if (ownership.fsGroup === undefined && ownership.user === undefined) return;
  const user = isFolder ? undefined : ownership.user;
  await chown(target, user ?? 0, ownership.fsGroup ?? 0);
}

/** Makes the links that readers use and removes those whose files are gone. */
async function linkVisibleNames(directory: string, files: ReadonlyMap<string, ProjectedFile>): Promise<void> {
  const wanted = new Set([...files.keys()].map((name) => name.split('/')[0] ?? name));
  for (const name of wanted) {
    const link = path.join(directory, name);
    const present = await lstat(link).catch(() => undefined);
    if (present === undefined) await symlink(path.join(dataLink, name), link);
  }
  for (const name of await readdir(directory)) {
    if (!name.startsWith('..') && !wanted.has(name)) await rm(path.join(directory, name), { recursive: true, force: true });
  }
}

async function sameFiles(folder: string, files: ReadonlyMap<string, ProjectedFile>): Promise<boolean> {
  const present = await listFiles(folder, '').catch(() => undefined);
  if (present?.length !== files.size) return false;
  for (const name of present) {
    const wanted = files.get(name);
    if (wanted === undefined) return false;
    const content = await readFile(path.join(folder, name));
    if (!content.equals(Buffer.from(wanted.content))) return false;
  }
  return true;
}

async function listFiles(folder: string, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(path.join(folder, prefix), { withFileTypes: true })) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) names.push(...(await listFiles(folder, name)));
    else names.push(name);
  }
  return names;
}
