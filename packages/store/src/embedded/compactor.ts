import type { Clock, Timer } from '@bayplan/component-base';
import { StoreError } from '../store-error.ts';
import type { Revision } from '../store.ts';
import type { Environment } from './environment.ts';
import { putMetaValue, toStoreError } from './environment.ts';
import type { Reader } from './reader.ts';
import { decodeRecord, decodeRevision, encodeRevision } from './record.ts';

export interface CompactorOptions {
  readonly environment: Environment;
  readonly reader: Reader;
  readonly clock: Clock;
  /** Reads before this revision are refused. */
  readonly compacted: Revision;
  /** The log has been swept up to here; behind `compacted` after a crash in mid-sweep. */
  readonly swept: Revision;
  /** How long history is kept. */
  readonly retentionMs: number;
  /** How many revisions of history are kept at most. */
  readonly retentionRevisions: number;
}

interface Waiter {
  readonly revision: Revision;
  resolve(): void;
  reject(error: StoreError): void;
}

/** Log records looked at in one transaction: small, since writes wait for it. */
const recordsPerSweep = 500;
const checkpointsPerRetention = 5;

/**
 * Forgets history: moves the `compacted` mark first, then sweeps the log behind it in steps that
 * ride on the writer's transactions. A step is computed from the log alone, so that a crash between
 * two steps only means that sweeping goes on from where it stopped.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  #compacted: Revision;
  #swept: Revision;
  #planned: Revision;
  #waiters: Waiter[] = [];
  #checkpoints: { readonly at: number; readonly revision: Revision }[] = [];
  /** The newest revision of the store. */
  #newest = 0 as Revision;
  #timer: Timer | undefined;
  #retryAt = 0;
  #problem: StoreError | undefined;
  /** Called when sweeping begins to fail. */
  onProblem: (problem: StoreError) => void = () => undefined;
  /** Called when there is work for the writer. */
  onWork: () => void = () => undefined;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#compacted = options.compacted;
    this.#swept = options.swept;
    this.#planned = options.swept;
  }

  get compacted(): Revision {
    return this.#compacted;
  }

  /** Why the last sweep failed; it is tried again. */
  get problem(): StoreError | undefined {
    return this.#problem;
  }

  /** True while there are records to sweep. */
  get pending(): boolean {
    return this.#swept < this.#compacted && this.#options.clock.monotonic() >= this.#retryAt;
  }

  /** Resolves when history before `revision` is gone from the disk. */
  compact(revision: Revision): Promise<void> {
    if (revision <= this.#swept) return Promise.resolve();
    if (revision > this.#compacted) this.#compacted = revision;
    return new Promise((resolve, reject) => {
      this.#waiters.push({ revision, resolve, reject });
      this.onWork();
    });
  }

  /**
   * The changes of the next step, to be made in one transaction, each by calling it. `beingWritten`
   * says whether the same transaction writes a key: its entry in the index is newer, then.
   */
  plan(beingWritten: (key: string) => boolean): (() => Promise<boolean>)[] {
    if (!this.pending) return [];
    try {
      return this.#plan(beingWritten);
    } catch (error) {
      // A damaged old record must not keep anybody from writing.
      this.failed(toStoreError(error, 'Compaction failed'));
      return [];
    }
  }

  #plan(beingWritten: (key: string) => boolean): (() => Promise<boolean>)[] {
    const { environment, reader } = this.#options;
    const changes: (() => Promise<boolean>)[] = [];
    let seen = 0;
    this.#planned = this.#compacted;
    for (const { key, value } of environment.log.getRange({
      start: encodeRevision(this.#swept + 1),
      end: encodeRevision(this.#compacted + 1),
      limit: recordsPerSweep,
    })) {
      const revision = decodeRevision(key);
      const record = decodeRecord(value, revision);
      const keyBytes = Buffer.from(record.key, 'utf8');
      if (record.previous > 0) changes.push(() => environment.log.remove(encodeRevision(record.previous)));
      if (record.kind === 'delete') {
        changes.push(() => environment.log.remove(encodeRevision(revision)));
        if (!beingWritten(record.key) && reader.newest(keyBytes)?.revision === revision)
          changes.push(() => environment.index.remove(keyBytes));
      }
      seen += 1;
      if (seen === recordsPerSweep) this.#planned = revision;
    }
    const mark = { compacted: this.#compacted, swept: this.#planned };
    changes.push(() => putMetaValue(environment, 'compaction', mark));
    return changes;
  }

  /** The changes of the last plan are on disk. */
  done(): void {
    this.#swept = this.#planned;
    this.#problem = undefined;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.revision > this.#swept) return true;
      waiter.resolve();
      return false;
    });
  }

  /** The transaction failed, with the changes of the last plan. Try again, but not at once. */
  failed(error: StoreError): void {
    if (this.#swept >= this.#compacted) return;
    this.#planned = this.#swept;
    if (this.#problem === undefined) this.onProblem(error);
    this.#problem = error;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
    this.#retryAt = this.#options.clock.monotonic() + this.#options.retentionMs / checkpointsPerRetention;
  }

  /** Notes that the store has reached `revision`. Costs no timer while nothing is written. */
  observe(revision: Revision): void {
    const { clock, retentionMs, retentionRevisions } = this.#options;
    if (revision - this.#compacted > 2 * retentionRevisions)
      void this.compact((revision - retentionRevisions) as Revision).catch(() => undefined);
    this.#newest = revision;
    this.#timer ??= clock.after(
      retentionMs / checkpointsPerRetention,
      () => {
        this.#timer = undefined;
        this.#checkpoint();
      },
      { unref: true },
    );
  }

  close(error: StoreError): void {
    this.#timer?.cancel();
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
  }

  /** Called some time after a write: everything older than the retention goes. */
  #checkpoint(): void {
    const { clock, retentionMs } = this.#options;
    const now = clock.monotonic();
    if (this.#newest > (this.#checkpoints.at(-1)?.revision ?? this.#compacted)) this.#checkpoints.push({ at: now, revision: this.#newest });
    const expired = this.#checkpoints.filter((checkpoint) => checkpoint.at <= now - retentionMs);
    this.#checkpoints = this.#checkpoints.filter((checkpoint) => checkpoint.at > now - retentionMs);
    const newest = expired.at(-1);
    // A failure is kept in `problem`, and tried again.
    if (newest !== undefined) void this.compact(newest.revision).catch(() => undefined);
    // Keep looking until the last checkpoint has expired, then sleep until the next write.
    if (this.#checkpoints.length > 0) this.observe(this.#newest);
  }
}

export function parseCompaction(value: unknown): { readonly compacted: Revision; readonly swept: Revision } {
  if (value === undefined) return { compacted: 0 as Revision, swept: 0 as Revision };
  if (
    typeof value === 'object' &&
    value !== null &&
    'compacted' in value &&
    'swept' in value &&
    typeof value.compacted === 'number' &&
    typeof value.swept === 'number'
  ) {
    return { compacted: value.compacted as Revision, swept: value.swept as Revision };
  }
  throw new StoreError('corrupt', "The store's record of its compaction is damaged");
}
