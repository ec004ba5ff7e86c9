import { Counter, Gauge } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

/** Which APIServices cannot be reached, under Kubernetes' names. */
export interface AggregationMetrics {
  available(name: string): void;
  /** `again`: it was not available before either. */
  unavailable(name: string, reason: string, again: boolean): void;
  removed(name: string): void;
}

export function createAggregationMetrics(registry: MetricsRegistry): AggregationMetrics {
  const registers = [registry];
  const now = new Gauge({
    name: 'aggregator_unavailable_apiservice',
    help: 'APIServices that are not available: 1, or 0 when they are.',
    labelNames: ['name'],
    registers,
  });
  const total = new Counter({
    name: 'aggregator_unavailable_apiservice_total',
    help: 'How often an APIService became unavailable.',
    labelNames: ['name', 'reason'],
    registers,
  });
  return {
    available: (name) => now.set({ name }, 0),
    unavailable(name, reason, again) {
      now.set({ name }, 1);
      if (!again) total.inc({ name, reason });
    },
    removed(name) {
      now.remove({ name });
    },
  };
}
