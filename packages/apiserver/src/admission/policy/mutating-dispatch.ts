import { sameJson, statusError } from '@bayplan/api';
import type { KubeObject, StatusError } from '@bayplan/api';
import type { Value } from '@bayplan/cel';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { ResourceContext } from '../../chain/context.ts';
import { decodeAs, descriptorOf, toStored } from '../../registry/decode-object.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionRequest, MutationRound } from '../admission.ts';
import { refuse, replaceContents } from '../admission.ts';
import { convertedTo } from '../webhook/hook-matching.ts';
import type { Invocation } from '../webhook/hook-matching.ts';
import { applyConfiguration, applyPatchList, MutationFault } from './apply-mutation.ts';
import { mutatingPolicyCache } from './compiled-mutations.ts';
import type { CompiledMutatingPolicy, CompiledMutation } from './compiled-mutations.ts';
import type { CompiledPolicies } from './compiled-policy.ts';
import { conditionsCostBudget, OutOfBudget, policyCostBudget, PolicyEvaluation } from './evaluation.ts';
import type { MutatingBinding, MutatingPolicy } from './mutating-policies.ts';
import { errorTypeOf } from './policy-metrics.ts';
import type { PolicyErrorType, PolicyMetrics } from './policy-metrics.ts';
import { policyInvocation } from './policy-matching.ts';
import { collectParams, ConfigurationFault } from './policy-params.ts';
import type { BoundPolicy } from './policy-source.ts';
import { namespaceObjectOf, shownObjects } from './request-objects.ts';

/** What the first round leaves for the second. */
interface Memory {
  readonly invoked: Set<string>;
  readonly due: Set<string>;
  output: KubeObject | undefined;
}

interface Fault {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
}

const memoryKey = 'MutatingAdmissionPolicy';

/** Applies the bound policies to one request after the other's; keeps what it compiled. */
export class MutatingDispatcher {
  private readonly registry: Registry;
  private readonly authorizer: () => Authorizer;
  private readonly metrics: PolicyMetrics;
  private readonly compiled: CompiledPolicies<CompiledMutatingPolicy> = mutatingPolicyCache();

  constructor(registry: Registry, authorizer: () => Authorizer, metrics: PolicyMetrics) {
    this.registry = registry;
    this.authorizer = authorizer;
    this.metrics = metrics;
  }

  /** True when something changed, so that others should run again. Throws what the first fault says. */
  async dispatch(
    policies: readonly BoundPolicy<MutatingPolicy, MutatingBinding>[],
    request: AdmissionRequest,
    round: MutationRound,
  ): Promise<boolean> {
    this.compiled.retain(new Set(policies.map(({ policy }) => policy.metadata.name ?? '')));
    const memory = memoryOf(round);
    if (round.again && memory.output !== undefined && !sameJson(memory.output, request.object)) markAll(memory);
    const faults: Fault[] = [];
    let changed = false;
    for (const bound of policies) if (await this.runPolicy(bound, request, round, memory, faults)) changed = true;
    if (request.object !== undefined) memory.output = structuredClone(request.object);
    if (faults.length > 0) throw faultError(faults, request);
    return changed;
  }

  private async runPolicy(
    { policy, bindings }: BoundPolicy<MutatingPolicy, MutatingBinding>,
    request: AdmissionRequest,
    round: MutationRound,
    memory: Memory,
    faults: Fault[],
  ): Promise<boolean> {
    const name = policy.metadata.name ?? '';
    const add = (binding: string | undefined, message: string): void => {
      if (policy.spec.failurePolicy !== 'Ignore') faults.push({ policy: name, binding, message });
    };
    const invocation = await policyInvocation(policy.spec.matchConstraints, request, this.registry);
    if (invocation === undefined) return false;
    let changed = false;
    for (const binding of bindings) {
      const bindingName = binding.metadata.name ?? '';
      const begun = this.metrics.clock.now();
      const observe = (errorType: PolicyErrorType): void => {
        const labels = { policy: name, policy_binding: bindingName, error_type: errorType };
        this.metrics.mutated(labels, this.metrics.clock.now() - begun);
      };
      try {
        if ((await policyInvocation(binding.spec.matchResources, request, this.registry)) === undefined) continue;
        const params = await collectParams(this.registry, policy.spec.paramKind, binding.spec.paramRef, request.namespace);
        for (const param of params) {
          const id = JSON.stringify([name, bindingName, param?.metadata.namespace, param?.metadata.name]);
          if (!(await this.runOne(policy, id, invocation, param, request, round, memory))) continue;
          changed = true;
          observe('no_error');
        }
      } catch (error) {
        if (error instanceof ConfigurationFault) add(bindingName, `failed to configure binding: ${error.message}`);
        else if (error instanceof MutationFault || error instanceof OutOfBudget) {
          observe(errorTypeOf(error.message));
          add(bindingName, error.message);
        } else throw error;
      }
    }
    return changed;
  }

