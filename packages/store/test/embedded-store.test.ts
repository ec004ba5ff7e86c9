import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FakeClock } from '@bayplan/component-base';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../src/index.ts';
import type { Revision } from '../src/index.ts';
import { collectWatch } from '../src/testing/index.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bayplan-store-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function fill(count: number): Promise<void> {
  const store = await openEmbeddedStore({ directory });
  await Promise.all(Array.from({ length: count }, (_, index) => store.create(`/k/${String(index)}`, Buffer.alloc(3000, index))));
  await store.close();
}

describe('ownership', () => {
  it('a second open in the same process is refused', async () => {
    const store = await openEmbeddedStore({ directory });
    await expect(openEmbeddedStore({ directory })).rejects.toThrow(`in use by pid ${String(process.pid)}`);
    await store.create('/a', Buffer.from('still works'));
    await store.close();
    await (await openEmbeddedStore({ directory })).close();
  });

  it('a store that a live process owns is refused, and one of a dead process is taken over', async () => {
    await fill(1);
    const living = { pid: process.ppid, started: await startOf(process.ppid) };
    await setOwner(living);
    await expect(openEmbeddedStore({ directory })).rejects.toMatchObject({
      reason: 'invalid',
      message: expect.stringContaining(`in use by pid ${String(process.ppid)}`) as string,
    });
    await setOwner({ ...living, started: 'another life of this pid' });
    await (await openEmbeddedStore({ directory })).close();
    const dead = spawnSync('true').pid;
    await setOwner({ pid: dead, started: living.started });
    await (await openEmbeddedStore({ directory })).close();
  });

  it.runIf(process.platform === 'linux')('a store of a killed process that nobody has collected is taken over', async () => {
    await fill(1);
    // The shell becomes `sleep`, which never waits for the child that the shell had.
    const parent = spawn('sh', ['-c', 'sleep 100 & echo $!; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      await setOwner({ pid, started: await startOf(pid) });
      await expect(openEmbeddedStore({ directory })).rejects.toMatchObject({ reason: 'invalid' });
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => readFile(`/proc/${String(pid)}/stat`, 'latin1')).toContain(') Z ');
      await (await openEmbeddedStore({ directory })).close();
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

describe('damage', () => {
  it.each([
    ['a data file of garbage', (file: string) => writeFile(file, Buffer.alloc(100_000, 0x5a))],
    ['a data file that was cut short', (file: string) => truncate(file, 40_960)],
    ['a header that was overwritten', (file: string) => overwrite(file, 0, 8192)],
  ])('%s is reported when the store is opened', async (_, damage) => {
    await fill(100);
    await damage(path.join(directory, 'data.mdb'));
    await expect(openEmbeddedStore({ directory })).rejects.toMatchObject({ reason: 'corrupt' });
  });

  it('a value that changed on the disk is reported when it is read', async () => {
    await fill(1);
    const file = path.join(directory, 'data.mdb');
    const at = (await readFile(file)).indexOf(Buffer.from('/k/0').toString('latin1') + '\0'.repeat(100), 0, 'latin1');
    expect(at).toBeGreaterThan(0);
    await overwrite(file, at + 1000, 4);
    const store = await openEmbeddedStore({ directory });
    await expect(store.get('/k/0')).rejects.toMatchObject({ reason: 'corrupt' });
    await expect(store.list({ prefix: '' })).rejects.toMatchObject({ reason: 'corrupt' });
    await store.close();
  });

  it('another format is refused', async () => {
    await fill(1);
    await setMeta('format', 99);
    await expect(openEmbeddedStore({ directory })).rejects.toMatchObject({
      reason: 'invalid',
      message: expect.stringContaining('format 99') as string,
    });
  });
});

describe('automatic compaction', () => {
  it('forgets history that is older than the retention', async () => {
    const clock = new FakeClock();
    const store = await openEmbeddedStore({ directory, clock, retentionMs: 60_000 });
    const first = await store.create('/a', Buffer.from('1'));
    const second = await store.update('/a', Buffer.from('2'), first);
    await clock.advance(59_000);
    expect((await store.get('/a', { revision: first })).item?.value.toString()).toBe('1');
    await clock.advance(61_000);
    await expect.poll(async () => (await store.status()).compactedRevision).toBe(second);
    await expect(store.get('/a', { revision: first })).rejects.toMatchObject({ reason: 'compacted' });
    expect((await store.get('/a')).item?.value.toString()).toBe('2');
    await store.close();
  });

  it('keeps a bounded number of revisions under load, and reuses their space', { timeout: 30_000 }, async () => {
    const store = await openEmbeddedStore({ directory, retentionRevisions: 200 });
    let revision = await store.create('/a', Buffer.alloc(2000));
    const sizes: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (let index = 0; index < 120; index += 1) {
        const next = store.update('/a', Buffer.alloc(2000), revision);
        await Promise.all(
          Array.from({ length: 3 }, (_, other) => store.create(`/${String(round)}/${String(index)}/${String(other)}`, Buffer.alloc(0))),
        );
        revision = await next;
      }
      sizes.push((await store.status()).sizeBytes);
    }
    const { compactedRevision, revision: current } = await store.status();
    expect(current - compactedRevision).toBeLessThan(600);
    expect(sizes.at(-1)).toBeLessThan(4_000_000);
    await store.close();
  });

  it('goes on after a restart in mid-sweep', async () => {
    const store = await openEmbeddedStore({ directory });
    const first = await store.create('/a', Buffer.from('1'));
    const second = await store.update('/a', Buffer.from('2'), first);
    const gone = await store.create('/gone', Buffer.from('x'));
    const deleted = await store.delete('/gone', gone);
    await store.close();
    await setMeta('compaction', { compacted: deleted, swept: first });
    const again = await openEmbeddedStore({ directory });
    await again.compact(deleted);
    expect(await again.currentRevision()).toBe(deleted);
    expect((await again.list({ prefix: '' })).items).toMatchObject([{ key: '/a', revision: second }]);
    await again.close();
  });
});

it('a new store begins at the revision it is told, an old one goes on from its own', async () => {
  const store = await openEmbeddedStore({ directory, firstRevision: 5000 as Revision });
  expect(await store.currentRevision()).toBe(5000);
  expect(await store.create('/a', Buffer.from('1'))).toBe(5001);
  await expect(store.get('/a', { revision: 4000 as Revision })).rejects.toMatchObject({ reason: 'compacted' });
  await store.close();
  const again = await openEmbeddedStore({ directory, firstRevision: 9000 as Revision });
  expect(await again.currentRevision()).toBe(5001);
  await again.close();
});

describe('a full store', () => {
  it('refuses writes with "full", still reads, watches and deletes, and recovers when space is freed', async () => {
    const store = await openEmbeddedStore({ directory, maxSizeBytes: 4 * 1024 * 1024 });
    const watch = collectWatch(store, '', await store.currentRevision());
    const revisions: Revision[] = [];
    let refusal: unknown;
    while (refusal === undefined) {
      try {
        revisions.push(await store.create(`/k/${String(revisions.length)}`, Buffer.alloc(50_000)));
      } catch (error) {
        refusal = error;
      }
    }
    expect(refusal).toMatchObject({ reason: 'full' });
    expect((await store.status()).problem).toContain('limit');
    expect((await store.list({ prefix: '' })).items).toHaveLength(revisions.length);
    let last = 0 as Revision;
    for (const [index, revision] of revisions.slice(0, 40).entries()) last = await store.delete(`/k/${String(index)}`, revision);
    await watch.untilReached(last);
    await store.compact(last);
    await expect
      .poll(() =>
        store.create('/again', Buffer.alloc(50_000)).then(
          () => 'created',
          (error: unknown) => (error as { reason: string }).reason,
        ),
      )
      .toBe('created');
    expect((await store.status()).problem).toBeUndefined();
    await watch.stop();
    await store.close();
  });
});

async function overwrite(file: string, position: number, length: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(length, 0x77), 0, length, position);
  await handle.close();
}

async function setOwner(owner: unknown): Promise<void> {
  await setMeta('owner', owner);
}

async function setMeta(name: string, value: unknown): Promise<void> {
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const root = openLmdb<Buffer, Buffer>({ path: directory, noSubdir: false, overlappingSync: false, maxDbs: 4, ...binary });
  await root.openDB({ name: 'meta', ...binary }).put(Buffer.from(name), Buffer.from(JSON.stringify(value)));
  await root.close();
}

async function startOf(pid: number): Promise<string> {
  const [boot, stat] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readFile(`/proc/${String(pid)}/stat`, 'utf8'),
  ]);
  return `${boot.trim()}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
}
