import type { Revision } from '@bayplan/store';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snapshotRestore, snapshotSave } from '../src/commands/snapshot.ts';
import { restoreFromSnapshot } from '../src/commands/snapshot-restore.ts';
import { saveSnapshot } from '../src/commands/snapshot-save.ts';
import { homeAt } from '../src/home.ts';
import type { Home } from '../src/home.ts';
import { recordProcess } from '../src/host/process-record.ts';
import { contentsOf, embeddedAt, fillStore, homeWithSecret, newFolder, objectCount, optionsFor } from './snapshot-steps.ts';

let root: string;
let saved: Home;
let file: string;
let contents: [string, string][];
let homes = 0;
const newHome = (secret?: string): Promise<Home> => homeWithSecret(path.join(root, `home-${String((homes += 1))}`), secret);

beforeAll(async () => {
  root = await newFolder();
  saved = await newHome();
  await embeddedAt(saved, fillStore);
  contents = await embeddedAt(saved, contentsOf);
  file = path.join(root, 'one.snapshot');
  await saveSnapshot(optionsFor(saved, file));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('save', () => {
  it('writes a file that only its owner reads, and says what must be kept with it', async () => {
    const other = path.join(root, 'other.snapshot');
    await writeFile(other, 'an older snapshot', { mode: 0o644 });
    const summary = JSON.parse(await snapshotSave(optionsFor(saved, other), 'json')) as Record<string, unknown>;
    expect(summary).toEqual({
      file: other,
      objects: objectCount,
      revision: objectCount + 2,
      sizeBytes: (await stat(other)).size,
      source: 'embedded',
      bootstrapSecretFile: saved.bootstrapSecret,
    });
    expect((await stat(other)).mode & 0o777).toBe(0o600);
    expect(await readFile(other)).toEqual(await readFile(file));
    expect(await snapshotSave(optionsFor(saved, other), 'text')).toContain(saved.bootstrapSecret);
  });

  it('refuses where there is nothing to save, and leaves no file', async () => {
    const target = path.join(root, 'nothing.snapshot');
    const empty = await newHome();
    await expect(saveSnapshot(optionsFor(empty, target))).rejects.toThrow(/has no store/);
    await embeddedAt(empty, () => Promise.resolve());
    await expect(saveSnapshot(optionsFor(empty, target))).rejects.toThrow(/the store is empty/);
    await expect(saveSnapshot(optionsFor(saved, path.join(root, 'no/such/folder')))).rejects.toThrow(/cannot write/);
    for (const place of [root, '/dev/null']) await expect(saveSnapshot(optionsFor(saved, place))).rejects.toThrow(/is not a regular file/);
    expect((await readdir(root)).filter((name) => name.startsWith('nothing'))).toEqual([]);
  });
});

describe('restore', () => {
  it('brings everything back, at revisions that were never given out', async () => {
    const home = await newHome();
    const summary = await restoreFromSnapshot(optionsFor(home, file));
    expect(summary).toMatchObject({ target: 'embedded', objects: objectCount, revision: objectCount + 2 });
    await embeddedAt(home, async (store) => {
      expect(await contentsOf(store)).toEqual(contents);
      expect(await store.currentRevision()).toBe(summary.restoredRevision);
      expect(summary.restoredRevision).toBeGreaterThan(1_000_000_000);
      await expect(store.list({ prefix: '/', revision: summary.revision as Revision })).rejects.toMatchObject({ reason: 'compacted' });
    });
    expect(await readdir(home.dir)).not.toContain('store.restoring');
    expect(await readdir(home.run)).toEqual([]);
  });

  it.each([
    ['cut short', (copy: string) => truncate(copy, 5_000), /damaged: it ends early/],
    ['of which the end is missing', async (copy: string) => truncate(copy, (await stat(copy)).size - 1), /damaged: it ends early/],
    ['with a byte changed', (copy: string) => changeByte(copy, 5_000), /damaged/],
    ['with something after its end', (copy: string) => writeFile(copy, 'x', { flag: 'a' }), /damaged: something follows/],
    ['of something else', (copy: string) => writeFile(copy, 'hello\n'), /This is not a snapshot/],
    ['that is empty', (copy: string) => truncate(copy, 0), /damaged/],
  ])('refuses a file %s in one line and changes nothing', async (_, damage, message) => {
    const copy = path.join(root, 'damaged.snapshot');
    await writeFile(copy, await readFile(file));
    await damage(copy);
    const home = await newHome();
    const failure = await restoreFromSnapshot({ ...optionsFor(home, copy), force: true }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ name: 'UserError', message: expect.stringMatching(message) as string });
    expect((failure as Error).message).not.toContain('\n');
    expect(await readdir(home.dir)).toEqual(['pki']);
  });

  it('replaces a cluster only when forced, and keeps what was there', async () => {
    const home = await newHome();
    await embeddedAt(home, (store) => store.create('/registry/core/configmaps/default/mine', Buffer.from('precious')));
    await expect(restoreFromSnapshot(optionsFor(home, file))).rejects.toThrow(/holds a cluster already: add --force/);
    expect(await embeddedAt(home, async (store) => (await contentsOf(store)).length)).toBe(1);
    const text = await snapshotRestore({ ...optionsFor(home, file), force: true }, 'text');
    const aside = `${home.store}.before-restore-20260102T030405Z`;
    expect(text).toContain(aside);
    expect(await embeddedAt(home, contentsOf)).toEqual(contents);
    expect(await embeddedAt({ ...home, store: aside }, async (store) => (await contentsOf(store)).length)).toBe(1);
  });

  it('replaces a store that is damaged only when forced', async () => {
    const home = await newHome();
    await embeddedAt(home, fillStore);
    await writeFile(path.join(home.store, 'data.mdb'), Buffer.alloc(100_000, 0x5a));
    await expect(saveSnapshot(optionsFor(home, path.join(root, 'never')))).rejects.toThrow(/the store is damaged/);
    await expect(restoreFromSnapshot(optionsFor(home, file))).rejects.toThrow(/add --force/);
    expect(await restoreFromSnapshot({ ...optionsFor(home, file), force: true })).toHaveProperty('movedTo');
    expect(await embeddedAt(home, contentsOf)).toEqual(contents);
  });

  it('takes the place of a store that is empty', async () => {
    const home = await newHome();
    await embeddedAt(home, () => Promise.resolve());
    await restoreFromSnapshot(optionsFor(home, file));
    expect(await embeddedAt(home, contentsOf)).toEqual(contents);
    expect((await readdir(home.dir)).filter((name) => name.startsWith('store'))).toEqual(['store']);
  });

  it('demands the bootstrap secret of the saved cluster', async () => {
    await expect(restoreFromSnapshot(optionsFor(homeAt(path.join(root, 'none')), file))).rejects.toThrow(/bootstrap-secret is missing/);
    const stranger = await newHome('of another cluster');
    await expect(restoreFromSnapshot(optionsFor(stranger, file))).rejects.toThrow(/is of another cluster/);
    await restoreFromSnapshot({ ...optionsFor(stranger, file), bootstrapSecretFile: saved.bootstrapSecret });
    expect(await embeddedAt(stranger, contentsOf)).toEqual(contents);
  });

  it('refuses while a server runs on the folder', async () => {
    const home = await newHome();
    await restoreFromSnapshot(optionsFor(home, file));
    const forget = await recordProcess(home.run, 'server');
    await expect(restoreFromSnapshot({ ...optionsFor(home, file), force: true })).rejects.toThrow(/server runs on .* already/);
    await forget();
  });
});

async function changeByte(name: string, position: number): Promise<void> {
  const bytes = await readFile(name);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  await writeFile(name, bytes);
}
