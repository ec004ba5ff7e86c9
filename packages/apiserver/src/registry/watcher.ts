import type { CacheEntry, CacheEvent, Selection } from './cache-event.ts';
import type { EventType, StoredObject } from './stored-object.ts';

const maxQueuedEvents = 10_000;

export interface SelectedEvent {
  readonly type: EventType;
  readonly object: StoredObject;
}

/** One watch of a cache: a bounded queue of the events that its selection shows. */
export class Watcher {
  readonly selection: Selection;
  private readonly after: number;
  private queue: SelectedEvent[] = [];
  private wake: (() => void) | undefined;
  private readonly onEnd: () => void;
  private ended = false;

  /** `after`: a revision that the client has seen; it may be ahead of this server, which has others beside it. */
  constructor(selection: Selection, after: number, onEnd: () => void) {
    this.selection = selection;
    this.after = after;
    this.onEnd = onEnd;
  }

  /** Queues what `event` means to this watcher. One that has fallen too far behind is ended: its client resumes. */
  offer(event: CacheEvent): void {
    if (this.ended || event.revision <= this.after) return;
    const selected = this.select(event);
    if (selected === undefined) return;
    if (this.queue.length >= maxQueuedEvents) {
      this.end();
      return;
    }
    this.queue.push(selected);
    this.notify();
  }

  /** Takes everything queued; waits while there is nothing. Undefined once the watch has ended. Resolves empty on `nudge`. */
  async take(): Promise<readonly SelectedEvent[] | undefined> {
    if (this.queue.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.queue.length === 0 && this.ended) return undefined;
    const taken = this.queue;
    this.queue = [];
    return taken;
  }

  /** Makes a waiting `take` return, so that its caller can look at the time. */
  nudge(): void {
    this.notify();
  }

  /** Idempotent. What is queued can still be taken. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
    this.notify();
  }

  private notify(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  /** An update that makes an object match reads as ADDED; one that makes it stop matching, as DELETED. */
  private select(event: CacheEvent): SelectedEvent | undefined {
    const { current, previous } = event;
    const matchedBefore = previous !== undefined && this.shows(previous);
    if (event.deleted !== undefined) return matchedBefore ? { type: 'DELETED', object: event.deleted } : undefined;
    if (current !== undefined && this.shows(current)) return { type: matchedBefore ? 'MODIFIED' : 'ADDED', object: current.stored };
    return matchedBefore ? { type: 'DELETED', object: previous.stored.deletedAt(event.revision) } : undefined;
  }

  private shows(entry: CacheEntry): boolean {
    const { namespace, name } = this.selection;
    if (namespace !== undefined && namespace !== entry.namespace) return false;
    if (name !== undefined && name !== entry.name) return false;
    return this.selection.matches(entry);
  }
}
