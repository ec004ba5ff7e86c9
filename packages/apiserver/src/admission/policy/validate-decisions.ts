import type { Clock } from '@bayplan/component-base';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { Compiled, CompiledValidatingPolicy, CompiledValidation } from './compiled-policy.ts';
import { conditionsCostBudget, OutOfBudget, policyCostBudget, PolicyEvaluation } from './evaluation.ts';
import type { EvaluationInput } from './evaluation.ts';
import { errorTypeOf } from './policy-metrics.ts';
import type { PolicyErrorType } from './policy-metrics.ts';

/** What one expression of a policy says. */
export interface Decision {
  readonly denied: boolean;
  readonly message: string;
  readonly reason: string;
  /** Position among the validations. */
  readonly index: number;
  readonly errorType: PolicyErrorType;
  readonly elapsedMs: number;
}

export interface Decisions {
  readonly decisions: readonly Decision[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** Faults of annotations, which deny. */
  readonly annotationFaults: readonly string[];
}

const nothing: Decisions = { decisions: [], annotations: [], annotationFaults: [] };
const maxMessageBytes = 5 * 1024;

/** Runs a policy for one object and one parameter. */
export async function decide(
  policy: CompiledValidatingPolicy,
  input: EvaluationInput,
  authorizer: Authorizer,
  failurePolicy: string,
  clock: Clock,
): Promise<Decisions> {
  const ignores = failurePolicy === 'Ignore';
  let begun = clock.now();
  const elapsed = (): number => {
    const before = begun;
    begun = clock.now();
    return begun - before;
  };
  const failed = (message: string, index = 0): Decision => {
    return { denied: !ignores, message, reason: '', index, errorType: errorTypeOf(message), elapsedMs: elapsed() };
  };
  if (policy.conditions !== undefined) {
    const conditions = new PolicyEvaluation(input, [], authorizer, conditionsCostBudget);
    const result = await policy.conditions.matches(conditions);
    if ('error' in result) return { ...nothing, decisions: [failed(result.error)] };
    if (!result.matches) return nothing;
  }
  const evaluation = new PolicyEvaluation(input, policy.variables, authorizer, policyCostBudget);
  const decisions: Decision[] = [];
  const annotations: { key: string; value: string }[] = [];
  const annotationFaults: string[] = [];
  try {
    for (const [index, validation] of policy.validations.entries()) {
      const result = await run(evaluation, validation.check);
      if ('error' in result) decisions.push(failed(result.error, index));
      else if (result.value !== true) {
        const said = await denial(evaluation, validation);
        decisions.push({ denied: true, ...said, index, errorType: 'no_error', elapsedMs: elapsed() });
      }
    }
    const second = new PolicyEvaluation(input, policy.variables, authorizer, policyCostBudget);
    for (const { key, value } of policy.annotations) {
      const result = await run(second, value);
      if ('error' in result) {
        if (!ignores) annotationFaults.push(result.error);
      } else if (typeof result.value === 'string' && result.value.trim() !== '') annotations.push({ key, value: result.value.trim() });
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return { ...nothing, decisions: [failed(error.message)] };
  }
  return { decisions, annotations, annotationFaults };
}

type Result = Awaited<ReturnType<PolicyEvaluation['run']>>;

async function run(evaluation: PolicyEvaluation, compiled: Compiled): Promise<Result> {
  return 'program' in compiled ? evaluation.run(compiled.program) : { error: `compilation error: ${compiled.fault}` };
}

async function denial(
  evaluation: PolicyEvaluation,
  { validation, message }: CompiledValidation,
): Promise<{ message: string; reason: string }> {
  const made = message === undefined ? '' : await messageText(evaluation, message);
  const said = made === '' ? (validation.message ?? '').trim() : made;
  return { message: said === '' ? `failed expression: ${validation.expression.trim()}` : said, reason: validation.reason ?? 'Invalid' };
}

/** Empty when the expression fails, or makes what is no message. */
async function messageText(evaluation: PolicyEvaluation, message: Compiled): Promise<string> {
  const result = await run(evaluation, message);
  const text = 'value' in result && typeof result.value === 'string' ? result.value.trim() : '';
  return text.includes('\n') || Buffer.byteLength(text) > maxMessageBytes ? '' : text;
}
