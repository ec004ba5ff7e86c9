import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry as MetricsRegistry };

/**
 * A registry for one component, with the process metrics that Prometheus clients commonly export
 * (`process_cpu_seconds_total`, `process_resident_memory_bytes`, …) unless told not to.
 */
export function createMetricsRegistry(options: { readonly processMetrics?: boolean } = {}): Registry {
  const registry = new Registry();
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry, gcDurationBuckets: [0.001, 0.01, 0.1, 1] });
  return registry;
}
