import type { Clock } from '@bayplan/component-base';

/**
 * How long a key has to wait before the same thing is done to it again: twice as long each time. A key that
 * was left alone for twice the longest wait begins anew and is forgotten.
 */
export class KeyBackoff {
  readonly #clock: Clock;
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, { readonly waitMs: number; readonly sinceMs: number }>();

  constructor(clock: Clock, firstMs: number, maxMs: number) {
    this.#clock = clock;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait, or 0: then the key's next wait has begun. */
  take(key: string): number {
    const nowMs = this.#clock.monotonic();
    const before = this.#entries.get(key);
    if (before !== undefined && nowMs - before.sinceMs < before.waitMs) return before.waitMs - (nowMs - before.sinceMs);
    const isStale = before === undefined || nowMs - before.sinceMs > 2 * this.#maxMs;
    if (isStale) this.#forgetStale(nowMs);
    this.#entries.set(key, { waitMs: isStale ? this.#firstMs : Math.min(before.waitMs * 2, this.#maxMs), sinceMs: nowMs });
    return 0;
  }

  #forgetStale(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#entries) if (nowMs - sinceMs > 2 * this.#maxMs) this.#entries.delete(key);
  }
}
