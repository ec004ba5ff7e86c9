import { setImmediate as nextTurn } from 'node:timers/promises';
import { isNotFound, resources } from '@bayplan/api';
import type { Binding, Pod } from '@bayplan/api';
import type { Clock, Logger, MetricsRegistry, Random, Timer } from '@bayplan/component-base';
import { createEventRecorder } from '@bayplan/client';
import type { Client, EventRecorder, InformerFactory } from '@bayplan/client';
import { VolumeCache } from './cache/volume-cache.ts';
import { feedCluster } from './cluster-feed.ts';
import { clusterEvents } from './framework/plugin.ts';
import type { Profile } from './framework/plugin.ts';
import { createSchedulerMetrics } from './metrics.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { PlacementCore } from './placement-core.ts';
import type { Decision } from './placement-core.ts';
import { defaultProfile } from './plugins/default-profile.ts';
import { preemptionMessage } from './preemption-message.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';
import type { QueueEntry } from './queue/scheduling-queue.ts';
import { createStatusWriter } from './status-writer.ts';
import type { StatusWriter } from './status-writer.ts';
import { reserveVolumes } from './volume-binder.ts';
import type { VolumeReservation } from './volume-binder.ts';

export interface SchedulerOptions {
  readonly client: Client;
  /** Pods and Nodes are taken from it. The owner starts it. */
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  /** Decides between equally good nodes; logged, so that a run can be repeated. Default: drawn from `random`. */
  readonly seed?: number;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Default: Kubernetes' default plugins. Pods with another `schedulerName` are left alone. */
  readonly profile?: Profile;
  /** Aborting it is the same as calling `stop`. */
  readonly signal: AbortSignal;
}

/** A running scheduler. */
export interface Scheduler {
  /** Resolves when the caches are full and pods are being placed. Rejects when stopped before. */
  readonly ready: Promise<void>;
  /** Resolves when it has stopped and no binding is under way. */
  readonly stopped: Promise<void>;
  /** Stops placing pods and waits for the bindings under way. */
  stop(): Promise<void>;
}

/** How long placing may hold the event loop. */
const sliceMs = 5;
/** Bindings under way at once. */
const maxBindings = 128;
const flushStaleMs = 30_000;

/** Starts to place every pod that has no node. Returns at once. */
export function startScheduler(options: SchedulerOptions): Scheduler {
  return new SchedulerLoop(options);
}

class SchedulerLoop implements Scheduler {
  readonly ready: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #options: SchedulerOptions;
  readonly #seed: number;
  readonly #core: PlacementCore;
  readonly #queue: SchedulingQueue;
  readonly #metrics: SchedulerMetrics;
  readonly #events: EventRecorder;
  readonly #status: StatusWriter;
  readonly #stopping = new AbortController();
  readonly #bindings = new Set<Promise<void>>();
  /** Pods that have a node and wait for their volumes. */
  readonly #waiting = new Set<Promise<void>>();
  readonly #volumes: VolumeCache;
  #wake: () => void = () => undefined;

