import type { KubeObject, MutatingAdmissionPolicySpec } from '@bayplan/api';
import { CompiledPolicies, conditionsOf } from './compiled-policy.ts';
import type { Compiled, CompiledBase } from './compiled-policy.ts';
import { composeVariables } from './composed-variables.ts';
import { compileTo } from './match-conditions.ts';
import { policyEnvironment } from './policy-environment.ts';

export interface CompiledMutation {
  readonly kind: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Compiled;
}

export interface CompiledMutatingPolicy extends CompiledBase {
  readonly mutations: readonly CompiledMutation[];
}

function compileMutating(spec: MutatingAdmissionPolicySpec): CompiledMutatingPolicy {
  const base = policyEnvironment({ params: spec.paramKind !== undefined, authorizer: true, patches: true });
  const { variables, environment } = composeVariables(spec.variables ?? [], base);
  return {
    conditions: conditionsOf(spec),
    variables,
    mutations: (spec.mutations ?? []).map((mutation) => {
      const apply = mutation.patchType === 'ApplyConfiguration';
      const source = (apply ? mutation.applyConfiguration?.expression : mutation.jsonPatch?.expression) ?? '';
      const result = compileTo(source, environment, apply ? 'Object' : 'list(JSONPatch)');
      const expression = typeof result === 'string' ? { fault: result } : { program: result };
      return { kind: apply ? 'ApplyConfiguration' : 'JSONPatch', expression };
    }),
  };
}

export const mutatingPolicyCache = (): CompiledPolicies<CompiledMutatingPolicy> =>
  new CompiledPolicies((policy) => compileMutating((policy as KubeObject & { spec?: MutatingAdmissionPolicySpec }).spec ?? {}));
