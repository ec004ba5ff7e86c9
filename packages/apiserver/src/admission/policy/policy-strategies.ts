import type { FieldError, KubeObject, MatchCondition, ValidatingAdmissionPolicySpec } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';
import { FieldPath, sameJson } from '@bayplan/api';
import type { Strategy } from '../../registry/strategy.ts';
import { bindingFaults } from './policy-faults.ts';

const specOf = (object: KubeObject | undefined): unknown => (object as { spec?: unknown } | undefined)?.spec;
const group = 'admissionregistration.k8s.io';

/** Checks the spec of a new or changed policy; the expression engine is loaded when the first one comes. */
function policy(kind: 'validatingPolicyFaults' | 'mutatingPolicyFaults'): Strategy {
  return {
    countsGeneration: true,
    async faults(object, old, subresource) {
      if (subresource !== '' || (old !== undefined && sameJson(specOf(old), specOf(object)))) return [];
      const loaded = await import('./policy-expression-faults.ts');
      return loaded[kind](object);
    },
  };
}

/**
 * What a controller finds out in Kubernetes is known here when the policy is written: its status says whether the
 * expressions fit the kinds that they are for.
 */
function typeChecked(registry: () => Registry): Strategy {
  const check = async (object: KubeObject): Promise<void> => {
    const loaded = await import('./type-check.ts');
    const { spec = {} } = object as KubeObject & { spec?: ValidatingAdmissionPolicySpec };
    const warnings = loaded.expressionWarnings(spec, registry());
    const typeChecking = warnings.length === 0 ? {} : { expressionWarnings: warnings };
    Object.assign(object, { status: { observedGeneration: object.metadata.generation ?? 1, typeChecking } });
  };
  return {
    ...policy('validatingPolicyFaults'),
    prepareForCreate: check,
    async prepareForUpdate(object, old) {
      if (!sameJson(specOf(old), specOf(object))) await check(object);
    },
  };
}

const binding = (validating: boolean): Strategy => ({
  countsGeneration: true,
  faults: (object, _old, subresource) => Promise.resolve(subresource === '' ? bindingFaults(object, validating) : []),
});

interface Hooks {
  readonly webhooks?: readonly { readonly matchConditions?: readonly MatchCondition[] }[];
}

/** Compiles the match conditions of webhooks that are new or changed. */
const webhooks: Strategy = {
  countsGeneration: true,
  async faults(object, old) {
    const { webhooks: hooks = [] } = object as KubeObject & Hooks;
    const { webhooks: before = [] } = (old ?? {}) as Hooks;
    const faults: FieldError[] = [];
    for (const [position, { matchConditions = [] }] of hooks.entries()) {
      if (matchConditions.length === 0 || sameJson(before[position]?.matchConditions, matchConditions)) continue;
      const loaded = await import('./policy-expression-faults.ts');
      const path = FieldPath.of('webhooks').index(position).child('matchConditions');
      faults.push(...loaded.conditionExpressionFaults(matchConditions, path, false));
    }
    return faults;
  },
};

/** Strategies of what configures admission. */
export function policyStrategies(registry: () => Registry): readonly (readonly [string, Strategy])[] {
  return [
    [`${group}/validatingadmissionpolicies`, typeChecked(registry)],
    [`${group}/mutatingadmissionpolicies`, policy('mutatingPolicyFaults')],
    [`${group}/validatingadmissionpolicybindings`, binding(true)],
    [`${group}/mutatingadmissionpolicybindings`, binding(false)],
    [`${group}/validatingwebhookconfigurations`, webhooks],
    [`${group}/mutatingwebhookconfigurations`, webhooks],
  ];
}
