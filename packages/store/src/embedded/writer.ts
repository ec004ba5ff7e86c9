import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkWriteSize, encodeKey } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { Revision, StoreEvent } from '../store.ts';
import type { Compactor } from './compactor.ts';
import { append, commit, diskSpace, toStoreError } from './environment.ts';
import type { Environment } from './environment.ts';
import type { Reader } from './reader.ts';
import { toEvent } from './reader.ts';
import type { IndexEntry, LogRecord } from './record.ts';
import { encodeIndexEntry, encodeRecord, encodeRevision, valueOf } from './record.ts';

interface PendingWrite {
  readonly kind: LogRecord['kind'];
  readonly key: string;
  readonly keyBytes: Buffer;
  readonly value: Buffer;
  /** The revision that the key must be at; undefined for a create. */
  readonly expected: Revision | undefined;
  resolve(revision: Revision): void;
  reject(error: StoreError): void;
}

interface PlannedWrite {
  readonly write: PendingWrite;
  readonly revision: Revision;
  readonly previous: Revision;
  readonly record: Buffer;
}

export interface WriterOptions {
  readonly environment: Environment;
  readonly reader: Reader;
  readonly compactor: Compactor;
  /** The newest revision in the log. */
  readonly revision: Revision;
  /** Writes are refused with `full` while the file is larger than this. */
  readonly maxSizeBytes: number;
  /** Called after the flush and before the writers hear of it. Making the events reads the values that were replaced. */
  onCommitted(events: () => readonly StoreEvent[], revision: Revision): void;
}

const maxBatchWrites = 1000;
const maxBatchBytes = 8 * 1024 * 1024;
const noValue = Buffer.alloc(0);
/** Kept free on the disk, so that deletes and compaction still work when it is full. */
const reserveBytes = 16 * 1024 * 1024;
const bytesBetweenDiskChecks = 4 * 1024 * 1024;
const msBetweenDiskChecks = 5000;

