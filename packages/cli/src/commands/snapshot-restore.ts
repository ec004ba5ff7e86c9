import { clusterKeysKey, opensClusterKeys } from '@bayplan/apiserver';
import { createLogger } from '@bayplan/component-base';
import { decodeSnapshot, isStoreError, openEmbeddedStore, raiseRevision, restoreSnapshot } from '@bayplan/store';
import type { Revision, Store } from '@bayplan/store';
import { open, readdir, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { openStore, storeFault } from '../cluster/open-store.ts';
import type { EtcdFlags } from '../cluster/open-store.ts';
import { prepareHome, readIfPresent, removeTree } from '../home.ts';
import type { Home } from '../home.ts';
import { recordProcess, refuseSecondInstance } from '../host/process-record.ts';
import { flushFolder } from '../host/write-durably.ts';
import { UserError } from '../user-error.ts';
import type { SnapshotOptions, SnapshotSummary } from './snapshot-save.ts';

export interface RestoreOptions extends SnapshotOptions {
  /** Move an embedded store that is not empty aside. */
  readonly force: boolean;
  readonly nowMs: number;
}

export interface RestoreSummary extends SnapshotSummary {
  readonly target: 'embedded' | 'etcd';
  /** Of the restored store; greater than any that the saved cluster can have given out. */
  readonly restoredRevision: number;
  /** Where the store that was there before is now. */
  readonly movedTo?: string;
}

/**
 * How far a restored store's revisions are above the snapshot's. The cluster went on after it was saved, and
 * a client that remembers a revision from then must be told to list again. In etcd each revision costs a write.
 */
const revisionGap = { embedded: 1_000_000_000, etcd: 10_000 } as const;

/** Restores a snapshot into a store that nobody uses. The file is read to its end before anything is changed. */
export async function restoreFromSnapshot(options: RestoreOptions): Promise<RestoreSummary> {
  const { home, progress, signal } = options;
  const file = path.resolve(options.file);
  const handle = await open(file).catch((error: unknown) => {
    throw new UserError(`cannot read ${file} (${(error as Error).message})`, 'name a file that `bayplan snapshot save` wrote');
  });
  try {
    progress.step(`Checking ${file}`);
    const found = await verify(file, handle, signal);
    progress.note(`${found.objects} objects at revision ${found.revision}`);
    await checkSecret(options, found.sealedKeys);
    await prepareHome(home);
    await refuseSecondInstance(home, ['up', 'server', 'snapshot-restore']);
    const forget = await recordProcess(home.run, 'snapshot-restore');
    try {
      const { file: name, objects, revision, sizeBytes } = found;
      const source = { handle, revision, name };
      const restored = options.etcd === undefined ? await intoEmbedded(options, source) : await intoEtcd(options, source, options.etcd);
      progress.done();
      return { file: name, objects, revision, sizeBytes, ...restored };
    } finally {
      await forget();
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (signal.aborted) throw new UserError('stopped', 'nothing was changed');
    throw storeFault(error);
  } finally {
    await handle.close();
  }
}

interface Source {
  readonly handle: FileHandle;
  readonly revision: Revision;
  readonly name: string;
}

type Restored = Pick<RestoreSummary, 'target' | 'restoredRevision' | 'movedTo'>;

const bytesOf = (handle: FileHandle): AsyncIterable<Uint8Array> => handle.createReadStream({ start: 0, autoClose: false });

async function verify(
  file: string,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<Omit<SnapshotSummary, 'revision'> & { readonly revision: Revision; readonly sealedKeys: Buffer | undefined }> {
  try {
    const { revision, items } = await decodeSnapshot(bytesOf(handle));
    let objects = 0;
    let sealedKeys: Buffer | undefined;
    for await (const { key, value } of items) {
      signal.throwIfAborted();
      if (key === clusterKeysKey) sealedKeys = value;
      else objects += 1;
    }
    return { file, objects, revision, sizeBytes: (await handle.stat()).size, sealedKeys };
  } catch (error) {
    if (isStoreError(error, 'corrupt')) throw new UserError(`${file}: ${error.message}`, 'nothing was changed; use another snapshot');
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('E')) throw new UserError(`cannot read ${file} (${(error as Error).message})`, 'name a snapshot');
    throw error;
  }
}

/** A cluster that is restored without the secret of its keys would not start. */
async function checkSecret(options: RestoreOptions, sealedKeys: Buffer | undefined): Promise<void> {
  if (sealedKeys === undefined) return;
  const file = options.bootstrapSecretFile ?? options.home.bootstrapSecret;
  const secret = (await readIfPresent(file))?.trim();
  const remedy = 'copy the bootstrap secret that was kept with the snapshot there, or name it with --bootstrap-secret-file';
  if (!secret) throw new UserError(`${file} is missing or empty`, remedy);
  if (!(await opensClusterKeys(sealedKeys, secret))) throw new UserError(`the bootstrap secret in ${file} is of another cluster`, remedy);
}

/** Fills a new store beside the old one, and swaps them once it is whole. */
async function intoEmbedded(options: RestoreOptions, source: Source): Promise<Restored> {
  const { home, progress, signal } = options;
  const present = (await readdir(home.store).catch(() => [])).length > 0;
  const empty = !present || (await isEmpty(home));
  if (!empty && !options.force)
    throw new UserError(`${home.store} holds a cluster already`, 'add --force to move it aside, or name another folder with --home');
  const draft = `${home.store}.restoring`;
  await removeTree(draft);
  try {
    progress.step('Restoring the embedded store');
    const first = (source.revision + revisionGap.embedded) as Revision;
    const store = await openEmbeddedStore({ directory: draft, firstRevision: first });
    const restoredRevision = await fill(store, source, signal);
    await refuseSecondInstance(home, ['up', 'server']);
    const stamp = new Date(options.nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const aside = `${home.store}.before-restore-${stamp}`;
    if (present) await rename(home.store, aside);
    try {
      await rename(draft, home.store);
    } catch (error) {
      if (present) await rename(aside, home.store);
      throw error;
    }
    await flushFolder(home.dir);
    if (present && empty) await removeTree(aside);
    return { target: 'embedded', restoredRevision, ...(empty ? {} : { movedTo: aside }) };
  } finally {
    await removeTree(draft);
  }
}

async function fill(store: Store, source: Source, signal: AbortSignal): Promise<Revision> {
  try {
    await restoreSnapshot(store, await decodeSnapshot(bytesOf(source.handle)), signal);
    return await store.currentRevision();
  } finally {
    await store.close();
  }
}

/** False too for a store that cannot be read: it may hold something. */
async function isEmpty(home: Home): Promise<boolean> {
  try {
    const store = await openEmbeddedStore({ directory: home.store });
    try {
      return (await store.list({ prefix: '', limit: 1 })).items.length === 0;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (isStoreError(error, 'corrupt')) return false;
    throw error;
  }
}

async function intoEtcd(options: RestoreOptions, source: Source, etcd: EtcdFlags): Promise<Restored> {
  const { home, progress, signal } = options;
  const logger = createLogger({ component: 'snapshot', level: 'warn' });
  const store = await openStore({ home, etcd, logger });
  const prefix = etcd.prefix ?? '/bayplan';
  const remove = `remove it with \`etcdctl del --prefix ${prefix}/\` once no server uses it`;
  let begun = false;
  try {
    if ((await store.list({ prefix: '', limit: 1 })).items.length > 0)
      throw new UserError(`etcd holds a cluster under ${prefix} already`, `${remove}, or name another --etcd-prefix`);
    begun = true;
    progress.step('Restoring into etcd');
    await restoreSnapshot(store, await decodeSnapshot(bytesOf(source.handle)), signal);
    progress.step('Raising the revision of etcd above the snapshot');
    const restoredRevision = await raiseRevision(store, (source.revision + revisionGap.etcd) as Revision, signal);
    return { target: 'etcd', restoredRevision };
  } catch (error) {
    if (!begun || error instanceof UserError) throw error;
    throw new UserError(`the restore broke off, and what is under ${prefix} is not whole (${(error as Error).message})`, remove);
  } finally {
    await store.close();
  }
}