  private async runOne(
    policy: MutatingPolicy,
    id: string,
    invocation: Invocation,
    params: KubeObject | undefined,
    request: AdmissionRequest,
    round: MutationRound,
    memory: Memory,
  ): Promise<boolean> {
    const compiled = this.compiled.of(policy);
    const namespaceObject = await namespaceObjectOf(request, this.registry);
    const input = async () => ({ request, invocation, ...(await shownObjects(request, invocation)), params, namespaceObject });
    if (compiled.conditions !== undefined) {
      const evaluation = new PolicyEvaluation(await input(), [], this.authorizer(), conditionsCostBudget);
      const result = await compiled.conditions.matches(evaluation);
      if ('error' in result) throw new MutationFault(result.error);
      if (!result.matches) return false;
    }
    if (round.again && !memory.due.has(id)) return false;
    let changed = false;
    for (const mutation of compiled.mutations) {
      // There is nothing to change about a deletion.
      if (request.object === undefined) continue;
      const evaluation = new PolicyEvaluation(await input(), compiled.variables, this.authorizer(), policyCostBudget);
      if (await this.mutate(mutation, evaluation, invocation, request, request.object)) changed = true;
    }
    if (changed) markAll(memory);
    memory.due.delete(id);
    if (policy.spec.reinvocationPolicy === 'IfNeeded') memory.invoked.add(id);
    return changed;
  }

  private async mutate(
    mutation: CompiledMutation,
    evaluation: PolicyEvaluation,
    { resource, kind }: Invocation,
    request: AdmissionRequest,
    target: KubeObject,
  ): Promise<boolean> {
    const { expression } = mutation;
    if ('fault' in expression) throw new MutationFault(`compilation error: ${expression.fault}`);
    const result = await evaluation.run(expression.program);
    if ('error' in result) throw new MutationFault(result.error);
    const seen = await convertedTo(resource, request, target);
    const type = request.bodyKind === undefined ? resource : kind;
    const patched = patch(mutation.kind, seen, result.value, type);
    const decoded = structuredClone(decodeAs(request.context as ResourceContext, type, patched, 'Ignore'));
    const stored = request.bodyKind === undefined ? await inRequest(request, resource, decoded) : decoded;
    if (sameJson(stored, target)) return false;
    replaceContents(target, stored);
    return true;
  }
}

function patch(kind: CompiledMutation['kind'], object: KubeObject, value: Value, type: Parameters<typeof descriptorOf>[0]): unknown {
  return kind === 'JSONPatch' ? applyPatchList(object, value) : applyConfiguration(object, value, descriptorOf(type));
}

function memoryOf({ state }: MutationRound): Memory {
  const kept = state.get(memoryKey) as Memory | undefined;
  if (kept !== undefined) return kept;
  const made: Memory = { invoked: new Set(), due: new Set(), output: undefined };
  state.set(memoryKey, made);
  return made;
}

function markAll({ invoked, due }: Memory): void {
  for (const id of invoked) due.add(id);
  invoked.clear();
}

function faultError(faults: readonly Fault[], request: AdmissionRequest): StatusError {
  const texts = faults.map(({ policy, binding, message }) =>
    binding === undefined
      ? `policy "${policy}" denied request: ${message}`
      : `policy '${policy}' with binding '${binding}' denied request: ${message}`,
  );
  const { status } = refuse(request, 'admission request denied by policy');
  return statusError(403, 'Invalid', texts[0] ?? '', { ...status.details, causes: texts.map((message) => ({ message })) });
}

/** What was changed in the version that the policy names, in the one that the request is about. */
async function inRequest(request: AdmissionRequest, resource: ServedResource, object: KubeObject): Promise<KubeObject> {
  return request.resource.custom === undefined ? toStored(resource, object) : request.resource.custom.from(object);
}
