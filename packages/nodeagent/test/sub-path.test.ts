import { chmod, mkdir, mkdtemp, readdir, readlink, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSubPath } from '../src/volumes/sub-path.ts';

let folder = '';
let volume = '';
let victim = '';
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'bayplan-sub-path-')));
  volume = path.join(folder, 'volume');
  victim = path.join(folder, 'victim');
  await mkdir(volume);
  await mkdir(victim);
  await writeFile(path.join(victim, 'precious'), '');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Where what was opened is now. */
async function opened(subPath: string, beforeStep?: (name: string) => Promise<void>): Promise<string> {
  const { handle } = await openSubPath(volume, subPath, beforeStep);
  try {
    return path.relative(volume, await readlink(`/proc/self/fd/${String(handle.fd)}`));
  } finally {
    await handle.close();
  }
}

/** Runs once, before the component of that name is opened. */
function before(wanted: string, work: () => Promise<void>): (name: string) => Promise<void> {
  let done = false;
  return async (name) => {
    if (done || name !== wanted) return;
    done = true;
    await work();
  };
}

const openFiles = async () => (await readdir('/proc/self/fd')).length;

describe.skipIf(process.platform !== 'linux')('Sub-paths', () => {
  it('are folders or files, and are made with the mode of the volume when missing', async () => {
    await chmod(volume, 0o2777);
    expect(await opened('a//./b/')).toBe('a/b');
    for (const one of ['a', 'a/b']) expect((await stat(path.join(volume, one))).mode & 0o7777).toBe(0o2777);
    await writeFile(path.join(volume, 'a/f'), '');
    expect(await opened('a/f')).toBe('a/f');
    expect(await opened('.')).toBe('');
    await expect(opened('a/f/x')).rejects.toThrow('"a/f" of subPath "a/f/x" is not a directory');
    await expect(opened('../x')).rejects.toThrow('must stay inside');
    await expect(opened('/etc')).rejects.toThrow('must stay inside');
  });

  it('follow links inside the volume', async () => {
    await mkdir(path.join(volume, 'one/two'), { recursive: true });
    await writeFile(path.join(volume, 'f'), '');
    await symlink('one', path.join(volume, 'near'));
    await symlink('../../f', path.join(volume, 'one/two/up'));
    await symlink(path.join(volume, 'one'), path.join(volume, 'absolute'));
    expect(await opened('near/two')).toBe('one/two');
    expect(await opened('near/two/up')).toBe('f');
    expect(await opened('absolute/two')).toBe('one/two');
    expect(await opened('near/made')).toBe('one/made');
  });

  it.each([
    ['an absolute link', '/etc'],
    ['a link to a neighbour', '../victim'],
    ['a link that leaves and comes back', '../volume'],
    ['a link to a path that only begins alike', 'BESIDE'],
  ])('never lead out through %s', async (_, target) => {
    await symlink(target === 'BESIDE' ? `${volume}-2` : target, path.join(volume, 'out'));
    await expect(opened('out')).rejects.toThrow('leads out of its volume');
    await expect(opened('out/made')).rejects.toThrow('leads out of its volume');
    expect(await readdir(victim)).toEqual(['precious']);
  });

  it('refuse links that go round or to nothing', async () => {
    await symlink('round', path.join(volume, 'round'));
    await expect(opened('round')).rejects.toThrow('too many links');
    await symlink('missing', path.join(volume, 'dangling'));
    await expect(opened('dangling')).rejects.toThrow('ENOENT');
    expect(await readdir(volume)).not.toContain('missing');
  });

  it('stay in the volume when a component is swapped for a link meanwhile', async () => {
    await mkdir(path.join(volume, 'a/precious'), { recursive: true });
    const swap = async () => {
      await rename(path.join(volume, 'a'), path.join(volume, 'moved'));
      await symlink('../victim', path.join(volume, 'a'));
    };
    // Before it is opened the link is seen; after, what is open is what counts.
    await expect(opened('a/precious', before('a', swap))).rejects.toThrow('leads out of its volume');
    await rm(path.join(volume, 'a'));
    await rename(path.join(volume, 'moved'), path.join(volume, 'a'));
    expect(await opened('a/precious', before('precious', swap))).toBe('moved/precious');
  });

  it('make nothing outside when a parent is swapped before the next folder is made', async () => {
    const swap = async () => {
      await rename(path.join(volume, 'a'), path.join(volume, 'moved'));
      await symlink('../victim', path.join(volume, 'a'));
    };
    expect(await opened('a/new/deep', before('new', swap))).toBe('moved/new/deep');
    expect(await readdir(victim)).toEqual(['precious']);
  });

  it('do not trust a folder that was passed before when a link goes back up through it', async () => {
    await mkdir(path.join(volume, 'a/b'), { recursive: true });
    await symlink('../precious', path.join(volume, 'a/b/up'));
    await writeFile(path.join(volume, 'a/precious'), '');
    const swap = async () => {
      await rename(path.join(volume, 'a'), path.join(volume, 'moved'));
      await symlink('../victim', path.join(volume, 'a'));
    };
    expect(await opened('a/b/up')).toBe('a/precious');
    await expect(opened('a/b/up', before('up', swap))).rejects.toThrow();
  });

  it('leave no descriptor open', async () => {
    await symlink('/etc', path.join(volume, 'out'));
    const earlier = await openFiles();
    for (let count = 0; count < 20; count++) {
      await opened('x/y/z');
      await opened('out').catch(() => undefined);
      await opened('x/../y').catch(() => undefined);
    }
    expect(await openFiles()).toBeLessThan(earlier + 20);
  });
});
