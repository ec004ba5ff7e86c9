import type { Clock, Logger, Timer } from '@bayplan/component-base';
import { isStoreError, StoreError } from '../store-error.ts';
import type { Revision } from '../store.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { KeySpace } from './keys.ts';

export interface EtcdHealth {
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly problem: string | undefined;
}

/** The record that all servers of a cluster share, under the store's own key. */
interface CompactionRecord {
  /** The revision before which history is gone. */
  readonly compacted: number;
  /** The revision of the cluster when the record was written: the next compaction's. */
  readonly mark: number;
}

/** A file is given back to the disk when it is at least this large, and less than half of it is used. */
const defragmentFromBytes = 64 * 1024 * 1024;
const versionTarget = 0;
const equal = 0;
const alarmGet = 0;
const alarmDeactivate = 2;
const noSpace = 'NOSPACE';

/**
 * Compacts history and gives disk space back, for all servers that share the cluster: each tries, at
 * every interval, to write the next version of one record, and who succeeds does the work. History
 * up to the previous record goes, so it is kept for one to two intervals.
 */
export class EtcdMaintenance {
  readonly #client: EtcdClient;
  readonly #keys: KeySpace;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #logger: Logger | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #version = 0;
  #record: CompactionRecord = { compacted: 0, mark: 0 };
  #stopped = false;
  #problem: string | undefined;

  constructor(client: EtcdClient, keys: KeySpace, clock: Clock, intervalMs: number, logger: Logger | undefined) {
    this.#logger = logger;
    this.#client = client;
    this.#keys = keys;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  get compacted(): Revision {
    return this.#record.compacted as Revision;
  }

  /** Reads what other servers have compacted, and starts taking part. */
  async start(): Promise<Revision> {
    const { header, kvs } = await this.#client.range({ key: this.#keys.compaction });
    this.#learn(kvs[0]);
    this.#schedule();
    return Number(header.revision) as Revision;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await this.#client.compact(revision);
    } catch (error) {
      if (!isStoreError(error, 'compacted')) throw error;
      return;
    }
    this.#record = { ...this.#record, compacted: Math.max(this.#record.compacted, revision) };
    await this.#client.put(this.#keys.compaction, encode(this.#record));
  }

  async health(): Promise<EtcdHealth> {
    let sizeBytes = 0;
    let usedBytes = 0;
    const problems = new Set<string>();
    await this.#client.eachMember(async (maintenance, deadline) => {
      const status = (await maintenance.status({ deadline: deadline() })) as unknown as { dbSize: string; dbSizeInUse: string };
      sizeBytes = Math.max(sizeBytes, Number(status.dbSize));
      usedBytes = Math.max(usedBytes, Number(status.dbSizeInUse));
      const { alarms } = await maintenance.alarm({ action: alarmGet }, { deadline: deadline() });
      for (const { alarm } of alarms)
        problems.add(String(alarm) === noSpace ? 'etcd has reached its space quota' : `etcd has raised ${String(alarm)}`);
    });
    const [problem = this.#problem] = problems;
    return { sizeBytes, usedBytes, problem };
  }

  #schedule(): void {
    if (this.#intervalMs <= 0 || this.#stopped) return;
    this.#timer = this.#clock.after(
      this.#intervalMs,
      () => {
        this.#running = this.#takeTurn().finally(() => {
          this.#running = undefined;
          this.#schedule();
        });
      },
      { unref: true },
    );
  }

  async #takeTurn(): Promise<void> {
    try {
      const previous = this.#record;
      if (!(await this.#claim())) return;
      if (previous.mark > previous.compacted) await this.compact(previous.mark as Revision);
      await this.#defragment();
      this.#problem = undefined;
    } catch (error) {
      this.#logger?.error('Compaction failed', { err: error });
      this.#problem = `Compaction failed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Writes the next version of the record; false when another server did. */
  async #claim(): Promise<boolean> {
    const { header } = await this.#client.range({ key: this.#keys.compaction });
    const next = { ...this.#record, mark: Number(header.revision) };
    const answer = await this.#client.txn({
      compare: [{ key: this.#keys.compaction, target: versionTarget, result: equal, version: this.#version }],
      success: [{ request_put: { key: this.#keys.compaction, value: encode(next) } }, { request_range: { key: this.#keys.compaction } }],
      failure: [{ request_range: { key: this.#keys.compaction } }],
    });
    this.#learn(answer.responses.at(-1)?.response_range.kvs[0]);
    return answer.succeeded;
  }

  #learn(found: { readonly version: string; readonly value: Buffer } | undefined): void {
    if (found === undefined) return;
    this.#version = Number(found.version);
    this.#record = decode(found.value);
  }

  /** One member after the other, since a member answers nothing meanwhile. */
  async #defragment(): Promise<void> {
    await this.#client.eachMember(async (maintenance, deadline) => {
      const before = (await maintenance.status({ deadline: deadline() })) as unknown as { dbSize: string; dbSizeInUse: string };
      const size = Number(before.dbSize);
      if (this.#stopped || size < defragmentFromBytes || Number(before.dbSizeInUse) * 2 > size) return;
      await maintenance.defragment({ deadline: deadline() + 60_000 });
      const { alarms } = await maintenance.alarm({ action: alarmGet }, { deadline: deadline() });
      // The alarm outlives its cause: etcd keeps refusing writes until somebody takes it back.
      for (const { memberID, alarm } of alarms)
        if (String(alarm) === noSpace) await maintenance.alarm({ action: alarmDeactivate, memberID, alarm: 1 }, { deadline: deadline() });
    });
  }
}

function encode(record: CompactionRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

function decode(bytes: Buffer): CompactionRecord {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Record<keyof CompactionRecord, unknown>>;
    if (typeof value.compacted === 'number' && typeof value.mark === 'number') return { compacted: value.compacted, mark: value.mark };
  } catch (error) {
    throw new StoreError('corrupt', 'The record of compactions in etcd is damaged', { cause: error });
  }
  throw new StoreError('corrupt', 'The record of compactions in etcd is damaged');
}