  constructor(options: SchedulerOptions) {
    const { client, clock, logger, metrics: registry } = options;
    const profile = options.profile ?? defaultProfile;
    this.#options = options;
    this.#seed = options.seed ?? Math.floor(options.random.next() * 2 ** 32);
    this.#core = new PlacementCore({ profile, seed: this.#seed });
    this.#queue = new SchedulingQueue({
      queueSort: profile.queueSort,
      preEnqueue: profile.preEnqueue,
      now: () => clock.now(),
      onEnqueue: (queue, event) => this.#metrics.incoming.inc({ queue, event }),
    });
    this.#metrics = createSchedulerMetrics(registry, {
      profile: profile.schedulerName,
      pending: () => this.#queue.sizes,
      unschedulable: () => this.#queue.unschedulableByPlugin,
      cache: () => this.#core.cache.counts,
    });
    const signal = this.#stopping.signal;
    this.#events = createEventRecorder({ client, clock, logger, component: profile.schedulerName, signal });
    this.#status = createStatusWriter({ client, clock, logger, signal });
    options.signal.addEventListener('abort', this.#abort, { once: true });
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    this.#volumes = new VolumeCache(options.informers);
    const feed = feedCluster({
      informers: options.informers,
      cache: this.#core.cache,
      volumes: this.#volumes,
      queue: this.#queue,
      schedulerName: profile.schedulerName,
      wake: () => this.#wake(),
    });
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('the scheduler was stopped')), { once: true }),
    );
    this.ready = Promise.race([feed.synced.then(() => undefined), stopped]);
    // Whoever does not wait for it must not be brought down by its rejection at stop.
    this.ready.catch(() => undefined);
    this.stopped = this.#work(feed.stop);
    if (options.signal.aborted) this.#abort();
  }

  readonly #abort = (): void => this.#stopping.abort(new Error('the scheduler was stopped'));

  stop(): Promise<void> {
    this.#abort();
    return this.stopped;
  }

  async #work(endFeed: () => void): Promise<void> {
    try {
      await this.ready;
      await this.#run();
    } catch (err) {
      if (!this.#stopping.signal.aborted) throw err;
    } finally {
      endFeed();
      this.#options.signal.removeEventListener('abort', this.#abort);
      await Promise.allSettled([...this.#waiting, ...this.#bindings, this.#status.flush()]);
    }
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const signal = this.#stopping.signal;
    logger.info('Started scheduler', { seed: this.#seed, profile: this.#core.profile.schedulerName });
    let sliceStartedAt = clock.monotonic();
    let flushedAt = clock.monotonic();
    while (!signal.aborted) {
      if (clock.monotonic() - flushedAt > flushStaleMs) {
        this.#queue.flushStale();
        flushedAt = clock.monotonic();
      }
      while (this.#bindings.size >= maxBindings) await Promise.race(this.#bindings);
      const entry = this.#queue.take();
      if (entry === undefined) {
        await this.#nextWork();
        sliceStartedAt = clock.monotonic();
        continue;
      }
      this.#attempt(entry);
      if (clock.monotonic() - sliceStartedAt > sliceMs) {
        await nextTurn();
        sliceStartedAt = clock.monotonic();
      }
    }
  }

  /** Waits for a change, for a pod to leave backoff, or for the time to look for forgotten ones. */
  #nextWork(): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      let timer: Timer | undefined = undefined;
      this.#wake = () => {
        timer?.cancel();
        this.#wake = () => undefined;
        resolve();
      };
      const at = this.#queue.nextWakeMs;
      const waiting = this.#queue.sizes.unschedulable > 0;
      if (this.#stopping.signal.aborted) this.#wake();
      else if (at !== undefined || waiting)
        timer = clock.after(Math.min(at === undefined ? flushStaleMs : Math.max(at - clock.now(), 0), flushStaleMs), () => this.#wake());
    });
  }

  #attempt(entry: QueueEntry): void {
    const { clock, logger } = this.#options;
    const profile = this.#core.profile.schedulerName;
    const startedAt = clock.monotonic();
    let decision: Decision;
    try {
      decision = this.#core.decide(entry.pod);
    } catch (err) {
      // Such as a quantity that no longer parses: one pod must not stop the others.
      logger.error('Failed to place a pod', { pod: nameOf(entry.pod), err });
      this.#metrics.attempts.inc({ result: 'error', profile });
      this.#queue.giveBack(entry, 0);
      return;
    }
    this.#metrics.algorithmSeconds.observe((clock.monotonic() - startedAt) / 1000);
    if (decision.kind === 'placed') {
      this.#core.cache.assume(entry.pod, decision.nodeName);
      logger.debug('Chose a node', {
        pod: nameOf(entry.pod),
        node: decision.nodeName,
        score: decision.score,
        feasibleNodes: decision.feasibleNodes,
        seed: decision.seed,
      });
      const { nodeName } = decision;
      const reserved = this.#reserve(entry, nodeName);
      if (reserved === undefined) this.#startBinding(entry, nodeName, startedAt);
      else {
        const waiting = this.#bindVolumes(entry, nodeName, reserved, startedAt).finally(() => this.#waiting.delete(waiting));
        this.#waiting.add(waiting);
      }
      return;
    }
    const message = `${decision.message}${preemptionMessage(entry.pod, decision, this.#core.cache)}`;
    const plugins = [...new Set(decision.rejections.map((rejection) => rejection.plugin))];
    this.#queue.giveBack(entry, decision.waitsFor, plugins);
    this.#metrics.attempts.inc({ result: 'unschedulable', profile });
    this.#metrics.attemptSeconds.observe({ result: 'unschedulable', profile }, (clock.monotonic() - startedAt) / 1000);
    this.#events.event({ ref: resources.pods, object: entry.pod }, 'Warning', 'FailedScheduling', message);
    this.#status.unschedulable(entry.pod, message);
    logger.debug('Found no node', { pod: nameOf(entry.pod), message });
  }

  #startBinding(entry: QueueEntry, nodeName: string, startedAt: number): void {
    const binding = this.#bind(entry, nodeName, startedAt).finally(() => this.#bindings.delete(binding));
    this.#bindings.add(binding);
  }

  #reserve(entry: QueueEntry, nodeName: string): VolumeReservation | undefined {
    const { client, clock } = this.#options;
    const { cache } = this.#core;
    return reserveVolumes({ client, clock, volumes: this.#volumes }, cache.shapeOf(entry.pod), nodeName, cache);
  }

  /** A pod is bound to its node only after its volumes: a volume that cannot be made must not pin the pod. */
  async #bindVolumes(entry: QueueEntry, nodeName: string, reserved: VolumeReservation, startedAt: number): Promise<void> {
    const { logger } = this.#options;
    const { signal } = this.#stopping;
    try {
      await reserved.bind(signal);
    } catch (err) {
      this.#core.cache.forget(entry.uid);
      if (signal.aborted) return;
      const reason = err instanceof Error ? err.message : String(err);
      logger.debug('Could not bind the volumes of a pod', { pod: nameOf(entry.pod), node: nodeName, err });
      this.#metrics.attempts.inc({ result: 'error', profile: this.#core.profile.schedulerName });
      const message = `running PreBind plugin "VolumeBinding": binding volumes: ${reason}`;
      this.#events.event({ ref: resources.pods, object: entry.pod }, 'Warning', 'FailedScheduling', message);
      // Waiting pods of this node may fit now, and this one is tried again.
      this.#queue.notify(clusterEvents.assignedPodDelete, 'AssignedPodDelete');
      this.#queue.giveBack(entry, 0);
      this.#wake();
      return;
    } finally {
      reserved.release();
    }
    // The pod may have been deleted while it waited.
    if (this.#queue.get(entry.uid) === undefined) this.#core.cache.forget(entry.uid);
    else this.#startBinding(entry, nodeName, startedAt);
  }

  async #bind(entry: QueueEntry, nodeName: string, startedAt: number): Promise<void> {
    const { client, clock, logger } = this.#options;
    const profile = this.#core.profile.schedulerName;
    const { pod } = entry;
    const key = { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' };
    const uid = pod.metadata.uid ?? '';
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { ...key, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    try {
      await client.createSubresource(resources.pods, key, 'binding', binding, { signal: this.#stopping.signal });
    } catch (err) {
      this.#core.cache.forget(uid);
      if (this.#stopping.signal.aborted) return;
      this.#metrics.attempts.inc({ result: 'error', profile });
      if (isNotFound(err)) {
        // The informer will tell that it is gone, if it is the pod that was not found.
        logger.debug('Found a pod gone when binding it', { ...key, node: nodeName });
      } else {
        logger.warn('Could not bind a pod', { ...key, node: nodeName, err });
        this.#events.event(
          { ref: resources.pods, object: pod },
          'Warning',
          'FailedScheduling',
          `binding rejected: ${err instanceof Error ? err.message : String(err)}`,
        );
      }
      this.#queue.giveBack(entry, 0);
      this.#wake();
      return;
    }
    const seconds = (clock.monotonic() - startedAt) / 1000;
    this.#metrics.attempts.inc({ result: 'scheduled', profile });
    this.#metrics.attemptSeconds.observe({ result: 'scheduled', profile }, seconds);
    this.#metrics.podAttempts.observe(entry.attempts);
    this.#metrics.sliSeconds.observe({ attempts: String(Math.min(entry.attempts, 16)) }, (clock.now() - entry.firstSeenMs) / 1000);
    this.#queue.remove(uid);
    this.#events.event({ ref: resources.pods, object: pod }, 'Normal', 'Scheduled', `Successfully assigned ${nameOf(pod)} to ${nodeName}`);
  }
}

function nameOf(pod: Pod): string {
  return `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
}
