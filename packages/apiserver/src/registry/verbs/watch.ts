import { statusOf } from '@bayplan/api';
import type { FailureStatus } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { Outcome, WatchItem } from '../../chain/outcome.ts';
import type { CacheEntry } from '../cache-event.ts';
import type { ResourceCache } from '../resource-cache.ts';
import { selectionOf } from '../selection.ts';
import type { Watcher } from '../watcher.ts';
import { listOptions } from './list-options.ts';
import type { ListOptions } from './list-options.ts';
import { notOlderThan } from './read.ts';
import type { VerbCall } from './services.ts';

const minTimeoutMs = 30 * 60_000;
const bookmarkEveryMs = 60_000;
/** The last bookmark comes this long before the end of a watch. */
const lastBookmarkMs = 2_000;
const initialBatch = 500;

interface Plan {
  readonly watcher: Watcher;
  readonly initial: readonly CacheEntry[];
  /** Ends the initial events with a bookmark. */
  readonly announceEnd: boolean;
  readonly bookmarks: boolean;
  readonly deadlineMs: number;
  readonly startRevision: number;
}

/**
 * GET with `watch=true`. The events end at the timeout, when the client goes away, or when it falls too far
 * behind. What is wrong with the revision is told as an event: the watch itself has been granted.
 */
export async function watchObjects(call: VerbCall): Promise<Outcome> {
  const { services, context, resource } = call;
  const options = listOptions(context.request.query, true);
  const selection = selectionOf(context, resource);
  const { cache } = resource.storage;
  const { resourceVersion: version } = options;
  const timeoutMs =
    options.timeoutSeconds === undefined ? minTimeoutMs * (1 + services.random.next()) : Math.min(options.timeoutSeconds * 1000, 2 ** 52);
  const { signal } = context.request;
  try {
    await resource.storage.translate('watch', '', () => (version === undefined ? cache.fresh() : cache.start()));
    const wantsInitial = options.sendInitialEvents ?? (version === undefined || version === 0);
    if (version !== undefined && options.sendInitialEvents === true) await notOlderThan(call, version);
    const watcher = cache.watch(selection, wantsInitial || version === undefined || version === 0 ? undefined : version);
    // The request's signal always aborts in the end, even when nobody takes the first event.
    signal.addEventListener('abort', () => watcher.end(), { once: true });
    const plan: Plan = {
      watcher,
      initial: wantsInitial ? cache.list(selection) : [],
      announceEnd: announcesEnd(options),
      bookmarks: options.allowWatchBookmarks,
      deadlineMs: services.clock.monotonic() + timeoutMs,
      startRevision: cache.revision,
    };
    return { kind: 'watch', resource, events: follow(plan, cache, services.clock, signal) };
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return { kind: 'watch', resource, events: failed(status) };
  }
}

/** The bookmark that ends the initial events goes to those who take bookmarks. */
function announcesEnd(options: ListOptions): boolean {
  return options.sendInitialEvents === true && options.allowWatchBookmarks;
}

async function* failed(status: FailureStatus): AsyncGenerator<readonly WatchItem[]> {
  yield await Promise.resolve([{ type: 'ERROR' as const, status }]);
}

async function* follow(plan: Plan, cache: ResourceCache, clock: Clock, signal: AbortSignal): AsyncGenerator<readonly WatchItem[]> {
  const { watcher, deadlineMs } = plan;
  let due = false;
  let bookmarkMs = plan.bookmarks ? nextBookmark(clock.monotonic(), deadlineMs) : deadlineMs;
  const wait = () =>
    clock.after(
      Math.max(Math.min(deadlineMs, bookmarkMs) - clock.monotonic(), 0),
      () => {
        due = true;
        watcher.nudge();
      },
      { unref: true },
    );
  let timer = wait();
  try {
    for (let at = 0; at < plan.initial.length; at += initialBatch) {
      yield plan.initial.slice(at, at + initialBatch).map((entry) => ({ type: 'ADDED' as const, object: entry.stored }));
    }
    if (watcher.recallTo !== undefined) yield* recalled(watcher, watcher.recallTo, cache, signal);
    if (plan.announceEnd) yield [{ type: 'BOOKMARK', resourceVersion: plan.startRevision, initialEventsEnd: true }];
    for (;;) {
      if (signal.aborted) return;
      const events = due ? watcher.takeNow() : await watcher.take();
      if (events === undefined) return;
      if (events.length > 0) yield events;
      if (!due) continue;
      const now = clock.monotonic();
      if (now >= deadlineMs) return;
      // A bookmark says that everything up to it has been shown, so nothing may lie in the queue.
      if (watcher.isIdle && now >= bookmarkMs) {
        yield [{ type: 'BOOKMARK', resourceVersion: cache.revision, initialEventsEnd: false }];
        bookmarkMs = nextBookmark(now, deadlineMs);
      }
      if (!watcher.isIdle) continue;
      due = false;
      timer = wait();
    }
  } finally {
    timer.cancel();
    watcher.end();
  }
}

/** Ends with an event that says so when history is gone; the watcher then has nothing more to tell. */
async function* recalled(watcher: Watcher, to: number, cache: ResourceCache, signal: AbortSignal): AsyncGenerator<readonly WatchItem[]> {
  try {
    yield* cache.recall(watcher.selection, watcher.after, to, signal);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    watcher.discard();
    yield [{ type: 'ERROR', status }];
  }
}

function nextBookmark(now: number, deadlineMs: number): number {
  const last = deadlineMs - lastBookmarkMs;
  return now < last ? Math.min(now + bookmarkEveryMs, last) : deadlineMs;
}
