import type { CoreV1Event } from '@bayplan/api';
import { isStoreError } from '@bayplan/store';
import type { ServerParts } from '../server-parts.ts';

const keptMs = 60 * 60_000;
const everyMs = 60_000;
/** Deletions in a row before other work gets its turn. */
const batch = 100;

/** Removes Events an hour after they were last seen. Returns what stops it. */
export function startEventExpiry(parts: ServerParts): () => Promise<void> {
  const { clock, logger } = parts.options;
  const abort = new AbortController();
  const loop = (async () => {
    for (;;) {
      await clock.sleep(everyMs, abort.signal).catch(() => undefined);
      if (abort.signal.aborted) return;
      await sweep(parts, clock.now() - keptMs, abort.signal).catch((error: unknown) =>
        logger.warn('Events could not be expired', { err: error }),
      );
    }
  })();
  return async () => {
    abort.abort();
    await loop;
  };
}

async function sweep(parts: ServerParts, beforeMs: number, signal: AbortSignal): Promise<void> {
  const { storage } = parts.registry.stored('', 'v1', 'events');
  await storage.cache.start();
  let removed = 0;
  for (const { stored } of storage.cache.list({ matches: () => true })) {
    if (signal.aborted) return;
    if (!(lastSeenMs(stored.object as CoreV1Event) < beforeMs)) continue;
    try {
      await storage.remove(stored);
    } catch (error) {
      // It was seen again, or another server was quicker.
      if (!isStoreError(error, 'conflict') && !isStoreError(error, 'not-found')) throw error;
    }
    removed++;
    if (removed % batch === 0) await parts.options.clock.sleep(10, signal).catch(() => undefined);
  }
}

function lastSeenMs(event: CoreV1Event): number {
  const times = [
    event.lastTimestamp,
    event.series?.lastObservedTime,
    event.eventTime,
    event.firstTimestamp,
    event.metadata?.creationTimestamp,
  ];
  return Math.max(...times.map((time) => Date.parse(time ?? '')).filter((ms) => !Number.isNaN(ms)));
}
