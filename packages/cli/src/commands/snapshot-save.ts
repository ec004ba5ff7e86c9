import { clusterKeysKey } from '@bayplan/apiserver';
import { createLogger } from '@bayplan/component-base';
import { decodeSnapshot, encodeSnapshot, isStoreError, takeSnapshot } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { openStore, storeFault } from '../cluster/open-store.ts';
import type { EtcdFlags } from '../cluster/open-store.ts';
import { downloadSnapshot } from '../cluster/snapshot-download.ts';
import type { Home } from '../home.ts';
import { runningProcesses } from '../host/process-record.ts';
import { writeDurably } from '../host/write-durably.ts';
import type { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';

export interface SnapshotOptions {
  readonly home: Home;
  readonly file: string;
  readonly etcd?: EtcdFlags | undefined;
  readonly bootstrapSecretFile?: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface SnapshotSummary {
  readonly file: string;
  /** Objects of the API; the cluster's sealed keys are not counted. */
  readonly objects: number;
  /** Of the store that was saved. */
  readonly revision: number;
  readonly sizeBytes: number;
}

export interface SaveSummary extends SnapshotSummary {
  readonly source: 'server' | 'embedded' | 'etcd';
  /** Without it the snapshot is of no use. */
  readonly bootstrapSecretFile: string;
}

const reportEveryMs = 5_000;

/** Saves the cluster to a file: from etcd, from the running API server, or from the embedded store when none runs. */
export async function saveSnapshot(options: SnapshotOptions): Promise<SaveSummary> {
  const { home, progress, signal } = options;
  const file = path.resolve(options.file);
  // The file is replaced, which would be the end of a device such as /dev/null.
  const present = await stat(file).catch(() => undefined);
  if (present?.isFile() === false) throw new UserError(`${file} is not a regular file`, 'name one, or a new one');
  const running = (await runningProcesses(home.run)).some(({ role }) => role === 'up' || role === 'server');
  const source = options.etcd !== undefined ? 'etcd' : running ? 'server' : 'embedded';
  progress.step(source === 'server' ? 'Saving the running cluster' : `Saving the ${source} store`);
  const summary = await write(file, progress, signal, source === 'server', (save) =>
    source === 'server' ? downloadSnapshot(home, signal).then(save) : fromStore(options, save),
  );
  progress.note(`${summary.objects} objects at revision ${summary.revision}`);
  progress.done();
  return { ...summary, source, bootstrapSecretFile: path.resolve(options.bootstrapSecretFile ?? home.bootstrapSecret) };
}

type Save = (bytes: AsyncIterable<Uint8Array>) => Promise<SnapshotSummary>;

async function write(
  file: string,
  progress: Progress,
  signal: AbortSignal,
  fromServer: boolean,
  produce: (save: Save) => Promise<SnapshotSummary>,
): Promise<SnapshotSummary> {
  try {
    return await writeDurably(file, (handle) => produce((bytes) => saveTo(file, handle, bytes, progress)));
  } catch (error) {
    if (signal.aborted) throw new UserError('stopped', `${file} was not written`);
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNRESET' || (fromServer && isStoreError(error, 'corrupt')))
      throw new UserError(`the snapshot broke off (${(error as Error).message})`, 'look into the log of the server, and try again');
    if (code?.startsWith('E')) throw new UserError(`cannot write ${file} (${(error as Error).message})`, 'name another file');
    throw storeFault(error);
  }
}

async function fromStore(options: SnapshotOptions, save: Save): Promise<SnapshotSummary> {
  const { home, etcd, signal } = options;
  if (etcd === undefined && (await readdir(home.store).catch(() => [])).length === 0)
    throw new UserError(`${home.dir} has no store`, 'name the folder of a cluster with --home or BAYPLAN_HOME, or its --etcd-endpoints');
  const logger = createLogger({ component: 'snapshot', level: 'warn' });
  const store: Store = await openStore({ home, etcd, logger });
  try {
    const { items } = await store.list({ prefix: '', limit: 1 });
    if (items.length === 0)
      throw new UserError('the store is empty', etcd === undefined ? 'start the cluster once before you save it' : 'check --etcd-prefix');
    return await save(encodeSnapshot(await takeSnapshot(store, signal)));
  } finally {
    await store.close();
  }
}

/** Writes the bytes, and reads them while they pass: what was cut off on its way is not a snapshot. */
async function saveTo(file: string, handle: FileHandle, bytes: AsyncIterable<Uint8Array>, progress: Progress): Promise<SnapshotSummary> {
  let sizeBytes = 0;
  const written = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      await handle.writeFile(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  const { revision, items } = await decodeSnapshot(written());
  let objects = 0;
  let reportedMs = performance.now();
  for await (const { key } of items) {
    if (key !== clusterKeysKey) objects += 1;
    if (performance.now() - reportedMs < reportEveryMs) continue;
    reportedMs = performance.now();
    progress.note(`${objects} objects`);
  }
  return { file, objects, revision, sizeBytes };
}
