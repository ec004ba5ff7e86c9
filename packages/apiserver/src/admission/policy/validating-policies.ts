import type { KubeObject, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec } from '@bayplan/api';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isExempt } from '../webhook/hook-matching.ts';
import type { PolicyMetrics } from './policy-metrics.ts';
import { PolicySource } from './policy-source.ts';
import type { ValidatingDispatcher } from './validating-dispatch.ts';

export type ValidatingPolicy = KubeObject & { readonly spec: ValidatingAdmissionPolicySpec };
export type ValidatingBinding = KubeObject & { readonly spec: ValidatingAdmissionPolicyBindingSpec };

/** Runs ValidatingAdmissionPolicies. The expression engine is loaded when the first policy is bound. */
export function validatingPolicies(registry: Registry, authorizer: () => Authorizer, metrics: PolicyMetrics): AdmissionPlugin {
  const names = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'] as const;
  const source = new PolicySource<ValidatingPolicy, ValidatingBinding>(registry, names);
  let dispatcher: Promise<ValidatingDispatcher> | undefined;
  const load = async (): Promise<ValidatingDispatcher> => {
    const loaded = await import('./validating-dispatch.ts');
    return new loaded.ValidatingDispatcher(registry, authorizer, metrics);
  };
  return {
    name: 'ValidatingAdmissionPolicy',
    async validate(request) {
      const policies = await source.list();
      if (policies.length === 0 || isExempt(request)) return;
      dispatcher ??= load();
      await (await dispatcher).dispatch(policies, request);
    },
  };
}
