import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile, appendFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPodCgroups, removePodCgroups, weightOf } from '../src/cgroups/pod-cgroups.ts';
import { parseLogOptions } from '../src/logs/log-options.ts';
import { readLog } from '../src/logs/log-reader.ts';
import { writeAtomically } from '../src/volumes/atomic-writer.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([name, content]) => [name, { content, mode: 0o644 }]));

describe('Atomic writer', () => {
  it('shows files through one link that is switched', async () => {
    expect(await writeAtomically(folder, files({ a: '1', 'sub/b': '2' }))).toBe(true);
    expect(await readFile(path.join(folder, 'sub/b'), 'utf8')).toBe('2');
    expect(await readlink(path.join(folder, 'a'))).toBe('..data/a');
    const before = await readlink(path.join(folder, '..data'));
    expect(await writeAtomically(folder, files({ a: '1', 'sub/b': '2' }))).toBe(false);
    expect(await readlink(path.join(folder, '..data'))).toBe(before);
    expect(await writeAtomically(folder, files({ a: 'new' }))).toBe(true);
    expect((await readdir(folder)).filter((name) => !name.startsWith('..version_'))).toEqual(['..data', 'a']);
    expect((await readdir(folder)).filter((name) => name.startsWith('..version_'))).toHaveLength(1);
    expect(await readFile(path.join(folder, 'a'), 'utf8')).toBe('new');
  });

  it('never follows a link that is not its own, and finishes what a killed process began', async () => {
    const volume = path.join(folder, 'volume');
    const victim = path.join(folder, 'victim');
    await mkdir(victim);
    await writeFile(path.join(victim, 'precious'), '');
    await writeAtomically(volume, files({ a: '1' }));
    await rm(path.join(volume, '..data'));
    await symlink('../victim', path.join(volume, '..data'));
    expect(await writeAtomically(volume, files({ a: '2', b: '2' }))).toBe(true);
    expect(await readdir(victim)).toEqual(['precious']);
    // Killed after the switch: a visible name and the old version's removal are missing.
    await rm(path.join(volume, 'b'));
    await mkdir(path.join(volume, '..version_old'));
    expect(await writeAtomically(volume, files({ a: '2', b: '2' }))).toBe(false);
    expect(await readFile(path.join(volume, 'b'), 'utf8')).toBe('2');
    expect((await readdir(volume)).filter((name) => name.startsWith('..version_'))).toHaveLength(1);
  });

  it('sets modes whatever the umask', async () => {
    await writeAtomically(folder, new Map([['secret', { content: 'x', mode: 0o400 }]]));
    expect((await stat(path.join(folder, 'secret'))).mode & 0o777).toBe(0o400);
  });
});

