import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { Pod, PodCondition, PodStatus } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock, Logger } from '@bayplan/component-base';
import type { NodeAgentMetrics } from '../metrics.ts';
import { ownConditions } from './conditions.ts';

/** Writes pod statuses: of several that come while one is being written, only the last. */
export interface StatusWriter {
  /** Remembers what the API server already has, so that it is not written again. */
  adopt(uid: string, status: PodStatus): void;
  report(pod: Pod, status: PodStatus): void;
  /** Resolves when everything reported for the pod was written, or cannot be. */
  flush(uid: string): Promise<void>;
  forget(uid: string): void;
}

interface Entry {
  pod: Pod;
  wanted: PodStatus | undefined;
  written: string;
  writing: Promise<void> | undefined;
}

const firstRetryMs = 250;
const longestRetryMs = 10_000;

export function createStatusWriter(options: {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NodeAgentMetrics;
  readonly signal: AbortSignal;
}): StatusWriter {
  const { client, clock, logger, metrics, signal } = options;
  const entries = new Map<string, Entry>();

  const write = async (uid: string, entry: Entry): Promise<void> => {
    let retryMs = firstRetryMs;
    while (entry.wanted !== undefined && !signal.aborted && entries.get(uid) === entry) {
      const status = entry.wanted;
      const text = JSON.stringify(status);
      const patch = statusPatch(uid, status, entry.written);
      if (patch === undefined) {
        entry.wanted = undefined;
        continue;
      }
      const key = { namespace: entry.pod.metadata.namespace, name: entry.pod.metadata.name ?? '' };
      try {
        metrics.podStatusPatches.inc();
        await client.patch(resources.pods, key, 'strategic', patch, { subresource: 'status', signal });
        entry.written = text;
        if (entry.wanted === status) entry.wanted = undefined;
        retryMs = firstRetryMs;
      } catch (error) {
        // The pod is gone, or another one has its name: nothing is left to report.
        if (isNotFound(error) || isConflict(error)) {
          entry.wanted = undefined;
          return;
        }
        if (signal.aborted) return;
        logger.warn('Failed to write the status of a pod', {
          pod: entry.pod.metadata.name,
          namespace: entry.pod.metadata.namespace,
          err: error,
        });
        await clock.sleep(retryMs, signal).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  };

  const begin = (uid: string, entry: Entry): void => {
    entry.writing = write(uid, entry).finally(() => {
      entry.writing = undefined;
      // It may have been reported after the writer had looked for the last time.
      if (entry.wanted !== undefined && !signal.aborted && entries.get(uid) === entry) begin(uid, entry);
    });
  };

  return {
    adopt(uid, status) {
      if (!entries.has(uid))
        entries.set(uid, { pod: { metadata: {} }, wanted: undefined, written: JSON.stringify(status), writing: undefined });
    },
    report(pod, status) {
      const uid = pod.metadata.uid ?? '';
      const entry: Entry = entries.get(uid) ?? { pod, wanted: undefined, written: '', writing: undefined };
      entries.set(uid, entry);
      entry.pod = pod;
      entry.wanted = status;
      if (entry.writing === undefined) begin(uid, entry);
    },
    flush: async (uid) => entries.get(uid)?.writing,
    forget: (uid) => void entries.delete(uid),
  };
}

/**
 * The patch that makes the API server's status this one; undefined when it is so already. Conditions
 * merge by type, so those of others stay; lists that merge by key would also keep entries that are
 * gone, so they are replaced.
 *
 * @param before what was written last, as JSON; empty when nothing was.
 */
export function statusPatch(
  uid: string,
  status: PodStatus,
  before: string,
): { readonly metadata: object; readonly status: object } | undefined {
  const previous = before === '' ? {} : (JSON.parse(before) as Record<string, unknown>);
  const changes: Record<string, unknown> = {};
  for (const key of ownedFields) if (key in previous && !(key in status)) changes[key] = null;
  for (const [key, value] of Object.entries(status)) {
    if (key === 'conditions' || value === undefined || sameJson(value, previous[key])) continue;
    const mergesByKey = key === 'podIPs' || key === 'hostIPs';
    changes[key] = mergesByKey && previous[key] !== undefined ? [...(value as readonly object[]), { $patch: 'replace' }] : value;
  }
  const earlier = (previous['conditions'] ?? []) as readonly PodCondition[];
  const conditions = (status.conditions ?? []).filter(
    (condition) =>
      ownConditions.includes(condition.type) &&
      !sameJson(
        condition,
        earlier.find((one) => one.type === condition.type),
      ),
  );
  if (conditions.length > 0) changes['conditions'] = conditions.map((condition) => withRemovals(condition, earlier));
  return Object.keys(changes).length === 0 ? undefined : { metadata: { uid }, status: changes };
}

/** Equal as JSON, whatever the order of keys; null is the same as nothing. */
function sameJson(one: unknown, other: unknown): boolean {
  if (one === other || (one ?? undefined) === (other ?? undefined)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    return (
      Array.isArray(one) && Array.isArray(other) && one.length === other.length && one.every((item, index) => sameJson(item, other[index]))
    );
  }
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => sameJson(left[key], right[key]));
}

/** Conditions merge field by field: what one no longer has must be taken away explicitly. */
function withRemovals(condition: PodCondition, earlier: readonly PodCondition[]): object {
  const before = earlier.find((one) => one.type === condition.type);
  const gone = (['reason', 'message'] as const).filter((field) => before?.[field] !== undefined && condition[field] === undefined);
  return { ...condition, ...Object.fromEntries(gone.map((field) => [field, null])) };
}

const ownedFields: ReadonlySet<string> = new Set([
  'reason',
  'message',
  'podIP',
  'podIPs',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
]);
