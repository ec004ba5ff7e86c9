import type { Clock } from '@bayplan/component-base';

/** After this long a write that was never seen is no longer waited for. */
const timeoutMs = 5 * 60_000;

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

/**
 * What a controller has written and not yet seen in its cache. While something is expected for a key its
 * children in the cache are out of date, and nothing may be created or deleted from them.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  satisfied(key: string): boolean {
    const expected = this.#byKey.get(key);
    if (expected === undefined) return true;
    const met = expected.creations <= 0 && expected.deletions.size === 0;
    if (!met && this.#clock.monotonic() - expected.sinceMs <= timeoutMs) return false;
    this.#byKey.delete(key);
    return true;
  }

  expectCreations(key: string, count: number): void {
    this.expect(key, count, []);
  }

  expectDeletions(key: string, uids: readonly string[]): void {
    this.expect(key, 0, uids);
  }

  /** Begins to wait for both; what was expected before is forgotten. */
  expect(key: string, creations: number, uids: readonly string[]): void {
    this.#byKey.set(key, { creations, deletions: new Set(uids), sinceMs: this.#clock.monotonic() });
  }

  /** A creation was seen, or will never be. */
  creationSeen(key: string, count = 1): void {
    const expected = this.#byKey.get(key);
    if (expected) expected.creations -= count;
  }

  /** A deletion was seen, or will never be. */
  deletionSeen(key: string, uid: string): void {
    this.#byKey.get(key)?.deletions.delete(uid);
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