describe('Logs', () => {
  const line = (second: number, text: string, stream = 'stdout') => `2026-01-01T00:00:0${String(second)}.000000000Z ${stream} F ${text}\n`;
  const read = async (query: string, running: () => Promise<boolean> = () => Promise.resolve(false)) => {
    const options = parseLogOptions(new URLSearchParams(query), Date.parse('2026-01-01T00:00:09Z'));
    if (typeof options === 'string') throw new Error(options);
    let text = '';
    for await (const part of readLog(path.join(folder, '0.log'), options, running, new AbortController().signal)) text += part.toString();
    return text;
  };
  beforeEach(() => writeFile(path.join(folder, '0.log'), line(1, 'one') + line(2, 'two', 'stderr') + line(3, 'three')));

  it.each([
    ['', 'one\ntwo\nthree\n'],
    ['tailLines=2', 'two\nthree\n'],
    ['tailLines=0', ''],
    ['limitBytes=5', 'one\nt'],
    ['sinceSeconds=7', 'two\nthree\n'],
    ['sinceTime=2026-01-01T00:00:03Z', 'three\n'],
    ['stream=Stderr', 'two\n'],
    ['tailLines=1&timestamps=true', '2026-01-01T00:00:03.000000000Z three\n'],
  ])('with %s', async (query, expected) => {
    expect(await read(query)).toBe(expected);
  });

  it('joins partial lines', async () => {
    await writeFile(path.join(folder, '0.log'), '2026-01-01T00:00:01Z stdout P ab\n2026-01-01T00:00:01Z stdout F cd\n');
    expect(await read('')).toBe('abcd\n');
  });

  it('reads what was rotated away first', async () => {
    await rename(path.join(folder, '0.log'), path.join(folder, '0.log.20260101-000004'));
    await writeFile(path.join(folder, '0.log'), line(5, 'five'));
    expect(await read('')).toBe('one\ntwo\nthree\nfive\n');
  });

  it('follows until the container has ended', async () => {
    let calls = 0;
    const text = await read('follow=true&tailLines=1', async () => {
      calls += 1;
      if (calls === 1) await appendFile(path.join(folder, '0.log'), line(4, 'four'));
      if (calls === 2) await appendFile(path.join(folder, '0.log'), line(5, 'last'));
      return calls < 2;
    });
    expect(text).toBe('three\nfour\nlast\n');
  });

  it('refuses what is no number', () => {
    expect(parseLogOptions(new URLSearchParams('tailLines=x'), 0)).toBe('tailLines must be a whole number');
  });
});

describe('Pod cgroups', () => {
  it('sets limits on v1, each controller in its own tree', async () => {
    for (const name of ['cpu', 'memory', 'pids', 'freezer']) await mkdir(path.join(folder, name));
    const cgroups = await createPodCgroups(folder, '/test');
    await cgroups.prepare();
    await cgroups.create('Burstable', 'u1', { cpuShares: 100, cpuQuotaUs: 5000, memoryBytes: 4096 });
    expect(cgroups.parentOf('Burstable', 'u1')).toBe('/test/burstable/podu1');
    const read = (file: string) => readFile(path.join(folder, file), 'utf8');
    expect(await read('cpu/test/burstable/podu1/cpu.shares')).toBe('100');
    expect(await read('cpu/test/burstable/podu1/cpu.cfs_quota_us')).toBe('5000');
    expect(await read('memory/test/burstable/podu1/memory.limit_in_bytes')).toBe('4096');
    expect(await readdir(path.join(folder, 'freezer'))).toEqual([]);
    expect(await cgroups.list()).toEqual([{ qos: 'Burstable', uid: 'u1' }]);
  });

  it('are removed, but for those in use, which hold up no other', async () => {
    for (const name of ['cpu', 'memory']) await mkdir(path.join(folder, name, 'test/burstable/podu1'), { recursive: true });
    await mkdir(path.join(folder, 'cpu/test/besteffort/podu2'), { recursive: true });
    // A file keeps an ordinary folder as a process keeps a cgroup.
    await writeFile(path.join(folder, 'cpu/test/besteffort/podu2/process'), '');
    expect(await removePodCgroups(folder, '/test')).toEqual([path.join(folder, 'cpu/test/besteffort/podu2')]);
    expect([await readdir(path.join(folder, 'memory')), await readdir(path.join(folder, 'cpu/test'))]).toEqual([[], ['besteffort']]);
  });

  it('hands controllers down and scales weights on v2', async () => {
    await writeFile(path.join(folder, 'cgroup.controllers'), 'cpu memory pids\n');
    const cgroups = await createPodCgroups(folder, '/test');
    await cgroups.create('Guaranteed', 'u1', { cpuShares: 1024, cpuQuotaUs: 5000, memoryBytes: 4096, pids: 9 });
    const read = (file: string) => readFile(path.join(folder, 'test/podu1', file), 'utf8');
    expect([await read('cpu.weight'), await read('cpu.max'), await read('memory.max'), await read('pids.max')]).toEqual([
      '39',
      '5000 100000',
      '4096',
      '9',
    ]);
    expect([weightOf(2), weightOf(262_144)]).toEqual([1, 10_000]);
  });
});
