import { isNotFound, resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from '@bayplan/client';

/** Tells users why a pod waits, in its `PodScheduled` condition. */
export interface StatusWriter {
  /** Writes the condition in the background unless the pod has it already; a newer one replaces one that waits. */
  unschedulable(pod: Pod, message: string): void;
  /** Resolves when nothing waits to be written. */
  flush(): Promise<void>;
}

const parallel = 4;
/** Conditions that may wait; beyond it the oldest is dropped, as the next attempt writes it anyway. */
const maxWaiting = 10_000;

export function createStatusWriter(options: {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): StatusWriter {
  const waiting = new Map<string, { readonly pod: Pod; readonly message: string }>();
  const workers = new Set<Promise<void>>();

  const work = async (): Promise<void> => {
    for (let next = first(waiting); next !== undefined && !options.signal.aborted; next = first(waiting)) {
      waiting.delete(next[0]);
      await write(next[1].pod, next[1].message);
    }
  };

  const write = async (pod: Pod, message: string): Promise<void> => {
    const known = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
      lastTransitionTime: known?.status === 'False' && known.lastTransitionTime ? known.lastTransitionTime : timestamp(options.clock.now()),
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
    const key = { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' };
    const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    try {
      await options.client.patch(resources.pods, key, 'strategic', patch, { subresource: 'status', signal: options.signal });
    } catch (err) {
      if (!options.signal.aborted && !isNotFound(err)) options.logger.warn('Could not write the condition of a pod', { ...key, err });
    }
  };

  return {
    unschedulable(pod, message) {
      const known = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
      const uid = pod.metadata.uid ?? '';
      if (known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message) {
        waiting.delete(uid);
        return;
      }
      waiting.set(uid, { pod, message });
      const oldest = first(waiting);
      if (waiting.size > maxWaiting && oldest !== undefined) waiting.delete(oldest[0]);
      if (workers.size >= parallel) return;
      const worker = work().finally(() => workers.delete(worker));
      workers.add(worker);
    },
    async flush() {
      await Promise.all(workers);
    },
  };
}

function first<K, V>(map: ReadonlyMap<K, V>): readonly [K, V] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
