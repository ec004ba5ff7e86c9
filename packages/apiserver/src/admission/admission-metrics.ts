import { Histogram } from '@bayplan/component-base';
import type { Clock, MetricsRegistry } from '@bayplan/component-base';
import type { Operation } from './admission.ts';

/** How long admission takes, under Kubernetes' name. */
export interface AdmissionMetrics {
  /** Runs a whole step and times it. */
  step(type: 'admit' | 'validate', operation: Operation, run: () => Promise<void>): Promise<void>;
}

export function createAdmissionMetrics(registry: MetricsRegistry, clock: Clock): AdmissionMetrics {
  const duration = new Histogram({
    name: 'apiserver_admission_step_admission_duration_seconds',
    help: 'Time that mutating and validating admission took.',
    labelNames: ['type', 'operation', 'rejected'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5],
    registers: [registry],
  });
  return {
    async step(type, operation, run) {
      const startMs = clock.monotonic();
      let rejected = 'true';
      try {
        await run();
        rejected = 'false';
      } finally {
        duration.observe({ type, operation, rejected }, (clock.monotonic() - startMs) / 1000);
      }
    },
  };
}
