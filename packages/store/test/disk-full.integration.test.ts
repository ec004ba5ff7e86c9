import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isStoreError, openEmbeddedStore } from '../src/index.ts';
import type { Revision } from '../src/index.ts';

const root = process.getuid?.() === 0;

/** Needs root for a small file system of its own. */
async function onSmallDisk(mebibytes: number, run: (directory: string) => Promise<void>): Promise<void> {
  const mount = await mkdtemp(path.join(tmpdir(), 'bayplan-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${String(mebibytes)}m`, 'bayplan-test', mount]).status !== 0)
    throw new Error('mount failed');
  try {
    await run(mount);
  } finally {
    spawnSync('umount', [mount]);
    await rm(mount, { recursive: true, force: true });
  }
}

it.skipIf(!root)('a disk that fills up stops writes, not reads, and deleting makes room again', () =>
  onSmallDisk(40, async (mount) => {
    const store = await openEmbeddedStore({ directory: path.join(mount, 'store') });
    const written = new Map<string, Revision>();
    let failure: unknown;
    for (let round = 0; failure === undefined; round += 1) {
      const keys = Array.from({ length: 20 }, (_, index) => `/k/${String(round)}/${String(index)}`);
      const results = await Promise.allSettled(keys.map((key) => store.create(key, Buffer.alloc(8000))));
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') written.set(keys[index] ?? '', result.value);
        else failure = result.reason;
      }
    }
    expect(isStoreError(failure, 'full')).toBe(true);
    expect((await store.list({ prefix: '' })).items.map((item) => item.key).sort()).toEqual([...written.keys()].sort());
    let last = 0 as Revision;
    for (const [key, revision] of [...written].slice(0, 300)) last = await store.delete(key, revision);
    await store.compact(last);
    await store.create('/again', Buffer.alloc(8000));
    await store.close();
  }),
);

it.skipIf(!root)('a disk that somebody else fills between two looks loses nothing, and the store goes on when there is room', () =>
  onSmallDisk(64, async (mount) => {
    const directory = path.join(mount, 'store');
    const store = await openEmbeddedStore({ directory });
    const first = await store.create('/first', Buffer.alloc(8000, 1));
    const filler = await open(path.join(mount, 'filler'), 'w');
    await expect(
      (async () => {
        for (;;) await filler.write(Buffer.alloc(65_536, 1));
      })(),
    ).rejects.toThrow('ENOSPC');
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => store.create(`/k/${String(index)}`, Buffer.alloc(30_000))),
    );
    for (const result of results) expect(result.status === 'rejected' && isStoreError(result.reason, 'full')).toBe(true);
    expect((await store.get('/first')).item?.revision).toBe(first);
    expect((await store.list({ prefix: '' })).items).toHaveLength(1);
    await filler.truncate(0);
    await filler.close();
    const second = await store.create('/second', Buffer.alloc(8000));
    expect(second).toBe(first + 1);
    await store.close();
    const again = await openEmbeddedStore({ directory });
    expect((await again.list({ prefix: '' })).items.map((item) => item.key)).toEqual(['/first', '/second']);
    await again.close();
  }),
);
