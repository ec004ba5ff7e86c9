import type { Pod } from '@bayplan/api';
import type { PreEnqueuePlugin, QueuedPod, QueueSortPlugin } from '../framework/plugin.ts';
import { Heap } from './pod-heap.ts';

/** A pod that waits for a node. */
export interface QueueEntry extends QueuedPod {
  readonly uid: string;
  pod: Pod;
  priority: number;
  queuedAtMs: number;
  /** When it was first seen: for the time a user waited. */
  readonly firstSeenMs: number;
  attempts: number;
  /** Not before this time. */
  backoffUntilMs: number;
  /** Bits of the events that could make it fit; 0 when it was never rejected. */
  waitsFor: number;
  /** The plugins that ruled nodes out in the last attempt. */
  rejectedBy: readonly string[];
  waitingSinceMs: number;
  place: 'active' | 'backoff' | 'unschedulable' | 'gated' | 'taken';
  /** Events that came while an attempt was under way. */
  missed: number;
}

export interface QueueOptions {
  readonly queueSort: QueueSortPlugin;
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly now: () => number;
  /** Default 1,000. */
  readonly initialBackoffMs?: number;
  /** Default 10,000. */
  readonly maxBackoffMs?: number;
  /** After this long an unschedulable pod is tried whatever happened. Default 300,000. */
  readonly maxUnschedulableMs?: number;
  /** Told about every entry that joins a part of the queue, with the reason. */
  readonly onEnqueue?: (queue: 'active' | 'backoff' | 'unschedulable' | 'gated', event: string) => void;
}

const everyEvent = 0xffff;

