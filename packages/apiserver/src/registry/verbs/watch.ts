import { badRequest } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { isTrue } from '../../chain/request-info.ts';
import type { Outcome, WatchItem } from '../../chain/outcome.ts';
import type { CacheEntry } from '../cache-event.ts';
import { selectionOf } from '../selection.ts';
import type { Watcher } from '../watcher.ts';
import { revisionOf } from './read.ts';
import type { VerbCall } from './services.ts';

const minTimeoutMs = 30 * 60_000;
const bookmarkEveryMs = 60_000;
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

/** GET with `watch=true`. The events end at the timeout, when the client goes away, or when it falls too far behind. */
export async function watchObjects(call: VerbCall): Promise<Outcome> {
  const { services, context, resource } = call;
  const { query } = context.request;
  const selection = selectionOf(context, resource);
  const { cache } = resource.storage;
  const version = revisionOf(query.get('resourceVersion'));
  const sendInitial = query.get('sendInitialEvents');
  if (sendInitial !== null && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw badRequest('sendInitialEvents requires resourceVersionMatch set to NotOlderThan');
  }
  await resource.storage.translate('watch', '', () => (version === undefined ? cache.fresh() : cache.start()));
  if (version !== undefined && sendInitial === 'true' && version > cache.revision) await cache.reached(version);

  const wantsInitial = sendInitial === null ? version === undefined || version === 0 : isTrue(sendInitial);
  const watcher = cache.watch(selection, wantsInitial || version === undefined || version === 0 ? undefined : version);
  // The request's signal always aborts in the end, even when nobody takes the first event.
  const { signal } = context.request;
  signal.addEventListener('abort', () => watcher.end(), { once: true });
  const plan: Plan = {
    watcher,
    initial: wantsInitial ? cache.list(selection) : [],
    announceEnd: sendInitial === 'true',
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    deadlineMs: services.clock.monotonic() + timeoutOf(query.get('timeoutSeconds'), services.random.next()),
    startRevision: cache.revision,
  };
  return { kind: 'watch', resource, events: follow(plan, services.clock, () => cache.revision, signal) };
}

/** Half an hour to an hour when the client does not say, so that clients do not all come back at once. */
function timeoutOf(seconds: string | null, spread: number): number {
  if (seconds === null || seconds === '' || seconds === '0') return minTimeoutMs * (1 + spread);
  if (!/^\d+$/.test(seconds)) throw badRequest(`timeoutSeconds: Invalid value: ${JSON.stringify(seconds)}`);
  return Number(seconds) * 1000;
}

async function* follow(plan: Plan, clock: Clock, revision: () => number, signal: AbortSignal): AsyncGenerator<readonly WatchItem[]> {
  const { watcher } = plan;
  try {
    for (let at = 0; at < plan.initial.length; at += initialBatch) {
      yield plan.initial.slice(at, at + initialBatch).map((entry) => ({ type: 'ADDED' as const, object: entry.stored }));
    }
    if (plan.announceEnd) yield [{ type: 'BOOKMARK', resourceVersion: plan.startRevision, initialEventsEnd: true }];
    for (;;) {
      if (signal.aborted) return;
      const waitMs = Math.min(plan.deadlineMs - clock.monotonic(), bookmarkEveryMs);
      const timer = clock.after(Math.max(waitMs, 0), () => watcher.nudge(), { unref: true });
      const events = await watcher.take();
      timer.cancel();
      if (events === undefined) return;
      if (events.length > 0) {
        yield events;
        continue;
      }
      if (plan.bookmarks) yield [{ type: 'BOOKMARK', resourceVersion: revision(), initialEventsEnd: false }];
      if (clock.monotonic() >= plan.deadlineMs) return;
    }
  } finally {
    watcher.end();
  }
}
