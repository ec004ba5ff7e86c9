import type { Revision, Store, StoreEvent, WatchBatch } from '../store.ts';

/** A store to be tested: empty at first, and alone in what it holds. */
export interface StoreSubject {
  readonly store: Store;
  /** Closes the store and opens the same data again; absent when nothing outlives a close. */
  reopen?(): Promise<Store>;
  /** Closes the store and removes its data. */
  dispose(): Promise<void>;
}

/** Makes a new subject for each case. */
export type OpenSubject = () => Promise<StoreSubject>;

/** A watch whose batches are collected in the background. */
export interface CollectedWatch {
  readonly events: readonly StoreEvent[];
  readonly batches: readonly WatchBatch[];
  /** The revision up to which everything has been delivered. */
  readonly reached: Revision;
  /** Resolves once `condition` holds; rejects with the error of the watch, or after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs?: number): Promise<void>;
  /** Resolves once every event up to `revision` was delivered. */
  untilReached(revision: Revision): Promise<void>;
  /** Resolves with the error that ended the watch; rejects when it goes on. */
  failure(timeoutMs?: number): Promise<unknown>;
  /** True when the watch ended without an error. */
  readonly ended: boolean;
  stop(): Promise<void>;
}

/** Watches `prefix` of `store` and collects what comes. */
export function collectWatch(store: Store, prefix: string, after: Revision): CollectedWatch {
  const abort = new AbortController();
  const events: StoreEvent[] = [];
  const batches: WatchBatch[] = [];
  const listeners = new Set<() => void>();
  let reached: Revision = after;
  let failed: { readonly error: unknown } | undefined;
  let ended = false;
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  const watch = store.watch({ prefix, after, signal: abort.signal });
  const finished = (async (): Promise<void> => {
    try {
      for await (const batch of watch) {
        batches.push(batch);
        events.push(...batch.events);
        reached = batch.revision;
        notify();
      }
      ended = true;
    } catch (error) {
      failed = { error };
    }
    notify();
  })();

  const wait = (condition: () => boolean, timeoutMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          settle(
            new Error(
              `The watch of "${prefix}" did not get there within ${String(timeoutMs)} ms: ${String(events.length)} events, at ${String(reached)}`,
            ),
          ),
        timeoutMs,
      );
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        listeners.delete(look);
        if (error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error(String(error)));
      };
      const look = (): void => {
        if (condition()) settle();
        else if (failed !== undefined) settle(failed.error);
        else if (ended) settle(new Error('The watch ended'));
      };
      listeners.add(look);
      look();
    });

  return {
    events,
    batches,
    get reached() {
      return reached;
    },
    get ended() {
      return ended;
    },
    until: (condition, timeoutMs = 10_000) => wait(condition, timeoutMs),
    untilReached: (revision) => wait(() => reached >= revision, 10_000),
    async failure(timeoutMs = 10_000) {
      await wait(() => failed !== undefined, timeoutMs);
      return failed?.error;
    },
    async stop() {
      abort.abort();
      await finished;
    },
  };
}
