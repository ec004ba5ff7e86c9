import type { StatusError } from '@bayplan/api';
import { statusError } from '@bayplan/api';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionRequest } from '../admission.ts';
import { refuse } from '../admission.ts';
import { validatingPolicies } from './compiled-policy.ts';
import type { CompiledPolicies, CompiledValidatingPolicy } from './compiled-policy.ts';
import { policyInvocation } from './policy-matching.ts';
import type { EnforcementAction, PolicyMetrics } from './policy-metrics.ts';
import { collectParams } from './policy-params.ts';
import type { BoundPolicy } from './policy-source.ts';
import { namespaceObjectOf, shownObjects } from './request-objects.ts';
import type { ValidatingBinding, ValidatingPolicy } from './validating-policies.ts';
import { decide } from './validate-decisions.ts';
import type { Decision } from './validate-decisions.ts';

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

const maxAnnotationLength = 10 * 1024;
const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };

/** Runs the bound policies over one request after the other's; keeps what it compiled. */
export class ValidatingDispatcher {
  private readonly registry: Registry;
  private readonly authorizer: () => Authorizer;
  private readonly metrics: PolicyMetrics;
  private readonly compiled: CompiledPolicies<CompiledValidatingPolicy> = validatingPolicies();

  constructor(registry: Registry, authorizer: () => Authorizer, metrics: PolicyMetrics) {
    this.registry = registry;
    this.authorizer = authorizer;
    this.metrics = metrics;
  }

  /** Throws what the first denial says. */
  async dispatch(policies: readonly BoundPolicy<ValidatingPolicy, ValidatingBinding>[], request: AdmissionRequest): Promise<void> {
    this.compiled.retain(new Set(policies.map(({ policy }) => policy.metadata.name ?? '')));
    const denials: Denial[] = [];
    for (const bound of policies) await this.runPolicy(bound, request, denials);
    const [first] = denials;
    if (first !== undefined) throw denialError(first, request);
  }

  private async runPolicy(
    { policy, bindings }: BoundPolicy<ValidatingPolicy, ValidatingBinding>,
    request: AdmissionRequest,
    denials: Denial[],
  ): Promise<void> {
    const name = policy.metadata.name ?? '';
    const failurePolicy = policy.spec.failurePolicy ?? 'Fail';
    const misconfigured = (error: unknown, binding: string | undefined): void => {
      if (failurePolicy === 'Ignore') return;
      const message = `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${(error as Error).message}`;
      denials.push({ policy: name, binding, message, reason: '' });
    };
    const invocation = await attempt(
      () => policyInvocation(policy.spec.matchConstraints, request, this.registry),
      misconfigured,
      undefined,
    );
    if (invocation === undefined) return;
    const annotations = new Map<string, string[]>();
    for (const binding of bindings) {
      const bindingName = binding.metadata.name ?? '';
      const fault = (error: unknown): void => {
        misconfigured(error, bindingName);
      };
      const concerned = await attempt(() => policyInvocation(binding.spec.matchResources, request, this.registry), fault, bindingName);
      if (concerned === undefined) continue;
      const { paramKind } = policy.spec;
      const params = await attempt(
        () => collectParams(this.registry, paramKind, binding.spec.paramRef, request.namespace),
        fault,
        bindingName,
      );
      for (const param of params ?? []) {
        const input = {
          request,
          invocation,
          ...(await shownObjects(request, invocation)),
          params: param,
          namespaceObject: await namespaceObjectOf(request, this.registry),
        };
        const outcome = await decide(this.compiled.of(policy), input, this.authorizer(), failurePolicy, this.metrics.clock);
        for (const decision of outcome.decisions) {
          const labels = { policy: name, policy_binding: bindingName, error_type: decision.errorType };
          const actions = decision.denied ? enforce(decision, name, binding, request, denials) : (['allow'] as const);
          for (const action of actions) this.metrics.validated(labels, action, decision.elapsedMs);
        }
        for (const message of outcome.annotationFaults) denials.push({ policy: name, binding: bindingName, message, reason: '' });
        for (const { key, value } of outcome.annotations) {
          const values = annotations.get(key) ?? [];
          const shown = value.slice(0, maxAnnotationLength);
          if (!values.includes(shown)) annotations.set(key, [...values, shown]);
        }
      }
    }
    for (const [key, values] of annotations) request.annotate(`${name}/${key}`, values.join(', '));
  }
}

async function attempt<T>(
  run: () => Promise<T>,
  failed: (error: unknown, binding: string | undefined) => void,
  binding: string | undefined,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    // A namespace that is gone, a kind that is not served: the failure policy decides.
    if (!(error instanceof Error)) throw error;
    failed(error, binding);
    return undefined;
  }
}

/** Does what the binding says about a denial; gives what was done. */
function enforce(
  decision: Decision,
  policy: string,
  binding: ValidatingBinding,
  request: AdmissionRequest,
  denials: Denial[],
): readonly EnforcementAction[] {
  const name = binding.metadata.name ?? '';
  const { message, reason } = decision;
  const { validationActions = [] } = binding.spec;
  if (validationActions.includes('Deny')) denials.push({ policy, binding: name, message, reason });
  if (validationActions.includes('Warn')) {
    request.warn(`Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${name}': ${message}`);
  }
  if (validationActions.includes('Audit')) {
    const failure = { message, policy, binding: name, expressionIndex: decision.index, validationActions };
    request.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]));
  }
  return validationActions.map((action) => action.toLowerCase() as EnforcementAction);
}

function denialError({ policy, binding, message, reason }: Denial, request: AdmissionRequest): StatusError {
  const by = binding === undefined ? `'${policy}'` : `'${policy}' with binding '${binding}'`;
  const text = `ValidatingAdmissionPolicy ${by} denied request: ${message}`;
  const { status } = refuse(request, text);
  const known = reason === '' ? 'Invalid' : reason;
  return statusError(codes[known] ?? 422, known as 'Invalid', status.message ?? text, { ...status.details, causes: [{ message: text }] });
}
