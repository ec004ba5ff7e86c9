import { timeout } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import { isStoreError } from '@bayplan/store';
import type { Revision, Store, StoreEvent } from '@bayplan/store';

/** What a resource's cache wants to hear. Called in order of revision, never concurrently. */
export interface HubListener {
  onEvent(event: StoreEvent): void;
  /** Every event up to `revision` has been delivered. */
  onProgress(revision: number): void;
  /** History was lost: list again. */
  onReset(): void;
}

const retryDelayMs = 500;
const catchUpTimeoutMs = 10_000;

/**
 * The one watch of the store, over all keys, dealt out by resource. One watch means that its progress
 * is the progress of every cache: a consistent read asks the store for its revision and waits here.
 */
export class StoreHub {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly listeners = new Map<string, HubListener>();
  private readonly abort = new AbortController();
  private waiters: { readonly revision: number; readonly wake: () => void }[] = [];
  private seen = 0;
  private running: Promise<void> | undefined;

  constructor(store: Store, clock: Clock, logger: Logger) {
    this.store = store;
    this.clock = clock;
    this.logger = logger;
  }

  /** Starts at the store's newest revision. */
  async start(): Promise<void> {
    const revision = await this.store.currentRevision();
    this.seen = revision;
    this.running = this.run(revision);
  }

  /** The revision up to which every listener is informed. */
  get revision(): number {
    return this.seen;
  }

  /** `prefix` is `/registry/GROUP/RESOURCE/`. One listener a prefix. */
  listen(prefix: string, listener: HubListener): void {
    this.listeners.set(prefix, listener);
  }

  /** Ends what `listen` began, unless another has taken its place. */
  forget(prefix: string, listener: HubListener): void {
    if (this.listeners.get(prefix) === listener) this.listeners.delete(prefix);
  }

  /** Resolves when everything written before this call has been delivered. Rejects with `Timeout`. */
  async caughtUp(): Promise<number> {
    const revision = await this.store.currentRevision();
    if (!(await this.reaches(revision, catchUpTimeoutMs)))
      throw timeout(`the watch of the store has not reached revision ${revision.toString()}`, 1);
    return this.seen;
  }

  /** Resolves once `revision` has been delivered; false when it was not within `waitMs`. */
  async reaches(revision: number, waitMs: number): Promise<boolean> {
    if (this.seen >= revision) return true;
    return new Promise<boolean>((resolve) => {
      const waiter = { revision, wake: () => (timer.cancel(), resolve(true)) };
      const timer = this.clock.after(waitMs, () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.waiters.push(waiter);
    });
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.running;
  }

  private async run(from: Revision): Promise<void> {
    let after = from;
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        for await (const batch of this.store.watch({ prefix: '/', after, signal })) {
          for (const event of batch.events) this.deal(event);
          after = batch.revision;
          this.progress(batch.revision);
        }
      } catch (error) {
        if (signal.aborted || isStoreError(error, 'closed')) return;
        this.logger.warn('Store watch ended', { err: error });
        if (isStoreError(error, 'compacted')) after = await this.restart(after);
      }
      if (signal.aborted) return;
      await this.clock.sleep(retryDelayMs, signal).catch(() => undefined);
    }
  }

  private async restart(last: Revision): Promise<Revision> {
    try {
      const revision = await this.store.currentRevision();
      for (const listener of this.listeners.values()) listener.onReset();
      return revision;
    } catch (error) {
      this.logger.warn('Store revision could not be read', { err: error });
      return last;
    }
  }

  private deal(event: StoreEvent): void {
    const prefix = resourcePrefixOf(event.key);
    if (prefix === undefined) return;
    try {
      this.listeners.get(prefix)?.onEvent(event);
    } catch (error) {
      // One value that cannot be read must not stop the others.
      this.logger.error('Event of the store could not be applied', { err: error, key: event.key });
    }
  }

  private progress(revision: number): void {
    if (revision <= this.seen) return;
    this.seen = revision;
    for (const listener of this.listeners.values()) listener.onProgress(revision);
    if (this.waiters.length === 0) return;
    const due = this.waiters.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.wake();
  }
}

/** `/registry/GROUP/RESOURCE/` of a key below it. */
function resourcePrefixOf(key: string): string | undefined {
  const group = key.indexOf('/', 1);
  const resource = key.indexOf('/', group + 1);
  const end = key.indexOf('/', resource + 1);
  return group < 0 || resource < 0 || end < 0 ? undefined : key.slice(0, end + 1);
}
