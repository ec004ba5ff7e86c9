import { internalError } from '@bayplan/api';
import type { MatchCondition } from '@bayplan/api';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { WebhookConditions } from '../policy/webhook-conditions.ts';
import type { Hook } from './hook.ts';
import type { Invocation } from './hook-matching.ts';

/** Evaluates match conditions of webhooks; the expression engine is loaded for the first of them. */
export class HookConditions {
  private readonly authorizer: () => Authorizer;
  private loaded: Promise<WebhookConditions> | undefined;

  constructor(authorizer: () => Authorizer) {
    this.authorizer = authorizer;
  }

  /**
   * Whether every match condition of a webhook holds. When one cannot be evaluated and the webhook must not be passed
   * over, throws `InternalError`.
   */
  async meets(hook: Hook, request: AdmissionRequest, invocation: Invocation): Promise<boolean> {
    const conditions: readonly MatchCondition[] = hook.webhook.matchConditions ?? [];
    if (conditions.length === 0) return true;
    this.loaded ??= import('../policy/webhook-conditions.ts').then((module) => new module.WebhookConditions(this.authorizer));
    const result = await (await this.loaded).matches(hook, conditions, request, invocation);
    if (!('error' in result)) return result.matches;
    if (hook.webhook.failurePolicy === 'Ignore') return false;
    throw internalError(result.error);
  }
}
