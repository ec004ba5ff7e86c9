import type { Registry } from '../../registry/registry.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { HookCaller } from './hook-caller.ts';
import type { CallerOptions } from './hook-caller.ts';
import { HookSource } from './hook.ts';
import type { Hook } from './hook.ts';
import { invocationOf, isExempt } from './hook-matching.ts';
import type { Invocation } from './hook-matching.ts';
import type { HookConditions } from './match-conditions.ts';

/** Asks all validating webhooks that are concerned at once; the refusal of the first in order counts. */
export function validatingWebhooks(registry: Registry, options: CallerOptions, conditions: HookConditions): AdmissionPlugin {
  const source = new HookSource(registry, 'validate');
  const caller = new HookCaller(options, 'validate');
  return {
    name: 'ValidatingAdmissionWebhook',
    async validate(request) {
      const hooks = await source.list();
      if (hooks.length === 0 || isExempt(request)) return;
      const concerned: { hook: Hook; index: number; invocation: Invocation }[] = [];
      for (const [index, hook] of hooks.entries()) {
        const invocation = await invocationOf(hook, request, registry);
        if (invocation === undefined || !(await conditions.meets(hook, request, invocation))) continue;
        concerned.push({ hook, index, invocation });
      }
      const outcomes = await Promise.allSettled(
        concerned.map(async ({ hook, index, invocation }) => {
          const outcome = await caller.call(hook, invocation, request, () => undefined);
          if (outcome === 'passed-over') {
            request.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index.toString()}`, hook.webhook.name);
          }
        }),
      );
      const refused = outcomes.find((outcome) => outcome.status === 'rejected');
      if (refused !== undefined) throw refused.reason as Error;
    },
  };
}
