import { badRequest, internalError, StatusError, statusError, timeout } from '@bayplan/api';
import type { Clock, Logger, Random } from '@bayplan/component-base';
import { WebhookCallError } from '../../webhooks/webhook-client.ts';
import type { WebhookClient } from '../../webhooks/webhook-client.ts';
import type { AdmissionRequest } from '../admission.ts';
import { reviewOf, verdictOf } from './admission-review.ts';
import type { Verdict, WebhookStatus } from './admission-review.ts';
import type { Hook, HookType } from './hook.ts';
import type { Invocation } from './hook-matching.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

const defaultTimeoutSeconds = 10;

export interface CallerOptions {
  readonly client: WebhookClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: WebhookMetrics;
}

/** One answer and what follows from it: undefined when the webhook failed and may be passed over. */
export class HookCaller {
  private readonly options: CallerOptions;
  private readonly type: HookType;

  constructor(options: CallerOptions, type: HookType) {
    this.options = options;
    this.type = type;
  }

  /**
   * Asks one webhook. Throws its refusal, `InternalError` when it cannot be asked and must be, and whatever `apply`,
   * which gets the verdict of an allowed request, throws.
   */
  async call(
    hook: Hook,
    invocation: Invocation,
    request: AdmissionRequest,
    apply: (verdict: Verdict) => Promise<void> | void,
  ): Promise<'called' | 'passed-over'> {
    const { clock, metrics, logger } = this.options;
    const { name, failurePolicy } = hook.webhook;
    const startMs = clock.monotonic();
    const record = (rejected: boolean, code: number): void =>
      metrics.observe({ name, type: this.type, operation: request.operation }, (clock.monotonic() - startMs) / 1000, rejected, code);
    try {
      const verdict = await this.ask(hook, invocation, request);
      for (const [key, value] of Object.entries(verdict.auditAnnotations)) request.annotate(`${name}/${key}`, value);
      for (const warning of verdict.warnings) request.warn(warning);
      if (!verdict.allowed) throw refusal(name, verdict.status);
      await apply(verdict);
      record(false, 200);
      return 'called';
    } catch (error) {
      if (!(error instanceof CallFault)) {
        const refused = error instanceof Refusal;
        const code = refused ? error.status.code : 0;
        metrics.reject({ name, type: this.type, operation: request.operation }, refused ? 'no_error' : 'apiserver_internal_error', code);
        record(true, code);
        throw error instanceof Refusal ? new StatusError(error.status) : error;
      }
      const ignored = failurePolicy === 'Ignore';
      record(!ignored, error.code);
      if (request.signal.aborted) throw timeout('request did not complete within requested timeout', 0);
      if (!ignored) {
        metrics.reject({ name, type: this.type, operation: request.operation }, 'calling_webhook_error', error.code);
        logger.warn('Webhook could not be called, request refused', { webhook: name, err: error });
        throw internalError(error.message, error);
      }
      logger.warn('Webhook could not be called, passed over', { webhook: name, err: error });
      metrics.failOpen(name, this.type);
      return 'passed-over';
    }
  }

  private async ask(hook: Hook, invocation: Invocation, request: AdmissionRequest): Promise<Verdict> {
    const { client, random } = this.options;
    const { webhook } = hook;
    if (request.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
      throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
    }
    const uid = random.uuid();
    const review = await reviewOf(request, invocation, uid);
    let answer: unknown;
    try {
      answer = await client.post(webhook.clientConfig, review, (webhook.timeoutSeconds ?? defaultTimeoutSeconds) * 1000, request.signal);
    } catch (error) {
      if (error instanceof WebhookCallError)
        throw new CallFault(webhook.name, `failed to call webhook: ${error.message}`, error.code, error);
      throw new CallFault(webhook.name, `could not get REST client: ${(error as Error).message}`, 500, error);
    }
    try {
      return verdictOf(answer, uid, this.type === 'admit');
    } catch (error) {
      throw new CallFault(webhook.name, `received invalid webhook response: ${(error as Error).message}`, 503, error);
    }
  }
}

/** The webhook gave no usable answer; its `failurePolicy` says what that means. */
export class CallFault extends Error {
  readonly code: number;

  constructor(webhook: string, reason: string, code: number, cause?: unknown) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`, { cause });
    this.name = 'CallFault';
    this.code = code;
  }
}

class Refusal extends StatusError {}

/** The status of a refusal is the webhook's own where it gave one, but always a failure. */
function refusal(webhook: string, given: WebhookStatus | undefined): Refusal {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const said = given?.message || given?.reason;
  const code = Math.max(given?.code ?? 400, 400);
  const made = statusError(
    code,
    (given?.reason ?? '') as never,
    said ? `${by}: ${said}` : `${by} without explanation`,
    given?.details as never,
  );
  const { reason, ...rest } = made.status;
  return new Refusal((reason as string) === '' ? (rest as typeof made.status) : made.status);
}
