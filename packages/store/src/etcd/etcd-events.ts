import { setTimeout as sleep } from 'node:timers/promises';
import { compactedError } from '../limits.ts';
import { StoreError } from '../store-error.ts';
import type { Revision, StoreEvent, WatchBatch, WatchOptions } from '../store.ts';
import { EventFeed } from '../watch/event-feed.ts';
import type { EventHistory } from '../watch/event-feed.ts';
import type { EtcdClient } from './etcd-client.ts';
import { fromEtcd } from './etcd-client.ts';
import type { KeySpace } from './keys.ts';

const bumpAfterMs = 20;
const firstBackoffMs = 50;
const maxBackoffMs = 2000;
const noValue = Buffer.alloc(0);

/**
 * Events of everything under the prefix, from one etcd watch that all watchers share. It starts with
 * the first watcher. The revision of the cluster also counts what others write to the same etcd, of
 * which this watch hears nothing, and etcd 3.4 answers a request for progress out of order; so where
 * progress is wanted and does not come by itself, a key of the store's own is written (a bump), whose
 * event comes in its turn.
 */
export class EtcdEvents implements EventHistory {
  readonly #client: EtcdClient;
  readonly #keys: KeySpace;
  readonly #feed: EventFeed;
  readonly #compacted: () => Revision;
  readonly #stop = new AbortController();
  #live: Promise<void> | undefined;
  #bumping: Promise<void> | undefined;
  #bumpTimer: NodeJS.Timeout | undefined;
  #wanted = 0;

  constructor(client: EtcdClient, keys: KeySpace, start: Revision, compacted: () => Revision) {
    this.#compacted = compacted;
    this.#client = client;
    this.#keys = keys;
    this.#feed = new EventFeed({ history: this, start, maxEvents: 4000, maxBytes: 4 * 1024 * 1024 });
  }

  get compacted(): Revision {
    return this.#compacted();
  }

  watch(options: WatchOptions): AsyncIterable<WatchBatch> {
    this.#live ??= this.#follow();
    return this.#feed.watch(options);
  }

  /** Every watch will report that it has reached `revision`. */
  requestProgress(revision: Revision): void {
    this.#feed.requestProgress(revision);
    if (this.#feed.watchers === 0 || this.#feed.revision >= revision) return;
    this.#wanted = Math.max(this.#wanted, revision);
    this.#bumpTimer ??= setTimeout(() => {
      this.#bumpTimer = undefined;
      if (this.#feed.revision < this.#wanted) void this.#bump().catch(() => undefined);
    }, bumpAfterMs);
  }

  close(error: StoreError): void {
    this.#stop.abort();
    clearTimeout(this.#bumpTimer);
    this.#feed.close(error);
  }

  async *replay(prefix: string, after: Revision, _until: Revision, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    // The live watch may be at a revision of which there is no event to recognise it by; a bump makes one.
    await this.#bump();
    const target = this.#bumped;
    for await (const batch of this.#stream(after, signal)) {
      const last = batch.at(-1);
      if (last === undefined) continue;
      yield { events: batch.filter((event) => event.key.startsWith(prefix) && event.key !== ownKey), revision: last.revision };
      if (last.revision >= target) return;
    }
  }

  /** The revision of the last bump. */
  #bumped = 0;

  #bump(): Promise<void> {
    this.#bumping ??= (async (): Promise<void> => {
      try {
        const answer = await this.#client.txn({ success: [{ request_put: { key: this.#keys.progress, value: noValue } }] });
        this.#bumped = Math.max(this.#bumped, Number(answer.header.revision));
      } finally {
        this.#bumping = undefined;
      }
    })();
    return this.#bumping;
  }

  /** Publishes what the shared watch brings until the store closes. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const batch of this.#stream(this.#feed.revision, signal)) {
          const last = batch.at(-1);
          if (last !== undefined)
            this.#feed.publish(
              batch.filter((event) => event.key !== ownKey),
              last.revision,
            );
        }
      } catch {
        if (signal.aborted) return;
        // History was compacted while the link was down: go on from now, and let watchers find out on their own.
        await this.#skipToNow().catch(() => sleep(maxBackoffMs, undefined, { ref: false }));
      }
    }
  }

  async #skipToNow(): Promise<void> {
    const { header } = await this.#client.range({ key: this.#keys.progress });
    this.#feed.skip(Number(header.revision) as Revision);
  }

  /**
   * Everything after `after`, batch by batch, each made of whole revisions. Reconnects for as long
   * as `signal` allows. Throws `compacted` only.
   */
  async *#stream(after: Revision, signal: AbortSignal): AsyncGenerator<StoreEvent[]> {
    let reached: Revision = after;
    let backoffMs = firstBackoffMs;
    while (!signal.aborted) {
      try {
        for await (const batch of this.#connect(reached, signal)) {
          backoffMs = firstBackoffMs;
          const fresh = batch.filter((event) => event.revision > reached);
          reached = fresh.at(-1)?.revision ?? reached;
          if (fresh.length > 0) yield fresh;
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = fromEtcd(error);
        if (failure.reason === 'compacted') throw failure;
        // A plain call renews a token that has expired; the Watch client of etcd3 does not.
        if (failure.reason === 'invalid') await this.#client.range({ key: this.#keys.progress }).catch(() => undefined);
      }
      await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  /** One watch stream, from connecting to its end. */
  async *#connect(after: Revision, signal: AbortSignal): AsyncGenerator<StoreEvent[]> {
    const stream = await this.#client.watchClient.watch();
    const cancel = (): void => stream.cancel();
    // Starting one too early makes etcd refuse a revision that is only half there: that of the compaction itself.
    const start_revision = Math.max(after, 1);
    try {
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) return;
      stream.write({ create_request: { ...this.#keys.everything(), start_revision, prev_kv: true } });
      for await (const response of stream as unknown as AsyncIterable<WatchResponse>) {
        const compactRevision = Number(response.compact_revision);
        if (compactRevision > 0) throw compactedError(after, compactRevision as Revision);
        if (response.canceled) throw new StoreError('unreachable', `etcd cancelled the watch: ${response.cancel_reason}`);
        if (response.events.length > 0) yield response.events.map((event) => this.#decode(event));
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      // Cancelling makes the stream fail, with nobody left to hear of it.
      stream.on('error', () => undefined);
      stream.cancel();
    }
  }

  #decode({ type, kv, prev_kv: before }: WireEvent): StoreEvent {
    const key = this.#keys.decode(kv.key) ?? ownKey;
    const revision = Number(kv.mod_revision) as Revision;
    const previous = before?.value;
    if (type.toUpperCase() === 'DELETE') return { type: 'delete', key, value: previous ?? noValue, previous, revision };
    const created = kv.create_revision === kv.mod_revision;
    return { type: created ? 'create' : 'update', key, value: kv.value, previous: created ? undefined : previous, revision };
  }
}

/** Stands for a key of the store's own: no caller's key is empty. */
const ownKey = '';

/** What the wire carries: etcd3's types leave out that prev_kv may be absent. */
interface WireEvent {
  readonly type: string;
  readonly kv: { readonly key: Buffer; readonly value: Buffer; readonly create_revision: string; readonly mod_revision: string };
  readonly prev_kv: { readonly value: Buffer } | null | undefined;
}

interface WatchResponse {
  readonly canceled: boolean;
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly events: readonly WireEvent[];
}
