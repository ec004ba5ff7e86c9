import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, ascending; without `gid`. */
  readonly groups: readonly number[];
  readonly home: string;
}

export interface UserRequest {
  /** From the pod; wins over the image. */
  readonly runAsUser?: number | undefined;
  readonly runAsGroup?: number | undefined;
  readonly runAsUsername?: string | undefined;
  /** `USER` of the image: name or number, optionally `:group`. */
  readonly imageUser: string;
  readonly supplementalGroups: readonly number[];
  /** Add the groups that the image's /etc/group gives the user. */
  readonly mergeImageGroups: boolean;
}

const maxLinks = 40;
/** Of /etc/passwd and /etc/group: tens of thousands of entries. */
const maxFileBytes = 4 * 1024 * 1024;

/** Follows links of `file` inside `root` as a process there would: nothing outside of `root` is reached. */
export async function resolveInRoot(root: string, file: string): Promise<string> {
  let rest = file.split('/').filter((part) => part !== '');
  let inside: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const [part = '', ...others] = rest;
    rest = others;
    if (part === '.') continue;
    if (part === '..') {
      inside.pop();
      continue;
    }
    const candidate = path.join(root, ...inside, part);
    const isLink = await lstat(candidate).then(
      (stats) => stats.isSymbolicLink(),
      () => false,
    );
    if (!isLink) {
      inside.push(part);
      continue;
    }
    if ((links += 1) > maxLinks) throw new Error(`Too many links in ${file}`);
    const target = await readlink(candidate);
    if (target.startsWith('/')) inside = [];
    rest = [...target.split('/').filter((item) => item !== ''), ...rest];
  }
  return path.join(root, ...inside);
}

async function readLines(rootfs: string, file: string): Promise<string[][]> {
  try {
    const found = await resolveInRoot(rootfs, file);
    const stats = await stat(found);
    // Reading a pipe or device that an image put there would never end.
    if (!stats.isFile()) return [];
    if (stats.size > maxFileBytes) throw new Error(`${file} of the image is too long`);
    const text = await readFile(found, 'utf8');
    return text.split('\n').map((line) => line.split(':'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** Finds the numbers that a container's first process runs as. Throws when a named user or group is unknown. */
export async function resolveUser(rootfs: string, request: UserRequest): Promise<ResolvedUser> {
  const [imageName = '', imageGroup = ''] = request.imageUser.split(':');
  const fromPod = request.runAsUser !== undefined || (request.runAsUsername ?? '') !== '';
  const name =
    request.runAsUser !== undefined
      ? String(request.runAsUser)
      : (request.runAsUsername ?? '') !== ''
        ? (request.runAsUsername ?? '')
        : imageName || '0';
  const passwd = await readLines(rootfs, '/etc/passwd');
  const entry = passwd.find((fields) => (isNumber(name) ? fields[2] === name : fields[0] === name));
  if (entry === undefined && !isNumber(name)) throw new Error(`The image has no user ${name}`);
  const uid = entry === undefined ? Number(name) : Number(entry[2]);

  const groups = await readLines(rootfs, '/etc/group');
  let gid = entry === undefined ? 0 : Number(entry[3]);
  if (!fromPod && imageGroup !== '') {
    const group = groups.find((fields) => fields[0] === imageGroup);
    if (group === undefined && !isNumber(imageGroup)) throw new Error(`The image has no group ${imageGroup}`);
    gid = group === undefined ? Number(imageGroup) : Number(group[2]);
  }
  if (request.runAsGroup !== undefined) gid = request.runAsGroup;

  const extra = new Set(request.supplementalGroups);
  const userName = entry?.[0];
  if (request.mergeImageGroups && userName !== undefined) {
    for (const [, , number = '', members = ''] of groups)
      if (members.split(',').includes(userName) && isNumber(number)) extra.add(Number(number));
  }
  extra.delete(gid);
  return { uid, gid, groups: [...extra].sort((a, b) => a - b), home: entry?.[5] || '/' };
}
