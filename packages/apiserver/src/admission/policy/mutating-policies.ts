import type { KubeObject, MutatingAdmissionPolicyBindingSpec, MutatingAdmissionPolicySpec } from '@bayplan/api';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isExempt } from '../webhook/hook-matching.ts';
import type { MutatingDispatcher } from './mutating-dispatch.ts';
import type { PolicyMetrics } from './policy-metrics.ts';
import { PolicySource } from './policy-source.ts';

export type MutatingPolicy = KubeObject & { readonly spec: MutatingAdmissionPolicySpec };
export type MutatingBinding = KubeObject & { readonly spec: MutatingAdmissionPolicyBindingSpec };

/** Applies MutatingAdmissionPolicies. The expression engine is loaded when the first policy is bound. */
export function mutatingPolicies(registry: Registry, authorizer: () => Authorizer, metrics: PolicyMetrics): AdmissionPlugin {
  const names = ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'] as const;
  const source = new PolicySource<MutatingPolicy, MutatingBinding>(registry, names);
  let dispatcher: Promise<MutatingDispatcher> | undefined;
  const load = async (): Promise<MutatingDispatcher> => {
    const loaded = await import('./mutating-dispatch.ts');
    return new loaded.MutatingDispatcher(registry, authorizer, metrics);
  };
  return {
    name: 'MutatingAdmissionPolicy',
    async mutate(request, round) {
      const policies = await source.list();
      if (policies.length === 0 || isExempt(request)) return false;
      dispatcher ??= load();
      return (await dispatcher).dispatch(policies, request, round);
    },
  };
}
