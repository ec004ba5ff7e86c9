import { createMetricsRegistry, Counter, Gauge } from '@bayplan/component-base';

/** `/metrics/slis`: what health checks came to, each time that somebody asked. */
export class SliMetrics {
  private readonly registry = createMetricsRegistry({ processMetrics: false });
  private readonly state = new Gauge({
    name: 'kubernetes_healthcheck',
    help: 'Result of the last run of a health check: 1 for good.',
    labelNames: ['name', 'type'],
    registers: [this.registry],
  });
  private readonly runs = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'Runs of health checks, by result.',
    labelNames: ['name', 'type', 'status'],
    registers: [this.registry],
  });

  seen(name: string, type: string, succeeded: boolean): void {
    this.state.set({ name, type }, succeeded ? 1 : 0);
    this.runs.inc({ name, type, status: succeeded ? 'success' : 'error' });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
