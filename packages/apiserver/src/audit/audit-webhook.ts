import type { Clock, Logger } from '@bayplan/component-base';
import { JsonCaller } from '../config/json-call.ts';
import type { WebhookEndpoint } from '../config/kubeconfig-endpoint.ts';
import { withRetries } from '../config/with-retries.ts';
import type { AuditBackend, AuditMetrics } from './audit-backend.ts';

const callTimeoutMs = 30_000;
const closePatienceMs = 5_000;

export interface AuditWebhookOptions {
  readonly endpoint: WebhookEndpoint;
  /** Events that may wait. */
  readonly bufferSize: number;
  readonly batchSize: number;
  /** How long an event waits for others to go with it. */
  readonly batchWaitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AuditMetrics;
}

/** Events in batches to a service. */
export class AuditWebhook implements AuditBackend {
  private readonly options: AuditWebhookOptions;
  private readonly caller: JsonCaller;
  private events: object[] = [];
  private timer: { cancel(): void } | undefined;
  private sending: Promise<void> | undefined;
  private closing = false;

  constructor(options: AuditWebhookOptions) {
    this.options = options;
    this.caller = new JsonCaller(options.endpoint);
  }

  record(event: object): void {
    const { bufferSize, batchSize, batchWaitMs, clock, metrics } = this.options;
    if (this.events.length >= bufferSize) {
      metrics.errors.inc({ plugin: 'webhook' });
      return;
    }
    this.events.push(event);
    if (this.events.length >= batchSize) this.send();
    else this.timer ??= clock.after(batchWaitMs, () => this.send(), { unref: true });
  }

  async close(): Promise<void> {
    this.closing = true;
    this.send();
    const patience = this.options.clock.sleep(closePatienceMs);
    await Promise.race([this.sending, patience]);
    this.caller.close();
  }

  private send(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.sending ??= this.drain().finally(() => (this.sending = undefined));
  }

  /** One batch at a time; goes on while whole ones wait. */
  private async drain(): Promise<void> {
    const { endpoint, batchSize, batchWaitMs, clock, logger, metrics } = this.options;
    do {
      const items = this.events.splice(0, batchSize);
      if (items.length === 0) return;
      const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
      try {
        await withRetries(clock, () => this.caller.send(endpoint.url, list, callTimeoutMs));
      } catch (error) {
        metrics.errors.inc({ plugin: 'webhook' }, items.length);
        logger.error('Audit events could not be sent', { err: error, events: items.length });
      }
    } while (this.events.length >= batchSize || this.closing);
    if (this.events.length > 0) this.timer ??= clock.after(batchWaitMs, () => this.send(), { unref: true });
  }
}
