import type { Clock, Timer } from '@bayplan/component-base';

/**
 * One timer for any number of repeating tasks, in steps of a second. It only runs while there are
 * tasks: a thousand pods without probes cost nothing.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<WheelTask>>();
  #size = 0;
  #timer: Timer | undefined;
  #second = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Runs the task once, `delaySeconds` (at least 1) from now. */
  add(delaySeconds: number, run: () => void): WheelTask {
    const now = this.#now();
    if (this.#timer === undefined) this.#second = now;
    const due = Math.max(this.#second, now) + Math.max(1, Math.ceil(delaySeconds));
    const task: WheelTask = { due, run };
    const slot = this.#slots.get(due) ?? new Set();
    this.#slots.set(due, slot.add(task));
    this.#size += 1;
    this.#arm();
    return task;
  }

  /** Takes a task out that has not run; does nothing otherwise. */
  cancel(task: WheelTask): void {
    const slot = this.#slots.get(task.due);
    if (slot?.delete(task) !== true) return;
    this.#size -= 1;
    if (slot.size === 0) this.#slots.delete(task.due);
    if (this.#size === 0) this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / 1000);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#size === 0) return;
    const untilNextSecond = 1000 - (this.#clock.monotonic() % 1000);
    this.#timer = this.#clock.after(untilNextSecond, () => this.#tick(), { unref: true });
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#now();
    while (this.#second < now) {
      this.#second += 1;
      const slot = this.#slots.get(this.#second);
      if (slot === undefined) continue;
      this.#slots.delete(this.#second);
      this.#size -= slot.size;
      for (const task of slot) task.run();
    }
    this.#arm();
  }
}

export interface WheelTask {
  /** Second of the monotonic clock. */
  readonly due: number;
  readonly run: () => void;
}
