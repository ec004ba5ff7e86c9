import type { Environment, Program } from '@bayplan/cel';
import { compile, typeText } from '@bayplan/cel';
import type { PolicyEvaluation } from './evaluation.ts';
import { OutOfBudget } from './evaluation.ts';

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

export type ConditionsResult =
  | { readonly matches: true }
  | { readonly matches: false; readonly failedCondition: string }
  /** What `failurePolicy` decides about. */
  | { readonly error: string };

/** Match conditions, compiled. Immutable. */
export class MatchConditions {
  private readonly conditions: readonly { readonly name: string; readonly program: Program | undefined; readonly fault: string }[];

  constructor(conditions: readonly MatchCondition[], environment: Environment) {
    this.conditions = conditions.map(({ name, expression }) => {
      const compiled = compileTo(expression, environment, 'bool');
      return typeof compiled === 'string' ? { name, program: undefined, fault: compiled } : { name, program: compiled, fault: '' };
    });
  }

  /** One condition that is false decides, even when others fail. */
  async matches(evaluation: PolicyEvaluation): Promise<ConditionsResult> {
    const errors: string[] = [];
    try {
      for (const { name, program, fault } of this.conditions) {
        const result = program === undefined ? { error: `compilation error: ${fault}` } : await evaluation.run(program);
        if ('error' in result) errors.push(result.error);
        else if (result.value === false) return { matches: false, failedCondition: name };
      }
    } catch (error) {
      if (error instanceof OutOfBudget) return { error: error.message };
      throw error;
    }
    if (errors.length === 0) return { matches: true };
    return { error: errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]` };
  }
}

/** The program of an expression of the type, or why there is none. */
export function compileTo(expression: string, environment: Environment, ...kinds: readonly string[]): Program | string {
  const compiled = compile(expression, environment);
  if (!compiled.ok) return `compilation failed: ${compiled.text}`;
  const { outputType } = compiled.program;
  const given = typeText(outputType);
  if (kinds.some((kind) => kind === 'any' || kind === given)) return compiled.program;
  const wanted = kinds.length === 1 ? `must evaluate to ${kinds[0] ?? ''}` : `must evaluate to one of [${kinds.join(' ')}]`;
  return `${wanted} but got ${given}`;
}
