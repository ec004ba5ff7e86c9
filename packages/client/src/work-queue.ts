import type { Clock } from '@bayplan/component-base';

/**
 * Keys waiting to be reconciled. A key is in it once however often it is added; a key that is added
 * while it is being worked on waits until `done`. So no two workers ever hold the same key.
 */
export interface WorkQueue {
  readonly name: string;
  /** Keys ready to be taken; those waiting for a time or for `done` are not counted. */
  readonly length: number;
  add(key: string): void;
  /** Adds the key after a delay; the earliest of several delays of one key wins. */
  addAfter(key: string, delayMs: number): void;
  /** Adds the key after its own exponential backoff, or later if the whole queue is over its rate. */
  addRateLimited(key: string): void;
  /** Ends the backoff of a key: its next failure waits the shortest time again. */
  forget(key: string): void;
  /** How often the key was added with `addRateLimited` since it was last forgotten. */
  retries(key: string): number;
  /** Waits for a key. Undefined once the queue is shut down or the signal aborts. */
  take(signal?: AbortSignal): Promise<string | undefined>;
  /** Must follow every `take`, whatever became of the work. */
  done(key: string): void;
  /** Stops timers; `take` answers undefined from now on. */
  shutDown(): void;
}

export interface WorkQueueOptions {
  /** The `name` label of the `workqueue_*` metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** First delay of a failing key; doubles with each failure. Default 5. */
  readonly baseDelayMs?: number;
  /** Longest delay of a failing key. Default 1,000,000 (as Kubernetes). */
  readonly maxDelayMs?: number;
  /** Retries a second that the whole queue may make in the long run. Default 10. */
  readonly retriesPerSecond?: number;
  /** Retries that may be made at once. Default 100. */
  readonly retryBurst?: number;
}
