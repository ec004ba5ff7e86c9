import { isAlreadyExists, isConflict } from '@bayplan/api';
import { setMaxListeners } from 'node:events';
import type { Logger } from '@bayplan/component-base';
import type { WorkQueue } from './work-queue.ts';

/** What a reconcile may ask for; `void` means "until the key is added again". */
export interface ReconcileResult {
  readonly requeueAfterMs: number;
}

/** Brings the world to the state wanted for `key`. Throwing means: try again after a backoff. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult | void>;

export interface ReconcilerOptions {
  readonly queue: WorkQueue;
  /** How many keys may be worked on at once. Default 1. */
  readonly workers?: number;
  readonly reconcile: Reconcile;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Runs workers over a queue until the signal aborts or the queue is shut down; resolves when the last one
 * stopped. A failing key is retried with the queue's backoff.
 */
export async function runReconciler(options: ReconcilerOptions): Promise<void> {
  // Each worker waits on the signal.
  setMaxListeners(0, options.signal);
  await Promise.all(Array.from({ length: options.workers ?? 1 }, () => work(options)));
}

async function work({ queue, reconcile, logger, signal }: ReconcilerOptions): Promise<void> {
  for (let key = await queue.take(signal); key !== undefined; key = await queue.take(signal)) {
    try {
      const result = await reconcile(key, signal);
      queue.forget(key);
      if (result) queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      if (!signal.aborted) {
        const expected = isConflict(error) || isAlreadyExists(error);
        logger[expected ? 'debug' : 'warn']('Failed to reconcile', { queue: queue.name, key, retries: queue.retries(key), err: error });
        queue.addRateLimited(key);
      }
    } finally {
      queue.done(key);
    }
  }
}
