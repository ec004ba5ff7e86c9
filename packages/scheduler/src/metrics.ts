import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

export interface SchedulerMetrics {
  readonly attempts: Counter<'result' | 'profile'>;
  readonly attemptSeconds: Histogram<'result' | 'profile'>;
  readonly algorithmSeconds: Histogram;
  readonly sliSeconds: Histogram<'attempts'>;
  readonly podAttempts: Histogram;
  readonly incoming: Counter<'queue' | 'event'>;
}

/** Read at scrape time. */
export interface MetricSources {
  readonly pending: () => Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>;
  readonly unschedulable: () => ReadonlyMap<string, number>;
  readonly profile: string;
  readonly cache: () => { readonly nodes: number; readonly pods: number; readonly assumed: number };
}

const doubling = (start: number, count: number): number[] => Array.from({ length: count }, (_, index) => start * 2 ** index);

/** Every metric of this package, under the names that kube-scheduler uses. */
export function createSchedulerMetrics(registry: MetricsRegistry, sources: MetricSources): SchedulerMetrics {
  const registers = [registry];
  new Gauge({
    name: 'scheduler_pending_pods',
    help: 'Pods that wait, by the part of the queue they are in',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const [queue, count] of Object.entries(sources.pending())) this.set({ queue }, count);
    },
  });
  new Gauge({
    name: 'scheduler_scheduler_cache_size',
    help: 'Nodes, pods and assumed pods in the cache',
    labelNames: ['type'],
    registers,
    collect() {
      const { nodes, pods, assumed } = sources.cache();
      this.set({ type: 'nodes' }, nodes);
      this.set({ type: 'pods' }, pods);
      this.set({ type: 'assumed_pods' }, assumed);
    },
  });
  new Gauge({
    name: 'scheduler_unschedulable_pods',
    help: 'Unschedulable pods by the plugin that rejected them',
    labelNames: ['plugin', 'profile'],
    registers,
    collect() {
      this.reset();
      for (const [plugin, count] of sources.unschedulable()) this.set({ plugin, profile: sources.profile }, count);
    },
  });
  return {
    attempts: new Counter({
      name: 'scheduler_schedule_attempts_total',
      help: 'Attempts to place a pod, by result',
      labelNames: ['result', 'profile'],
      registers,
    }),
    attemptSeconds: new Histogram({
      name: 'scheduler_scheduling_attempt_duration_seconds',
      help: 'Seconds of an attempt, from choosing a node to the end of binding',
      labelNames: ['result', 'profile'],
      buckets: doubling(0.001, 15),
      registers,
    }),
    algorithmSeconds: new Histogram({
      name: 'scheduler_scheduling_algorithm_duration_seconds',
      help: 'Seconds to choose a node',
      buckets: doubling(0.000_01, 18),
      registers,
    }),
    sliSeconds: new Histogram({
      name: 'scheduler_pod_scheduling_sli_duration_seconds',
      help: 'Seconds from a pod entering the queue to it being bound',
      labelNames: ['attempts'],
      buckets: doubling(0.01, 20),
      registers,
    }),
    podAttempts: new Histogram({
      name: 'scheduler_pod_scheduling_attempts',
      help: 'Attempts until a pod was bound',
      buckets: [1, 2, 4, 8, 16],
      registers,
    }),
    incoming: new Counter({
      name: 'scheduler_queue_incoming_pods_total',
      help: 'Pods that joined a part of the queue',
      labelNames: ['queue', 'event'],
      registers,
    }),
  };
}
