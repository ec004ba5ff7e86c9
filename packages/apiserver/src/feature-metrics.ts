import { features } from '@bayplan/api';
import type { FeatureGates } from '@bayplan/api';
import { Gauge } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

/** Which features are on, as every Kubernetes component tells. */
export function registerFeatureMetrics(registry: MetricsRegistry, gates: FeatureGates): void {
  const enabled = new Gauge({
    name: 'kubernetes_feature_enabled',
    help: 'Features of Kubernetes by name and stage: 1 when enabled, 0 when not.',
    labelNames: ['name', 'stage'],
    registers: [registry],
  });
  for (const [name, { stage }] of features) enabled.set({ name, stage }, gates.get(name) === true ? 1 : 0);
}
