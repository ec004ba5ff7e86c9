import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '@bayplan/component-base';
import { ownHostCommands } from '../src/host-commands.ts';
import { removeEverything } from '../src/index.ts';
import type { HostCommands } from '../src/options.ts';
import { createSubPathMounts } from '../src/volumes/sub-path-mounts.ts';
import { skipReason } from './support/cluster-fixture.ts';

const place = { volume: 'data', container: 'main', index: 0 };

describe.skipIf(skipReason)(`Mounts of sub-paths${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let folder = '';
  let volume = '';
  let pod = '';
  beforeEach(async () => {
    folder = await realpath(await mkdtemp('/tmp/bayplan-sub-paths-'));
    volume = path.join(folder, 'volume');
    pod = path.join(folder, 'agent/pods/uid-1');
    await mkdir(path.join(volume, 'dir'), { recursive: true });
    await mkdir(pod, { recursive: true });
    await writeFile(path.join(volume, 'dir/f'), 'inside');
    await mkdir(path.join(folder, 'victim'));
    await writeFile(path.join(folder, 'victim/f'), 'precious');
  });
  afterEach(async () => {
    await createSubPathMounts(ownHostCommands).release(pod);
    expect(await mounted()).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });

  const mounted = async () => (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(folder));
  const swap = async () => {
    await rename(path.join(volume, 'dir'), path.join(volume, 'moved'));
    await symlink('../victim', path.join(volume, 'dir'));
  };

  it('are made for folders and files, once, and keep what was there when the path is swapped', async () => {
    const mounts = createSubPathMounts(ownHostCommands);
    const target = await mounts.bind(pod, place, volume, 'dir');
    expect(target).toBe(path.join(pod, 'volume-subpaths/data/main/0'));
    const file = await mounts.bind(pod, { ...place, index: 1 }, volume, 'dir/f');
    // As an agent does that was killed and starts again.
    expect(await createSubPathMounts(ownHostCommands).bind(pod, place, volume, 'dir')).toBe(target);
    expect(await mounted()).toHaveLength(2);
    await swap();
    expect(await readFile(path.join(target, 'f'), 'utf8')).toBe('inside');
    expect(await readFile(file, 'utf8')).toBe('inside');
    await expect(mounts.bind(pod, place, volume, 'dir')).rejects.toThrow('leads out of its volume');
    // Another part, and of another type, takes the place of the first.
    expect(await mounts.bind(pod, place, volume, 'moved/f')).toBe(target);
    expect((await stat(target)).isFile()).toBe(true);
    expect(await mounted()).toHaveLength(2);
    await mounts.release(pod);
    await mounts.release(pod);
    expect(await mounted()).toEqual([]);
    expect(await readdir(pod)).toEqual([]);
    expect(await readFile(path.join(volume, 'moved/f'), 'utf8')).toBe('inside');
  });

  it('show what was opened although the path is swapped before the mount', async () => {
    const swapping: HostCommands = {
      run: async (command, args, options) => {
        if (command === 'mount' && (await stat(path.join(volume, 'moved')).catch(() => undefined)) === undefined) await swap();
        return ownHostCommands.run(command, args, options);
      },
    };
    const target = await createSubPathMounts(swapping).bind(pod, place, volume, 'dir');
    expect(await readFile(path.join(target, 'f'), 'utf8')).toBe('inside');
  });

  it('are refused, and taken away, when something else was mounted than what is open', async () => {
    const other: HostCommands = {
      run: (command, args, options) =>
        ownHostCommands.run(command, command === 'mount' ? ['--bind', path.join(folder, 'victim'), args.at(-1) ?? ''] : args, options),
    };
    await expect(createSubPathMounts(other).bind(pod, place, volume, 'dir')).rejects.toThrow('it was replaced meanwhile');
    expect(await mounted()).toEqual([]);
  });

  it('work where mount does not follow descriptors unless it may resolve paths', async () => {
    const strict: HostCommands = {
      run: (command, args, options) =>
        args.includes('--no-canonicalize')
          ? Promise.resolve({ exitCode: 32, stdout: '', stderr: 'move_mount() failed' })
          : ownHostCommands.run(command, args, options),
    };
    const target = await createSubPathMounts(strict).bind(pod, place, volume, 'dir/f');
    expect(await readFile(target, 'utf8')).toBe('inside');
  });

  it('go with everything else of a killed agent, and the data of volumes stays', async () => {
    await createSubPathMounts(ownHostCommands).bind(pod, place, volume, 'dir');
    await removeEverything({
      home: path.join(folder, 'agent'),
      podLogsDir: path.join(folder, 'logs'),
      cgroupRoot: `/${path.basename(folder)}`,
      logger: silentLogger,
    });
    expect(await mounted()).toEqual([]);
    expect(await readdir(path.join(folder, 'agent'))).toEqual([]);
    expect(await readFile(path.join(volume, 'dir/f'), 'utf8')).toBe('inside');
  });
});
