import { createMetricsRegistry } from '@bayplan/component-base';
import { expect, it } from 'vitest';
import { createSchedulerMetrics } from '../src/metrics.ts';

it('declares these metrics, which dashboards rely on', () => {
  const registry = createMetricsRegistry({ processMetrics: false });
  createSchedulerMetrics(registry, {
    profile: 'default-scheduler',
    pending: () => ({ active: 0, backoff: 0, unschedulable: 0, gated: 0 }),
    unschedulable: () => new Map(),
    cache: () => ({ nodes: 0, pods: 0, assumed: 0 }),
  });
  expect(registry.getMetricsAsArray().map((metric) => metric.name)).toEqual([
    'scheduler_pending_pods',
    'scheduler_scheduler_cache_size',
    'scheduler_unschedulable_pods',
    'scheduler_schedule_attempts_total',
    'scheduler_scheduling_attempt_duration_seconds',
    'scheduler_scheduling_algorithm_duration_seconds',
    'scheduler_pod_scheduling_sli_duration_seconds',
    'scheduler_pod_scheduling_attempts',
    'scheduler_queue_incoming_pods_total',
  ]);
});
