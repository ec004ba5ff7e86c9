import type { EvalValue } from '../values/value.ts';
import { BudgetExceeded } from '../values/value.ts';

/** What the caller binds: plain JSON, values, or functions that are called once when the variable is first read. */
export type Bindings = Readonly<Record<string, unknown>>;

/** The state of one evaluation. */
export class Frame {
  readonly bindings: Bindings;
  /** Variables read so far, by slot. */
  readonly variables: (EvalValue | undefined)[];
  /** Loop variables and accumulators, by slot. */
  readonly locals: EvalValue[];
  cost = 0;
  private readonly limit: number;

  constructor(bindings: Bindings, variables: number, locals: number, limit: number) {
    this.bindings = bindings;
    this.variables = new Array<EvalValue | undefined>(variables);
    this.locals = new Array<EvalValue>(locals).fill(null);
    this.limit = limit;
  }

  /** Throws `BudgetExceeded` when the limit is passed. */
  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) throw new BudgetExceeded();
  }
}

/** A planned node. */
export type Step = (frame: Frame) => EvalValue;
