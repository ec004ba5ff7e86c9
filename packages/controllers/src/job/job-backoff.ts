import type { Pod } from '@bayplan/api';
import { finishedAtMs } from './job-pods.ts';

const firstDelayMs = 10_000;
const maxDelayMs = 10 * 60_000;

/** How often pods of a Job failed since one last succeeded, and when the last did. */
export interface FailureRecord {
  readonly failures: number;
  readonly lastMs: number;
}

/** The record after more pods have ended, in the order in which they did. */
export function recordEnds(
  before: FailureRecord | undefined,
  succeeded: readonly Pod[],
  failed: readonly Pod[],
  nowMs: number,
): FailureRecord | undefined {
  const ends = [...succeeded.map((pod) => ({ pod, ok: true })), ...failed.map((pod) => ({ pod, ok: false }))]
    .map(({ pod, ok }) => ({ ok, atMs: finishedAtMs(pod) ?? nowMs }))
    .sort((a, b) => a.atMs - b.atMs);
  let record = before;
  for (const { ok, atMs } of ends) record = ok ? undefined : { failures: (record?.failures ?? 0) + 1, lastMs: atMs };
  return record;
}

/** How long to wait before the next pod is made: 10 s after the first failure, twice as long after each more. */
export function retryInMs(record: FailureRecord | undefined, nowMs: number): number {
  if (record === undefined || record.failures <= 0) return 0;
  const delayMs = Math.min(firstDelayMs * 2 ** Math.min(record.failures - 1, 20), maxDelayMs);
  return Math.max(0, record.lastMs + delayMs - nowMs);
}
