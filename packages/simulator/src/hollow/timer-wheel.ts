import type { Clock, Timer } from '@bayplan/component-base';

const slotCount = 512;
const tickMs = 50;

interface Entry {
  /** How often the wheel has to come around before it is due. */
  rounds: number;
  readonly run: () => void;
}

/**
 * Very many timers for the price of one: entries are kept in slots of 50 ms, and the only real timer
 * is set for the next slot that holds any. An entry runs up to one slot late.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Set<Entry>[] = Array.from({ length: slotCount }, () => new Set());
  /** The tick that was handled last, counted since the wheel was made. */
  #tick = 0;
  readonly #startMs: number;
  #count = 0;
  #timer: { readonly tick: number; readonly timer: Timer } | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.monotonic();
  }

  /** Calls `run`, which must not throw, after `delayMs`. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void {
    if (this.#stopped) return () => undefined;
    if (this.#count === 0) this.#tick = Math.max(this.#tick, this.#now());
    const due = Math.max(this.#tick + 1, Math.ceil((this.#clock.monotonic() - this.#startMs + delayMs) / tickMs));
    const entry: Entry = { rounds: Math.floor((due - this.#tick - 1) / slotCount), run };
    const slot = this.#slot(due);
    slot.add(entry);
    this.#count += 1;
    this.#arm();
    return () => {
      if (slot.delete(entry)) this.#count -= 1;
    };
  }

  /** Forgets every entry, and takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.timer.cancel();
    for (const slot of this.#slots) slot.clear();
    this.#count = 0;
  }

  #now(): number {
    return Math.floor((this.#clock.monotonic() - this.#startMs) / tickMs);
  }

  #slot(tick: number): Set<Entry> {
    return this.#slots[tick % slotCount] as Set<Entry>;
  }

  #arm(): void {
    if (this.#count === 0 || this.#stopped) return;
    let next = this.#tick + 1;
    while (next < this.#tick + slotCount && this.#slot(next).size === 0) next += 1;
    if (this.#timer !== undefined && this.#timer.tick <= next) return;
    this.#timer?.timer.cancel();
    const delayMs = this.#startMs + next * tickMs - this.#clock.monotonic();
    this.#timer = { tick: next, timer: this.#clock.after(delayMs, () => this.#advance(), { unref: true }) };
  }

  #advance(): void {
    this.#timer = undefined;
    const now = this.#now();
    const due: Entry[] = [];
    while (this.#tick < now) {
      this.#tick += 1;
      const slot = this.#slot(this.#tick);
      for (const entry of slot) {
        if (entry.rounds > 0) entry.rounds -= 1;
        else {
          slot.delete(entry);
          this.#count -= 1;
          due.push(entry);
        }
      }
    }
    for (const { run } of due) run();
    this.#arm();
  }
}
