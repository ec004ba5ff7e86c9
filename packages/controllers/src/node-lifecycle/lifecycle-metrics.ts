import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';
import type { ZoneDisruption } from './zone-disruption.ts';

export interface LifecycleMetrics {
  readonly nodesTainted: Counter;
  readonly podsDeleted: Counter;
  readonly deletionSeconds: Histogram;
}

/** The metrics of node lifecycle and taint eviction, under Kubernetes' names. */
export function lifecycleMetrics(registry: MetricsRegistry, zones: () => ZoneDisruption): LifecycleMetrics {
  const registers = [registry];
  const zoneGauge = (name: string, help: string, value: (one: { size: number; notReady: number }) => number): void => {
    new Gauge({
      name: `node_collector_${name}`,
      help,
      labelNames: ['zone'],
      registers,
      collect() {
        this.reset();
        for (const one of zones().zones()) this.set({ zone: one.zone }, value(one));
      },
    });
  };
  zoneGauge(
    'zone_health',
    'Gauge measuring percentage of healthy nodes per zone.',
    ({ size, notReady }) => (100 * (size - notReady)) / size,
  );
  zoneGauge('zone_size', 'Gauge measuring number of registered Nodes per zones.', ({ size }) => size);
  zoneGauge('unhealthy_nodes_in_zone', 'Gauge measuring number of not Ready Nodes per zones.', ({ notReady }) => notReady);
  return {
    nodesTainted: new Counter({
      name: 'node_collector_evictions_total',
      help: 'Number of Node evictions that happened since current instance of NodeController started.',
      labelNames: ['zone'],
      registers,
    }),
    podsDeleted: new Counter({
      name: 'taint_eviction_controller_pod_deletions_total',
      help: 'Total number of Pods deleted by TaintEvictionController since its start.',
      registers,
    }),
    deletionSeconds: new Histogram({
      name: 'taint_eviction_controller_pod_deletion_duration_seconds',
      help: 'Latency, in seconds, between the time when a taint effect has been activated for the Pod and its deletion via TaintEvictionController.',
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240],
      registers,
    }),
  };
}

const made = new WeakMap<MetricsRegistry, { metrics: LifecycleMetrics; current: ZoneDisruption }>();

/** The metrics of a registry, made at the first call: a controller that begins a new term goes on with them. */
export function metricsOf(registry: MetricsRegistry | undefined, zones: ZoneDisruption): LifecycleMetrics | undefined {
  if (registry === undefined) return undefined;
  const known = made.get(registry);
  if (known !== undefined) {
    known.current = zones;
    return known.metrics;
  }
  const entry: { metrics: LifecycleMetrics; current: ZoneDisruption } = {
    current: zones,
    metrics: lifecycleMetrics(registry, () => entry.current),
  };
  made.set(registry, entry);
  return entry.metrics;
}
