import type { MatchCondition } from '@bayplan/api';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Hook } from '../webhook/hook.ts';
import type { Invocation } from '../webhook/hook-matching.ts';
import { conditionsCostBudget, PolicyEvaluation } from './evaluation.ts';
import { MatchConditions } from './match-conditions.ts';
import type { ConditionsResult } from './match-conditions.ts';
import { policyEnvironment } from './policy-environment.ts';
import { shownObjects } from './request-objects.ts';

/** Match conditions of webhooks, compiled once for each hook. */
export class WebhookConditions {
  private readonly authorizer: () => Authorizer;
  private readonly compiled = new WeakMap<Hook, MatchConditions>();

  constructor(authorizer: () => Authorizer) {
    this.authorizer = authorizer;
  }

  async matches(
    hook: Hook,
    conditions: readonly MatchCondition[],
    request: AdmissionRequest,
    invocation: Invocation,
  ): Promise<ConditionsResult> {
    let compiled = this.compiled.get(hook);
    if (compiled === undefined) {
      compiled = new MatchConditions(conditions, policyEnvironment({ params: false, authorizer: true, patches: false }));
      this.compiled.set(hook, compiled);
    }
    const input = { request, invocation, ...(await shownObjects(request, invocation)) };
    return compiled.matches(new PolicyEvaluation(input, [], this.authorizer(), conditionsCostBudget));
  }
}
