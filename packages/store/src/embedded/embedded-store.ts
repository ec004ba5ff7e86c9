import path from 'node:path';
import { systemClock } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import { firstRevision, checkReadable } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { Revision, Store, StoreEvent } from '../store.ts';
import { EventFeed } from '../watch/event-feed.ts';
import { Compactor, parseCompaction } from './compactor.ts';
import { commit, diskSpace, openEnvironment, putMetaValue, readMetaValue, toStoreError } from './environment.ts';
import type { Environment } from './environment.ts';
import { holdDirectory, releaseDirectory, takeOwnership } from './ownership.ts';
import { newestLogRevision, Reader, readSafely } from './reader.ts';
import { freePages, Writer } from './writer.ts';

export interface EmbeddedStoreOptions {
  /** Where the files are; created, with mode 0700, if absent. One process at a time may have it open. */
  readonly directory: string;
  readonly clock?: Clock;
  /** Told of what happens in the background: a full disk, a compaction that failed. */
  readonly logger?: Logger;
  /** The revision at which a store that is created begins: after a restore, greater than any that was given out before. */
  readonly firstRevision?: Revision;
  /** How long history is kept for reads and watches at old revisions. 5 minutes unless told. */
  readonly retentionMs?: number;
  /** The most revisions of history that are kept, whatever their age. 100,000 unless told. */
  readonly retentionRevisions?: number;
  /** Writes are refused with `full` while the file is larger than this. 8 GiB unless told. */
  readonly maxSizeBytes?: number;
  /** How many events stay in memory for watchers that lag; older ones are read again. 2,000 unless told. */
  readonly recentEvents?: number;
}

/** The layout of the files. A store of another format is refused. */
const format = 1;

/**
 * Opens a store in a folder of its own, on LMDB. Writes are on disk when they resolve. Rejects with
 * `corrupt` when the files are damaged, and with `invalid` when another process has them open or
 * another format was found.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const directory = path.resolve(options.directory);
  holdDirectory(directory);
  let environment: Environment | undefined;
  try {
    environment = await openEnvironment(directory);
    await takeOwnership(environment);
    await checkFormat(environment, options.firstRevision);
    return createStore(environment, options);
  } catch (error) {
    await environment?.root.close();
    releaseDirectory(directory);
    throw toStoreError(error, `The store in ${directory} cannot be opened`);
  }
}

async function checkFormat(environment: Environment, first: Revision | undefined): Promise<void> {
  const found = readMetaValue(environment, 'format');
  if (found === format) return;
  if (found !== undefined)
    throw new StoreError(
      'invalid',
      `The store in ${environment.directory} has format ${JSON.stringify(found)}; this version reads format ${String(format)}`,
    );
  await commit(environment, () => [
    putMetaValue(environment, 'format', format),
    ...(first === undefined ? [] : [putMetaValue(environment, 'compaction', { compacted: first, swept: first })]),
  ]);
}

function createStore(environment: Environment, options: EmbeddedStoreOptions): Store {
  const compaction = parseCompaction(readMetaValue(environment, 'compaction'));
  // Compaction removes nothing newer than its mark, so the newest revision is in the log or is the mark.
  let revision = Math.max(firstRevision, compaction.compacted, newestLogRevision(environment)) as Revision;
  let closed: StoreError | undefined;
  const check = (): void => {
    if (closed !== undefined) throw closed;
  };
  const reader: Reader = new Reader(environment, {
    get revision() {
      return revision;
    },
    get compacted() {
      return compactor.compacted;
    },
    check,
  });
  const compactor = new Compactor({
    environment,
    reader,
    clock: options.clock ?? systemClock,
    ...compaction,
    retentionMs: options.retentionMs ?? 5 * 60_000,
    retentionRevisions: options.retentionRevisions ?? 100_000,
  });
  const feed = new EventFeed({
    history: reader,
    start: revision,
    ...(options.recentEvents === undefined ? {} : { maxEvents: options.recentEvents }),
  });
  const writer = new Writer({
    environment,
    reader,
    compactor,
    revision,
    maxSizeBytes: options.maxSizeBytes ?? 8 * 1024 ** 3,
    onCommitted(events: () => readonly StoreEvent[], reached: Revision) {
      revision = reached;
      if (feed.watchers > 0) feed.publish(events(), reached);
      else feed.skip(reached);
      compactor.observe(reached);
    },
  });
  writer.onProblem = (problem) => options.logger?.error('Store refused writes', { err: problem });
  compactor.onProblem = (problem) => options.logger?.error('Compaction failed', { err: problem });
  compactor.onWork = () => writer.wake();
  compactor.observe(revision);
  if (compactor.pending) writer.wake();

  return {
    get: (key, { revision: at, signal } = {}) =>
      readSafely(signal, () => {
        check();
        return reader.get(key, at ?? revision);
      }),
    list: (listOptions) =>
      readSafely(listOptions.signal, () => {
        check();
        return reader.list(listOptions);
      }),
    create: (key, value) => writer.write('create', key, value, undefined),
    update: (key, value, expected) => writer.write('update', key, value, expected),
    delete: (key, expected) => writer.write('delete', key, undefined, expected),
    watch: (watchOptions) => feed.watch(watchOptions),
    currentRevision: () =>
      readSafely(undefined, () => {
        check();
        feed.requestProgress(revision);
        return revision;
      }),
    compact: (at) =>
      readSafely(undefined, async () => {
        check();
        if (at > compactor.compacted) checkReadable(at, revision, compactor.compacted);
        await compactor.compact(at);
      }),
    status: () =>
      readSafely(undefined, async () => {
        check();
        const { fileBytes } = await diskSpace(environment.directory);
        check();
        const problem = writer.problem ?? compactor.problem;
        return {
          backend: 'embedded',
          revision,
          compactedRevision: compactor.compacted,
          sizeBytes: fileBytes,
          usedBytes: Math.max(0, fileBytes - freePages(environment)),
          problem: problem?.message,
        };
      }),
    async close() {
      if (closed !== undefined) return;
      closed = new StoreError('closed', 'The store is closed');
      feed.close(closed);
      await writer.close(closed);
      compactor.close(closed);
      // A disk that is full must not keep the store from closing; the next owner sees that this one is gone.
      await commit(environment, () => [environment.meta.remove(Buffer.from('owner'))]).catch(() => undefined);
      await environment.root.close();
      releaseDirectory(environment.directory);
    },
  };
}
