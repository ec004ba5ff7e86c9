import type { CacheEntry, CacheEvent, Selection } from './cache-event.ts';
import { Turns } from './turns.ts';
import type { EventType, StoredObject } from './stored-object.ts';

const maxQueuedEvents = 10_000;
const nothing: readonly SelectedEvent[] = [];
const wakeups = new Turns(64);

export interface SelectedEvent {
  readonly type: EventType;
  readonly object: StoredObject;
}

/** One watch of a cache: a bounded queue of the events that its selection shows. */
export class Watcher {
  readonly selection: Selection;
  /** Up to this revision its events must be recalled from the store's history, before any is taken here. */
  readonly recallTo: number | undefined;
  readonly after: number;
  private queue: SelectedEvent[] = [];
  private wake: (() => void) | undefined;
  private readonly onEnd: () => void;
  private ended = false;
  private queued = false;
  private readonly onTurn = (): void => this.wakeNow();

  /** `after`: a revision that the client has seen; it may be ahead of this server, which has others beside it. */
  constructor(selection: Selection, after: number, recallTo: number | undefined, onEnd: () => void) {
    this.selection = selection;
    this.recallTo = recallTo;
    this.after = after;
    this.onEnd = onEnd;
  }

  /** Queues what `event` means to this watcher. One that has fallen too far behind is ended: its client resumes. */
  offer(event: CacheEvent): void {
    if (this.ended || event.revision <= this.after) return;
    const selected = select(this.selection, event);
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
    return this.takeNow();
  }

  /** As `take`, without waiting. */
  takeNow(): readonly SelectedEvent[] | undefined {
    if (this.queue.length === 0) return this.ended ? undefined : nothing;
    const taken = this.queue;
    this.queue = [];
    return taken;
  }

  /** Nothing is queued: everything that happened so far has been taken. */
  get isIdle(): boolean {
    return this.queue.length === 0;
  }

  /** Makes a waiting `take` return, so that its caller can look at the time. */
  nudge(): void {
    this.wakeNow();
  }

  /** Ends, and forgets what is queued. */
  discard(): void {
    this.queue = [];
    this.end();
  }

  /** Idempotent. What is queued can still be taken. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
    this.wakeNow();
  }

  /** Of the many watchers of one change only some are woken at once: writing to all would keep everybody else waiting. */
  private notify(): void {
    if (this.wake !== undefined && !this.queued) {
      this.queued = true;
      wakeups.run(this.onTurn);
    }
  }

  private wakeNow(): void {
    this.queued = false;
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}

/** What a change means to those who see a part: an update that makes an object match reads as ADDED; one that makes it stop, as DELETED. */
export function select(selection: Selection, { current, previous, deleted, revision }: CacheEvent): SelectedEvent | undefined {
  const matchedBefore = previous !== undefined && shows(selection, previous);
  if (deleted !== undefined) return matchedBefore ? { type: 'DELETED', object: deleted } : undefined;
  if (current !== undefined && shows(selection, current)) return { type: matchedBefore ? 'MODIFIED' : 'ADDED', object: current.stored };
  return matchedBefore ? { type: 'DELETED', object: previous.stored.deletedAt(revision) } : undefined;
}

function shows(selection: Selection, entry: CacheEntry): boolean {
  const { namespace, name } = selection;
  if (namespace !== undefined && namespace !== entry.namespace) return false;
  if (name !== undefined && name !== entry.name) return false;
  return selection.matches(entry);
}
