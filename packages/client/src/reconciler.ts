import type { Clock, Logger } from '@bayplan/component-base';
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
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