/**
 * The ordered writer. Writes that arrive while a transaction is being flushed wait, and go together
 * into the next one: one flush for all. Conditions are checked here, in order, against the log and
 * the writes before them in the same transaction; nothing else changes the store.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #pending: PendingWrite[] = [];
  #revision: Revision;
  #running: Promise<void> | undefined;
  #closed: StoreError | undefined;
  #full: StoreError | undefined;
  /** Called when writes begin to be refused. */
  onProblem: (problem: StoreError) => void = () => undefined;
  #bytesSinceCheck = Infinity;
  #checkedAt = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#revision = options.revision;
  }

  /** What keeps the store from taking writes. */
  get problem(): StoreError | undefined {
    return this.#full;
  }

  write(kind: LogRecord['kind'], key: string, value: Buffer | undefined, expected: Revision | undefined): Promise<Revision> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) throw this.#closed;
      const keyBytes = encodeKey(key);
      checkWriteSize(key, keyBytes.length, value?.length ?? 0);
      this.#pending.push({ kind, key, keyBytes, value: value ?? noValue, expected, resolve, reject });
      this.wake();
    });
  }

  /** Looks for work: pending writes, or a compaction. */
  wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#hasWork()) this.wake();
    });
  }

  /** Finishes what was asked before, and refuses what comes after. */
  async close(error: StoreError): Promise<void> {
    this.#closed = error;
    while (this.#running !== undefined) await this.#running;
  }

  #hasWork(): boolean {
    return this.#pending.length > 0 || (this.#options.compactor.pending && this.#closed === undefined);
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (this.#hasWork()) {
      const batch = this.#takeBatch();
      try {
        await this.#commitBatch(batch);
      } catch (error) {
        const failure = toStoreError(error, 'A write to the store failed');
        if (failure.reason === 'full') this.#refuse(failure);
        this.#bytesSinceCheck = Infinity;
        this.#options.compactor.failed(failure);
        for (const write of batch) write.reject(failure);
      }
      await nextTurn();
    }
  }

  #takeBatch(): PendingWrite[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#pending) {
      bytes += write.value.length;
      if (count > 0 && (count >= maxBatchWrites || bytes > maxBatchBytes)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #commitBatch(batch: readonly PendingWrite[]): Promise<void> {
    const { environment, reader, compactor } = this.#options;
    await this.#checkSpace(batch);
    const touched = new Map<string, IndexEntry>();
    const planned: PlannedWrite[] = [];
    const refused: { write: PendingWrite; error: StoreError }[] = [];
    let revision: Revision = this.#revision;
    for (const write of batch) {
      const current = touched.get(write.key) ?? reader.newest(write.keyBytes);
      const error = this.#refusal(write, current);
      if (error !== undefined) {
        refused.push({ write, error });
        continue;
      }
      revision = (revision + 1) as Revision;
      const previous = current?.revision ?? (0 as Revision);
      planned.push({ write, revision, previous, record: encodeRecord(write.kind, previous, write.keyBytes, write.value) });
      touched.set(write.key, { revision, deleted: write.kind === 'delete' });
    }
    const sweep = compactor.plan((key) => touched.has(key));
    if (planned.length > 0 || sweep.length > 0) {
      await commit(environment, () => {
        const puts = planned.map((plan) => append(environment.log, encodeRevision(plan.revision), plan.record));
        for (const plan of planned) {
          this.#bytesSinceCheck += plan.record.length;
          if (touched.get(plan.write.key)?.revision !== plan.revision) continue;
          puts.push(
            environment.index.put(
              plan.write.keyBytes,
              encodeIndexEntry({ revision: plan.revision, deleted: plan.write.kind === 'delete' }),
            ),
          );
        }
        for (const change of sweep) puts.push(change());
        return puts;
      });
      compactor.done();
    }
    this.#revision = revision;
    if (planned.length > 0) this.#options.onCommitted(() => planned.map((plan) => this.#eventOf(plan)), revision);
    for (const plan of planned) plan.write.resolve(plan.revision);
    for (const { write, error } of refused) write.reject(error);
  }

  #refusal(write: PendingWrite, current: IndexEntry | undefined): StoreError | undefined {
    const { key, expected } = write;
    if (expected === undefined) {
      if (current !== undefined && !current.deleted) return new StoreError('exists', `${key} exists`, { key });
    } else {
      if (current === undefined || current.deleted) return new StoreError('not-found', `${key} does not exist`, { key });
      if (current.revision !== expected)
        return new StoreError('conflict', `${key} is at revision ${String(current.revision)}, not ${String(expected)}`, { key });
    }
    return this.#full !== undefined && write.kind !== 'delete' ? this.#full : undefined;
  }

  #eventOf(plan: PlannedWrite): StoreEvent {
    const { kind, key } = plan.write;
    const record: LogRecord = { kind, previous: plan.previous, key, value: valueOf(plan.record) };
    return toEvent(record, plan.revision, this.#options.reader.previousValue(record));
  }

  /** Refuses writes before the disk is full: a transaction that runs out of space helps nobody. */
  async #checkSpace(batch: readonly PendingWrite[]): Promise<void> {
    const now = performance.now();
    if (this.#bytesSinceCheck < bytesBetweenDiskChecks && now - this.#checkedAt < msBetweenDiskChecks) return;
    const { environment, maxSizeBytes } = this.#options;
    const { freeBytes, fileBytes } = await diskSpace(environment.directory);
    const batchBytes = batch.reduce((sum, write) => sum + write.value.length, 0);
    this.#checkedAt = now;
    this.#bytesSinceCheck = 0;
    // Pages that hold nothing are used again before the file grows.
    const reusableBytes = fileBytes > maxSizeBytes / 2 || freeBytes < 2 * reserveBytes ? freePages(environment) : 0;
    const neededBytes = Math.max(0, 2 * batchBytes + 1024 * 1024 - reusableBytes);
    if (fileBytes - reusableBytes + batchBytes > maxSizeBytes) {
      this.#refuse(new StoreError('full', `The store has reached its limit of ${String(maxSizeBytes)} bytes`));
    } else if (neededBytes > 0 && freeBytes - neededBytes < Math.min(reserveBytes, fileBytes)) {
      this.#refuse(new StoreError('full', `Only ${String(freeBytes)} bytes are free in ${environment.directory}`));
    } else this.#full = undefined;
  }

  /** Refuses writes, except deletes, until a later look at the disk finds room. */
  #refuse(full: StoreError): void {
    if (this.#full === undefined) this.onProblem(full);
    this.#full = full;
    this.#bytesSinceCheck = Infinity;
  }
}

/** Bytes of the file that later writes will use before it grows. */
export function freePages(environment: Environment): number {
  const stats = environment.root.getStats() as { pageSize?: unknown };
  const pageBytes = typeof stats.pageSize === 'number' ? stats.pageSize : 4096;
  return Math.max(0, pageBytes * countFreePages(environment));
}

function countFreePages(environment: Environment): number {
  const used = [environment.root, environment.log, environment.index, environment.meta].reduce((sum, database) => {
    const stats = database.getStats() as Record<string, unknown>;
    return (
      sum +
      ['treeBranchPageCount', 'treeLeafPageCount', 'overflowPages'].reduce(
        (pages, name) => pages + (typeof stats[name] === 'number' ? stats[name] : 0),
        0,
      )
    );
  }, 2);
  const { lastPageNumber } = environment.root.getStats() as { lastPageNumber?: unknown };
  return typeof lastPageNumber === 'number' ? lastPageNumber + 1 - used : 0;
}
