import type { CelType } from '../types/types.ts';
import type { EvalValue, Value } from '../values/value.ts';
import type { CallEstimator } from '../cost/estimates.ts';

/** One form of a function. For member functions the first argument is the receiver. */
export interface Overload {
  readonly id: string;
  readonly member: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  /** Called with values that fit `args`. Returns a `CelError` for failures; never throws. */
  readonly run: (...args: Value[]) => EvalValue;
  /** What a call costs beside its arguments; 1 when absent. Called before `run`. */
  readonly cost?: ((args: readonly Value[]) => number) | undefined;
  /** The same before anything is known; a constant 1 when absent. */
  readonly estimate?: CallEstimator | undefined;
}

/** All forms of a function under one name. */
export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
}

export interface OverloadOptions {
  readonly cost?: Overload['cost'];
  readonly estimate?: CallEstimator;
}

type Run = Overload['run'];

/** A form called as `name(args)`. */
export function global(id: string, args: readonly CelType[], result: CelType, run: Run, options: OverloadOptions = {}): Overload {
  return { id, member: false, args, result, run, cost: options.cost, estimate: options.estimate };
}

/** A form called as `first.name(rest)`. */
export function member(id: string, args: readonly CelType[], result: CelType, run: Run, options: OverloadOptions = {}): Overload {
  return { id, member: true, args, result, run, cost: options.cost, estimate: options.estimate };
}

export function declare(name: string, ...overloads: readonly Overload[]): FunctionDeclaration {
  return { name, overloads };
}
