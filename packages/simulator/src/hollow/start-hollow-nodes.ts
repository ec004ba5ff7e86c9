import { resources } from '@bayplan/api';
import { createInformer } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import type { Clock, Logger, Random } from '@bayplan/component-base';
import { BoundedQueue } from './bounded-queue.ts';
import { defaultShape } from './hollow-node.ts';
import type { HollowNodeShape } from './hollow-node.ts';
import { HollowPods } from './hollow-pods.ts';
import { NodeHeartbeats } from './node-heartbeats.ts';
import { TimerWheel } from './timer-wheel.ts';

export interface HollowNodesOptions {
  /** As one who may do what all of the nodes may. */
  readonly client: Client;
  readonly count: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Names are this and a number from 0. `hollow-` unless told. */
  readonly namePrefix?: string;
  /** What every node offers: 32 CPUs, 256 GiB and 1,000 pods unless told. */
  readonly shape?: Partial<HollowNodeShape>;
  /** How often each node renews its Lease of 40 s. 15 seconds unless told. */
  readonly leaseIntervalMs?: number;
}

export interface HollowNodes {
  readonly names: readonly string[];
  /** Resolves when all nodes are registered and Ready, or the signal has aborted. */
  readonly ready: Promise<void>;
  /** Resolves when the signal has aborted and nothing runs any more. The nodes stay in the API. */
  readonly stopped: Promise<void>;
}

/** API calls in flight at once, for all nodes together. */
const callsAtOnce = 32;
/** Of those that keep nodes alive, which do not wait for the others. */
const heartbeatsAtOnce = 8;

/**
 * Simulates `count` nodes: Node objects with Leases that are renewed, and pods bound to them that
 * start, become ready, complete and stop as their annotations say (`simulator.bayplan.io/...`), with
 * the status that a kubelet would report. There are no containers and no network behind them.
 */
export function startHollowNodes(options: HollowNodesOptions): HollowNodes {
  const { client, count, clock, random, logger, signal, namePrefix = 'hollow-' } = options;
  const names = Array.from({ length: count }, (_, index) => `${namePrefix}${String(index)}`);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const wheel = new TimerWheel(clock);
  const queue = new BoundedQueue(callsAtOnce);
  const shared = { client, clock, logger, wheel, queue, signal };

  const pods = createInformer({ client, ref: resources.pods, clock, logger });
  const nodes = createInformer({ client, ref: resources.nodes, clock, logger });
  new HollowPods({ ...shared, random, pods, nodes, indexOf });
  nodes.start(signal);
  pods.start(signal);

  const beats = new BoundedQueue(heartbeatsAtOnce);
  const heartbeats = new NodeHeartbeats({
    ...shared,
    queue: beats,
    nodes,
    shape: { ...defaultShape, ...options.shape },
    leaseIntervalMs: options.leaseIntervalMs ?? 15_000,
  });
  const registered = Promise.all(names.map((name, index) => heartbeats.start(name, index)));
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return {
    names,
    ready: Promise.race([registered.then(() => undefined), aborted]),
    stopped: aborted.then(async () => {
      wheel.stop();
      await Promise.all([queue.stop(), beats.stop()]);
    }),
  };
}
