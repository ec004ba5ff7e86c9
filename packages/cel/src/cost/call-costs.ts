import { spend } from '../eval/work.ts';
import { sizeOf } from '../values/fits.ts';
import type { Value } from '../values/value.ts';
import { CelList, CelMap } from '../values/value.ts';
import type { OverloadOptions } from '../check/declarations.ts';
import type { ArgumentFacts, Range } from './estimates.ts';
import { fixed, product, scaled, sum, union, unknownSize } from './estimates.ts';

/** Units of cost a character that is looked at. */
export const traversal = 0.1;
/** Units a character of a regular expression. */
const regexLength = 0.25;

const size = (args: readonly Value[], position: number): number => sizeOf(args[position] ?? null);
const sizeOfArgument = (args: readonly ArgumentFacts[], position: number): Range => args[position]?.size ?? unknownSize;

/** One look at the argument at `position`, `factor` times. */
export function scan(position: number, factor = 1, keepsSize = false): OverloadOptions {
  return {
    cost: (args) => Math.ceil(size(args, position) * factor * traversal),
    estimate: (args) => {
      const all = sizeOfArgument(args, position);
      const cost = scaled(all, factor * traversal);
      return keepsSize ? { cost, size: all } : { cost };
    },
  };
}

/** `startsWith` and `endsWith`: what is looked for bounds the estimate, the text counts when it is evaluated. */
export const affix: OverloadOptions = {
  cost: (args) => Math.ceil(size(args, 0) * traversal),
  estimate: (args) => ({ cost: scaled(sizeOfArgument(args, 1), traversal) }),
};

/** Concatenation of strings or bytes. */
export const concatenation: OverloadOptions = {
  cost: (args) => Math.ceil((size(args, 0) + size(args, 1)) * traversal),
  estimate: (args) => {
    const all = sum(sizeOfArgument(args, 0), sizeOfArgument(args, 1));
    return { cost: scaled(all, traversal), size: all };
  },
};

/** Concatenation of lists: constant, but the size counts. */
export const listConcatenation: OverloadOptions = {
  estimate: (args) => ({ cost: fixed(1), size: sum(sizeOfArgument(args, 0), sizeOfArgument(args, 1)) }),
};

/** Comparison up to the end of the shorter. */
export const comparison: OverloadOptions = {
  cost: (args) => Math.ceil(Math.min(size(args, 0), size(args, 1)) * traversal),
  estimate: (args) => {
    const smallest = Math.min(sizeOfArgument(args, 0).max, sizeOfArgument(args, 1).max);
    return { cost: scaled({ min: smallest > 0 ? 1 : 0, max: smallest }, traversal) };
  },
};

/** Search of one string in another. */
export const substringSearch: OverloadOptions = {
  cost: (args) => Math.ceil(size(args, 0) * traversal) * Math.ceil(size(args, 1) * traversal),
  estimate: (args) => ({ cost: product(scaled(sizeOfArgument(args, 0), traversal), scaled(sizeOfArgument(args, 1), traversal)) }),
};

/** A regular expression (second argument) over a string (first). `sized`: the result is as long as the string. */
export function regexMatch(sized: boolean): OverloadOptions {
  return {
    cost: (args) => Math.ceil((1 + size(args, 0)) * traversal) * Math.ceil(size(args, 1) * regexLength),
    estimate: (args) => {
      const text = sizeOfArgument(args, 0);
      const cost = product(scaled(sum(text, fixed(1)), traversal), scaled(sizeOfArgument(args, 1), regexLength));
      return sized ? { cost, size: { min: 0, max: text.max } } : { cost };
    },
  };
}

/** Like a regular expression of `length` over the second argument. */
export function fixedRegex(length: number): OverloadOptions {
  return {
    cost: (args) => Math.ceil((1 + size(args, 1)) * traversal) * Math.ceil(length * regexLength),
    estimate: (args) => ({ cost: scaled(scaled(sizeOfArgument(args, 1), traversal), 128 * regexLength) }),
  };
}

export const membership: OverloadOptions = {
  cost: (args) => size(args, 1),
  estimate: (args) => ({ cost: sizeOfArgument(args, 1) }),
};

/** All the data below a value. */
function traversalCost(value: Value): number {
  spend(8);
  if (typeof value === 'string' || value instanceof Uint8Array) return Math.floor(value.length * traversal);
  let cost = 0;
  if (value instanceof CelList) for (let at = 0; at < value.size; at += 1) cost += traversalCost(value.at(at));
  else if (value instanceof CelMap) {
    for (const key of value.keys()) {
      const item = value.get(key);
      cost += traversalCost(key) + (item === undefined ? 0 : traversalCost(item));
    }
  } else cost = 1;
  return cost;
}

/** One pass over a list that compares its elements. */
export const listPass: OverloadOptions = {
  cost: (args) => traversalCost(args[0] ?? null),
  estimate: ([list]) => {
    if (list?.isList !== true) return { cost: scaled(list?.size ?? unknownSize, traversal) };
    const element = list.elementSize === undefined ? fixed(1) : sum(fixed(1), scaled(list.elementSize, traversal));
    return { cost: product(list.size, element) };
  },
};

/** Every element of the first list with every one of the second, `factor` times. */
export function pairwise(factor: number): OverloadOptions {
  return {
    cost: (args) => 1 + size(args, 0) * size(args, 1) * factor,
    estimate: (args) => ({ cost: sum(fixed(1), scaled(product(sizeOfArgument(args, 0), sizeOfArgument(args, 1)), factor)) }),
  };
}

/** A fixed cost. */
export function constant(cost: number): OverloadOptions {
  return { cost: () => cost, estimate: () => ({ cost: fixed(cost) }) };
}

export const joinedSize = (list: ArgumentFacts | undefined, separator: ArgumentFacts | undefined): Range => {
  const count = list?.size ?? unknownSize;
  let all = product(count, list?.elementSize ?? unknownSize);
  if (separator !== undefined) {
    const gaps = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
    all = sum(all, product(separator.size, gaps));
  }
  return all;
};

/** The size of `text.replace(what, by)`, most and fewest. */
export function replacedSize(text: Range, what: Range, by: Range): Range {
  const most = (): number => {
    if (what.min === 0) return (text.max + 1) * by.max + text.max;
    if (by.max <= what.min) return text.max;
    return Math.ceil(text.max / what.min) * by.max;
  };
  const fewest = (): number => {
    if (what.max === 0) return (text.min + 1) * by.min + text.min;
    if (what.max <= by.min) return text.min;
    return Math.ceil(text.min / what.max) * by.min;
  };
  return union({ min: fewest(), max: fewest() }, { min: most(), max: most() });
}
