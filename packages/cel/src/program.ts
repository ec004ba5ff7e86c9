import { Checker } from './check/checker.ts';
import type { Environment } from './check/environment.ts';
import { CostEstimator } from './cost/estimator.ts';
import type { Range } from './cost/estimates.ts';
import type { Bindings, Step } from './eval/frame.ts';
import { Frame } from './eval/frame.ts';
import { working } from './eval/work.ts';
import { Planner } from './eval/planner.ts';
import { literalFaults } from './check/literals.ts';
import type { AccessQuestion } from './library/authorizer.ts';
import { AwaitsAnswer } from './library/authorizer.ts';
import type { Node } from './syntax/ast.ts';
import { childrenOf } from './check/checker.ts';
import { parse } from './syntax/parser.ts';
import type { Issue } from './syntax/source.ts';
import { Source, SyntaxFault } from './syntax/source.ts';
import type { CelType } from './types/types.ts';
import { dynType } from './types/types.ts';
import type { Value } from './values/value.ts';
import { BudgetExceeded, CelError } from './values/value.ts';

/** Most that one evaluation may cost, about a tenth of a second. */
export const perCallCostLimit = 1_000_000;

export type Evaluation =
  | { readonly ok: true; readonly value: Value; readonly cost: number }
  | {
      readonly ok: false;
      readonly error: string;
      readonly cost: number;
      /** The cost limit was reached; `error` then says so. */
      readonly exceeded: boolean;
      /** Set when nothing is known yet: run again once this is answered. */
      readonly pending?: AccessQuestion;
    };

export interface EvaluateOptions {
  /** In units of cost; `perCallCostLimit` when absent. */
  readonly costLimit?: number;
}

export type Compilation =
  | { readonly ok: true; readonly program: Program }
  | {
      readonly ok: false;
      readonly issues: readonly Issue[];
      /** The issues with the lines they are on, as the API server prints them. */
      readonly text: string;
    };

/** A compiled expression. Immutable; any number of evaluations may use it. */
export class Program {
  readonly source: string;
  readonly outputType: CelType;
  /** Names of the variables that the expression mentions. */
  readonly variables: ReadonlySet<string>;
  private readonly environment: Environment;
  private readonly tree: Node;
  private readonly step: Step;
  private readonly planner: Planner;

  constructor(source: string, tree: Node, outputType: CelType, environment: Environment) {
    this.source = source;
    this.tree = tree;
    this.environment = environment;
    this.outputType = outputType;
    this.planner = new Planner((name) => environment.variable(name) ?? dynType);
    this.step = this.planner.plan(tree);
    this.variables = new Set(this.planner.variables.map((variable) => variable.name));
  }

  /**
   * Runs the expression. `bindings` are plain JSON (read in place, never changed), values, or functions that give one
   * when the variable is first read. Never throws.
   */
  evaluate(bindings: Bindings, options: EvaluateOptions = {}): Evaluation {
    const frame = new Frame(bindings, this.planner.variables.length, this.planner.locals, options.costLimit ?? perCallCostLimit);
    try {
      const value = working(() => this.step(frame));
      if (value instanceof CelError) return { ok: false, error: value.message, cost: frame.cost, exceeded: false };
      return { ok: true, value, cost: frame.cost };
    } catch (error) {
      if (error instanceof BudgetExceeded) return { ok: false, error: error.message, cost: frame.cost, exceeded: true };
      if (error instanceof AwaitsAnswer)
        return { ok: false, error: error.message, cost: frame.cost, exceeded: false, pending: error.question };
      // A string or an array beyond what JavaScript can make, or recursion over data nested too deep.
      if (error instanceof RangeError) return { ok: false, error: new BudgetExceeded().message, cost: frame.cost, exceeded: true };
      throw error;
    }
  }

  /** The declared type of a variable that the expression may use. */
  typeOfVariable(name: string): CelType | undefined {
    return this.environment.variable(name);
  }

  /** Bounds of the cost of an evaluation, from the sizes that the variables' types declare. */
  estimateCost(): Range {
    return new CostEstimator().cost(this.tree);
  }

  /** Whether some node of the tree fits. */
  uses(fits: (node: Node) => boolean): boolean {
    const visit = (node: Node): boolean => fits(node) || childrenOf(node).some(visit);
    return visit(this.tree);
  }
}

/** Parses and checks an expression. Never throws. */
export function compile(expression: string, environment: Environment): Compilation {
  const source = new Source(expression);
  const failed = (faults: readonly { at: number; message: string }[]): Compilation => {
    const issues = faults.map(({ at, message }) => source.issue(at, message));
    return { ok: false, issues, text: source.print(issues) };
  };
  try {
    const tree = parse(expression, environment.macros);
    const checker = new Checker(environment);
    const type = checker.check(tree);
    const faults = [...checker.faults];
    if (faults.length === 0) faults.push(...literalFaults(tree));
    if (faults.length > 0) return failed(faults);
    return { ok: true, program: new Program(expression, tree, type, environment) };
  } catch (error) {
    if (error instanceof SyntaxFault) return failed([error]);
    if (error instanceof RangeError) return failed([{ at: 0, message: 'expression recursion limit exceeded: 250' }]);
    throw error;
  }
}
