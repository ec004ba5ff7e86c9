import type { Node } from '../syntax/ast.ts';

/** Bounds of a cost or a size. Large values are rounded as doubles; `unbounded` stands for no bound. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const unbounded = 2 ** 64;
export const unknownSize: Range = { min: 0, max: unbounded };

const clamp = (value: number): number => (value > unbounded ? unbounded : value);

export const fixed = (value: number): Range => ({ min: value, max: value });
export const sum = (a: Range, b: Range): Range => ({ min: clamp(a.min + b.min), max: clamp(a.max + b.max) });
export const product = (a: Range, b: Range): Range => ({ min: clamp(a.min * b.min), max: clamp(a.max * b.max) });
export const scaled = (a: Range, factor: number): Range => ({
  min: clamp(Math.ceil(a.min * factor)),
  max: clamp(Math.ceil(a.max * factor)),
});
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** An argument of a call as its estimator sees it. */
export interface ArgumentFacts {
  readonly node: Node;
  readonly size: Range;
  /** Size of the elements of a list of strings or bytes; undefined when the elements have no size. */
  readonly elementSize: Range | undefined;
  /** Whether it is a list of a known type. */
  readonly isList: boolean;
}

export interface CallEstimate {
  /** Without the arguments' own cost. */
  readonly cost: Range;
  /** Size of the result. */
  readonly size?: Range;
}

/** `args` starts with the receiver for member functions. */
export type CallEstimator = (args: readonly ArgumentFacts[]) => CallEstimate;
