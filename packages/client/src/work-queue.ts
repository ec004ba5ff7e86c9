import type { Clock, MetricsRegistry, Timer } from '@bayplan/component-base';
import { workQueueMetrics } from './metrics.ts';
import type { WorkQueueMetrics } from './metrics.ts';

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
  /** Where the `workqueue_*` metrics are kept; none without it. */
  readonly metrics?: MetricsRegistry | undefined;
}

/** Makes an empty queue. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new DelayingWorkQueue(options);
}

class DelayingWorkQueue implements WorkQueue {
  readonly name: string;
  readonly #options: Required<Omit<WorkQueueOptions, 'metrics'>>;
  readonly #metrics: WorkQueueMetrics | undefined;
  /** Keys ready to be taken, in order, from `#head` on; with the time they became ready. */
  #ready: string[] = [];
  #head = 0;
  readonly #readySinceMs = new Map<string, number>();
  /** Keys being worked on, with the time the work began. */
  readonly #working = new Map<string, number>();
  /** Keys added while they were being worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  /** The time at which the bucket would be full, were nothing taken from it. */
  #bucketFullMs = 0;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.name = options.name;
    this.#options = { baseDelayMs: 5, maxDelayMs: 1_000_000, retriesPerSecond: 10, retryBurst: 100, ...options };
    this.#metrics = options.metrics ? workQueueMetrics(options.metrics) : undefined;
    this.#metrics?.depth.set({ name: this.name }, 0);
    this.#metrics?.adds.inc({ name: this.name }, 0);
    this.#metrics?.retries.inc({ name: this.name }, 0);
    this.#metrics?.queueDuration.zero({ name: this.name });
    this.#metrics?.workDuration.zero({ name: this.name });
    this.#metrics?.watchUnfinished(
      this.name,
      () => this.#working.values(),
      () => options.clock.monotonic(),
    );
  }

  get length(): number {
    return this.#readySinceMs.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#readySinceMs.has(key) || this.#again.has(key)) return;
    this.#metrics?.adds.inc({ name: this.name });
    if (this.#working.has(key)) this.#again.add(key);
    else this.#makeReady(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#options.clock.monotonic() + delayMs;
    const delayed = this.#delayed.get(key);
    if (delayed !== undefined && delayed.dueMs <= dueMs) return;
    delayed?.timer.cancel();
    this.#delayed.set(key, { dueMs, timer: this.#options.clock.after(delayMs, () => this.#fire(key), { unref: true }) });
  }

  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics?.retries.inc({ name: this.name });
    const { baseDelayMs, maxDelayMs } = this.#options;
    this.addAfter(key, Math.max(Math.min(baseDelayMs * 2 ** failures, maxDelayMs), this.#bucketDelayMs()));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  take(signal?: AbortSignal): Promise<string | undefined> {
    if (this.#closed || signal?.aborted) return Promise.resolve(undefined);
    if (this.#readySinceMs.size > 0) return Promise.resolve(this.#takeReady());
    return new Promise((resolve) => {
      const answer = (key: string | undefined): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = (): void => {
        this.#takers.splice(this.#takers.indexOf(answer), 1);
        resolve(undefined);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#takers.push(answer);
    });
  }

  done(key: string): void {
    const startedMs = this.#working.get(key);
    if (startedMs === undefined) return;
    this.#working.delete(key);
    this.#metrics?.workDuration.observe({ name: this.name }, (this.#options.clock.monotonic() - startedMs) / 1000);
    if (this.#again.delete(key)) this.#makeReady(key);
  }

  shutDown(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    for (const answer of this.#takers.splice(0)) answer(undefined);
  }

  #fire(key: string): void {
    this.#delayed.delete(key);
    this.add(key);
  }

  #makeReady(key: string): void {
    this.#ready.push(key);
    this.#readySinceMs.set(key, this.#options.clock.monotonic());
    const answer = this.#takers.shift();
    if (answer) answer(this.#takeReady());
    this.#metrics?.depth.set({ name: this.name }, this.length);
  }

  #takeReady(): string | undefined {
    const key = this.#ready[this.#head++];
    if (key === undefined) return undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#ready.length) {
      this.#ready = [];
      this.#head = 0;
    }
    const nowMs = this.#options.clock.monotonic();
    const sinceMs = this.#readySinceMs.get(key) ?? nowMs;
    this.#readySinceMs.delete(key);
    this.#working.set(key, nowMs);
    this.#metrics?.queueDuration.observe({ name: this.name }, (nowMs - sinceMs) / 1000);
    this.#metrics?.depth.set({ name: this.name }, this.length);
    return key;
  }

  /** Takes one token of the bucket shared by all keys; how long to wait for it. */
  #bucketDelayMs(): number {
    const { clock, retriesPerSecond, retryBurst } = this.#options;
    const tokenMs = 1000 / retriesPerSecond;
    const nowMs = clock.monotonic();
    this.#bucketFullMs = Math.max(this.#bucketFullMs, nowMs) + tokenMs;
    return Math.max(0, this.#bucketFullMs - nowMs - retryBurst * tokenMs);
  }
}
