import { Counter, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

export interface HookLabels {
  readonly name: string;
  readonly type: 'admit' | 'validate';
  readonly operation: string;
}

type ErrorType = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error';

/** What calls of admission webhooks leave behind, under Kubernetes' names. */
export interface WebhookMetrics {
  observe(labels: HookLabels, seconds: number, rejected: boolean, code: number): void;
  reject(labels: HookLabels, errorType: ErrorType, code: number): void;
  failOpen(name: string, type: 'admit' | 'validate'): void;
}

/** As Kubernetes: codes past 600 would come from a webhook that counts on its own. */
const maxCode = 600;

export function createWebhookMetrics(registry: MetricsRegistry): WebhookMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Time that calls of admission webhooks took.',
    labelNames: ['name', 'type', 'operation', 'rejected'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
    registers,
  });
  const requests = new Counter({
    name: 'apiserver_admission_webhook_request_total',
    help: 'Calls of admission webhooks.',
    labelNames: ['name', 'type', 'operation', 'code', 'rejected'],
    registers,
  });
  const rejections = new Counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests that admission webhooks refused, or that were refused because one could not be called.',
    labelNames: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    registers,
  });
  const failOpens = new Counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Admission webhooks that could not be called and were passed over.',
    labelNames: ['name', 'type'],
    registers,
  });
  return {
    observe({ name, type, operation }, seconds, wasRejected, code) {
      const rejected = String(wasRejected);
      duration.observe({ name, type, operation, rejected }, seconds);
      requests.inc({ name, type, operation, rejected, code: Math.min(code, maxCode).toString() });
    },
    reject({ name, type, operation }, errorType, code) {
      rejections.inc({ name, type, operation, error_type: errorType, rejection_code: Math.min(code, maxCode).toString() });
    },
    failOpen(name, type) {
      failOpens.inc({ name, type });
    },
  };
}
