import { openEtcdStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restoreFromSnapshot } from '../src/commands/snapshot-restore.ts';
import { saveSnapshot } from '../src/commands/snapshot-save.ts';
import type { Home } from '../src/home.ts';
import { contentsOf, embeddedAt, fillStore, homeWithSecret, newFolder, objectCount, optionsFor } from './snapshot-steps.ts';

describe.skipIf(etcdMissing)(`snapshots of etcd${etcdMissing ? ` (${etcdMissing})` : ''}`, () => {
  let root: string;
  let home: Home;
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  const flags = (prefix: string) => ({ etcd: { endpoints: [etcd.endpoint], prefix } });
  const storeAt = async <T>(prefix: string, use: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openEtcdStore({ endpoints: [etcd.endpoint], prefix });
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  };

  beforeAll(async () => {
    root = await newFolder();
    home = await homeWithSecret(path.join(root, 'home'));
    etcd = await startEtcd();
  });
  afterAll(async () => {
    await etcd.dispose();
    await rm(root, { recursive: true, force: true });
  });

  it('are saved from etcd and restored into another prefix that is empty', async () => {
    const file = path.join(root, 'etcd.snapshot');
    await storeAt('/one', fillStore);
    const options = optionsFor(home, file);
    expect(await saveSnapshot({ ...options, ...flags('/one') })).toMatchObject({ source: 'etcd', objects: objectCount });
    await expect(restoreFromSnapshot({ ...options, ...flags('/one'), force: true })).rejects.toThrow(
      /etcd holds a cluster under \/one already/,
    );
    const summary = await restoreFromSnapshot({ ...options, ...flags('/two') });
    expect(summary.restoredRevision).toBeGreaterThanOrEqual(summary.revision + 10_000);
    expect(await storeAt('/two', contentsOf)).toEqual(await storeAt('/one', contentsOf));
    await expect(saveSnapshot({ ...options, ...flags('/three') })).rejects.toThrow(/the store is empty: check --etcd-prefix/);
  });

  it('go from one backend to the other', async () => {
    const file = path.join(root, 'embedded.snapshot');
    await embeddedAt(home, fillStore);
    await saveSnapshot(optionsFor(home, file));
    await restoreFromSnapshot({ ...optionsFor(home, file), ...flags('/from-embedded') });
    expect(await storeAt('/from-embedded', contentsOf)).toEqual(await embeddedAt(home, contentsOf));
  });
});
