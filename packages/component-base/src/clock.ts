import { setTimeout as sleepFor } from 'node:timers/promises';

/** A timer that was set; `cancel` may be called at any time, any number of times. */
export interface Timer {
  cancel(): void;
}

/** Time as a component sees it. Production uses `systemClock`; tests and the simulator a `FakeClock`. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards; only differences mean anything. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`. A timer never keeps the process alive by itself when `unref` is set. */
  after(delayMs: number, run: () => void, options?: { readonly unref?: boolean }): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that Node.js timers keep: longer ones would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run, options) {
    const handle = setTimeout(run, Math.min(Math.max(delayMs, 0), maxDelayMs));
    if (options?.unref) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  async sleep(delayMs, signal) {
    await sleepFor(Math.min(Math.max(delayMs, 0), maxDelayMs), undefined, signal ? { signal } : {});
  },
};

/** RFC 3339 in whole seconds, as `metav1.Time` prints. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(ms).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** Most timestamps are of now: the text of a second is made once. */
let lastSecond = Number.NaN;
let lastText = '';

/** RFC 3339 with six digits of a second, as `metav1.MicroTime` prints. */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}
