import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

/** The `workqueue_*` metrics of one registry, shared by all queues that report to it. */
export interface WorkQueueMetrics {
  readonly depth: Gauge;
  readonly adds: Counter;
  readonly queueDuration: Histogram;
  readonly workDuration: Histogram;
  readonly retries: Counter;
  /** Registers a source that is asked at scrape time how long its unfinished work has been running. */
  watchUnfinished(name: string, startTimesMs: () => Iterable<number>, nowMs: () => number): void;
}

/** 10 ns to 10 s by tens, as Kubernetes has it. */
const durationBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];

const byRegistry = new WeakMap<MetricsRegistry, WorkQueueMetrics>();

/** The metrics of a registry; made at the first call. */
export function workQueueMetrics(registry: MetricsRegistry): WorkQueueMetrics {
  const known = byRegistry.get(registry);
  if (known) return known;
  const common = { labelNames: ['name'], registers: [registry] };
  const sources: { name: string; startTimesMs: () => Iterable<number>; nowMs: () => number }[] = [];
  const elapsed = (source: (typeof sources)[number]): number[] =>
    Array.from(source.startTimesMs(), (start) => (source.nowMs() - start) / 1000);
  new Gauge({
    ...common,
    name: 'workqueue_unfinished_work_seconds',
    help: 'How many seconds of work is in progress and has not been observed by work_duration',
    collect() {
      for (const source of sources)
        this.set(
          { name: source.name },
          elapsed(source).reduce((sum, seconds) => sum + seconds, 0),
        );
    },
  });
  new Gauge({
    ...common,
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How many seconds the longest running worker of the queue has been running',
    collect() {
      for (const source of sources) this.set({ name: source.name }, Math.max(0, ...elapsed(source)));
    },
  });
  const metrics: WorkQueueMetrics = {
    depth: new Gauge({ ...common, name: 'workqueue_depth', help: 'Current depth of the queue' }),
    adds: new Counter({ ...common, name: 'workqueue_adds_total', help: 'Total number of adds handled by the queue' }),
    queueDuration: new Histogram({
      ...common,
      name: 'workqueue_queue_duration_seconds',
      help: 'How long in seconds an item stays in the queue before being taken',
      buckets: durationBuckets,
    }),
    workDuration: new Histogram({
      ...common,
      name: 'workqueue_work_duration_seconds',
      help: 'How long in seconds processing an item of the queue takes',
      buckets: durationBuckets,
    }),
    retries: new Counter({ ...common, name: 'workqueue_retries_total', help: 'Total number of retries handled by the queue' }),
    watchUnfinished: (name, startTimesMs, nowMs) => void sources.push({ name, startTimesMs, nowMs }),
  };
  byRegistry.set(registry, metrics);
  return metrics;
}
