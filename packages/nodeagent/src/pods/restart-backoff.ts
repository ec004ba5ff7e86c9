import type { ObservedContainer } from './observed.ts';

/** First delay between restarts of a failing container. Source: Kubernetes' documented CrashLoopBackOff. */
const firstDelayMs = 10_000;
const longestDelayMs = 300_000;
/** A container that ran this long starts its backoff afresh. */
const forgivenAfterMs = 600_000;

/**
 * When the next attempt may start, from facts recorded on the attempt that ended, so that neither a
 * restart of the agent nor of the runtime forgets a backoff. The first restart waits for nothing.
 */
export function nextAttempt(ended: ObservedContainer): {
  readonly notBeforeMs: number;
  readonly delayMs: number;
  readonly delayAfterNextMs: number;
} {
  const ranMs = Math.max(0, ended.finishedAtMs - ended.startedAtMs);
  const delayMs = ended.startedAtMs > 0 && ranMs >= forgivenAfterMs ? 0 : ended.restartDelayMs;
  const delayAfterNextMs = delayMs === 0 ? firstDelayMs : Math.min(delayMs * 2, longestDelayMs);
  return { notBeforeMs: ended.finishedAtMs + delayMs, delayMs, delayAfterNextMs };
}

/** How Kubernetes prints a backoff in messages: `10s`, `1m20s`, `5m0s`. */
export function formatDelay(delayMs: number): string {
  const seconds = Math.round(delayMs / 1000);
  return seconds < 60 ? `${String(seconds)}s` : `${String(Math.floor(seconds / 60))}m${String(seconds % 60)}s`;
}
