import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

const labels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** Every metric of the API server, under Kubernetes' names. */
export interface ApiServerMetrics {
  readonly requestTotal: Counter<'verb' | 'dry_run' | 'group' | 'version' | 'resource' | 'subresource' | 'scope' | 'component' | 'code'>;
  readonly requestDuration: Histogram<'verb' | 'dry_run' | 'group' | 'version' | 'resource' | 'subresource' | 'scope' | 'component'>;
  readonly inFlight: Gauge<'request_kind'>;
  readonly longRunning: Gauge<'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'scope' | 'component'>;
}

export function createApiServerMetrics(registry: MetricsRegistry): ApiServerMetrics {
  const registers = [registry];
  return {
    requestTotal: new Counter({
      name: 'apiserver_request_total',
      help: 'Requests that were answered.',
      labelNames: [...labels, 'dry_run', 'code'],
      registers,
    }),
    requestDuration: new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from the arrival of a request to its answer, watches and streams apart.',
      labelNames: [...labels, 'dry_run'],
      buckets: durationBuckets,
      registers,
    }),
    inFlight: new Gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests that are being worked on.',
      labelNames: ['request_kind'],
      registers,
    }),
    longRunning: new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Watches, streams and tunnels that are open.',
      labelNames: [...labels],
      registers,
    }),
  };
}
