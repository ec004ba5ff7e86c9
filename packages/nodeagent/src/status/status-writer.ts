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
      if (text === entry.written) {
        entry.wanted = undefined;
        continue;
      }
      const key = { namespace: entry.pod.metadata.namespace, name: entry.pod.metadata.name ?? '' };
      try {
        metrics.podStatusPatches.inc();
        await client.patch(resources.pods, key, 'strategic', statusPatch(uid, status, entry.written), { subresource: 'status', signal });
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
      entry.writing ??= write(uid, entry).finally(() => (entry.writing = undefined));
    },
    flush: async (uid) => entries.get(uid)?.writing,
    forget: (uid) => void entries.delete(uid),
  };
}

/**
 * The patch that makes the API server's status this one. Conditions merge by type, so those of others
 * stay; lists that merge by key would also keep entries that are gone, so they are replaced.
 */
export function statusPatch(uid: string, status: PodStatus, before: string): unknown {
  const previous = before === '' ? {} : (JSON.parse(before) as Record<string, unknown>);
  const gone = Object.fromEntries(
    Object.keys(previous)
      .filter((key) => !(key in status) && key !== 'conditions' && ownedFields.has(key))
      .map((key) => [key, null]),
  );
  const replaced = (list: readonly { ip: string }[] | undefined): unknown =>
    list === undefined ? undefined : [...list, { $patch: 'replace' }];
  const earlier = (previous['conditions'] ?? []) as readonly PodCondition[];
  const conditions = (status.conditions ?? [])
    .filter((condition) => ownConditions.includes(condition.type))
    .map((condition) => withRemovals(condition, earlier));
  return {
    metadata: { uid },
    status: {
      ...gone,
      ...status,
      conditions,
      ...(status.podIPs === undefined ? {} : { podIPs: previous['podIPs'] === undefined ? status.podIPs : replaced(status.podIPs) }),
      ...(status.hostIPs === undefined ? {} : { hostIPs: previous['hostIPs'] === undefined ? status.hostIPs : replaced(status.hostIPs) }),
    },
  };
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