/**
 * Pods in three parts: active (to be tried now, by priority), backoff (to be tried after a pause that
 * doubles with each failure), unschedulable (to be tried when something changed that could help).
 * Gated pods wait outside. Passive: the owner asks `nextWakeMs` when to look again.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, QueueEntry>();
  readonly #active: Heap<QueueEntry>;
  readonly #backoff: Heap<QueueEntry>;
  readonly #unschedulable = new Set<QueueEntry>();

  constructor(options: QueueOptions) {
    this.#options = options;
    // The uid makes the order total, so that equal inputs give equal plans.
    this.#active = new Heap((left, right) => options.queueSort.compare(left, right) || (left.uid < right.uid ? -1 : 1));
    this.#backoff = new Heap((left, right) => left.backoffUntilMs - right.backoffUntilMs || (left.uid < right.uid ? -1 : 1));
  }

  get sizes(): { readonly active: number; readonly backoff: number; readonly unschedulable: number; readonly gated: number } {
    let gated = 0;
    for (const entry of this.#entries.values()) if (entry.place === 'gated') gated += 1;
    return { active: this.#active.size, backoff: this.#backoff.size, unschedulable: this.#unschedulable.size, gated };
  }

  get(uid: string): QueueEntry | undefined {
    return this.#entries.get(uid);
  }

  /** How many unschedulable pods each plugin rejected. */
  get unschedulableByPlugin(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const entry of this.#unschedulable) for (const plugin of entry.rejectedBy) counts.set(plugin, (counts.get(plugin) ?? 0) + 1);
    return counts;
  }

  /** Takes in a pod without a node, or its newer version. `changed`: in something that placement depends on. */
  add(pod: Pod, changed: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#entries.get(uid);
    if (known === undefined) {
      const now = this.#options.now();
      const fresh: QueueEntry = {
        uid,
        pod,
        priority: pod.spec?.priority ?? 0,
        queuedAtMs: now,
        firstSeenMs: now,
        attempts: 0,
        backoffUntilMs: 0,
        waitsFor: 0,
        rejectedBy: [],
        waitingSinceMs: 0,
        place: 'taken',
        missed: 0,
      };
      this.#entries.set(uid, fresh);
      this.#admit(fresh, 'UnscheduledPodAdd');
      return;
    }
    known.pod = pod;
    if (known.place === 'taken') {
      if (changed) known.missed = everyEvent;
    } else if (known.place === 'gated' || (changed && known.place === 'unschedulable')) {
      this.#leave(known);
      this.#admit(known, 'UnscheduledPodUpdate');
    } else if (known.priority !== (pod.spec?.priority ?? 0)) {
      this.#leave(known);
      known.priority = pod.spec?.priority ?? 0;
      this.#admit(known, 'UnscheduledPodUpdate');
    }
  }

  /** Forgets a pod: deleted, bound, or no longer ours. */
  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#leave(entry);
    this.#entries.delete(uid);
  }

  /** The next pod to try. Its entry stays known, as `taken`, until `remove` or `giveBack`. */
  take(): QueueEntry | undefined {
    this.#wake();
    const entry = this.#active.pop();
    if (entry === undefined) return undefined;
    entry.place = 'taken';
    entry.attempts += 1;
    entry.missed = 0;
    return entry;
  }

  /**
   * Puts a pod back after an attempt that failed. `waitsFor`: the events that could help; 0 when the
   * attempt failed for a reason outside the cluster's state, so that it is simply tried again.
   */
  giveBack(entry: QueueEntry, waitsFor: number, rejectedBy: readonly string[] = []): void {
    if (this.#entries.get(entry.uid) !== entry || entry.place !== 'taken') return;
    const { initialBackoffMs = 1000, maxBackoffMs = 10_000, now } = this.#options;
    entry.backoffUntilMs = now() + Math.min(initialBackoffMs * 2 ** Math.min(entry.attempts - 1, 20), maxBackoffMs);
    entry.queuedAtMs = now();
    entry.waitsFor = waitsFor;
    entry.rejectedBy = rejectedBy;
    entry.waitingSinceMs = now();
    if (waitsFor === 0 || (entry.missed & waitsFor) !== 0) this.#retry(entry, 'ScheduleAttemptFailure');
    else {
      entry.place = 'unschedulable';
      this.#unschedulable.add(entry);
      this.#options.onEnqueue?.('unschedulable', 'ScheduleAttemptFailure');
    }
  }

  /** Something changed: tries again whoever it could help. */
  notify(events: number, name: string): void {
    if (events === 0) return;
    for (const entry of [...this.#unschedulable]) {
      if ((entry.waitsFor & events) === 0) continue;
      this.#leave(entry);
      this.#retry(entry, name);
    }
    for (const entry of this.#entries.values()) if (entry.place === 'taken') entry.missed |= events;
  }

  /** Moves what waited too long; call now and then. */
  flushStale(): void {
    const limit = this.#options.now() - (this.#options.maxUnschedulableMs ?? 300_000);
    for (const entry of [...this.#unschedulable]) {
      if (entry.waitingSinceMs > limit) continue;
      this.#leave(entry);
      this.#retry(entry, 'UnschedulableTimeout');
    }
  }

  /** When the next pod leaves backoff; undefined when none waits. 0 when one is ready now. */
  get nextWakeMs(): number | undefined {
    if (this.#active.size > 0) return 0;
    return this.#backoff.peek()?.backoffUntilMs;
  }

  #wake(): void {
    const now = this.#options.now();
    for (let entry = this.#backoff.peek(); entry !== undefined && entry.backoffUntilMs <= now; entry = this.#backoff.peek()) {
      this.#backoff.pop();
      this.#activate(entry, 'BackoffComplete');
    }
  }

  #admit(entry: QueueEntry, event: string): void {
    if (this.#options.preEnqueue.some((plugin) => plugin.preEnqueue(entry.pod) === 'hold')) {
      entry.place = 'gated';
      this.#options.onEnqueue?.('gated', event);
    } else this.#retry(entry, event);
  }

  #retry(entry: QueueEntry, event: string): void {
    if (entry.backoffUntilMs > this.#options.now()) {
      entry.place = 'backoff';
      this.#backoff.push(entry);
      this.#options.onEnqueue?.('backoff', event);
    } else this.#activate(entry, event);
  }

  #activate(entry: QueueEntry, event: string): void {
    entry.place = 'active';
    this.#active.push(entry);
    this.#options.onEnqueue?.('active', event);
  }

  #leave(entry: QueueEntry): void {
    this.#active.delete(entry);
    this.#backoff.delete(entry);
    this.#unschedulable.delete(entry);
  }
}
