import type { FunctionDeclaration, OverloadOptions } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { listPass, pairwise, regexMatch } from '../cost/call-costs.ts';
import type { ArgumentFacts, Range } from '../cost/estimates.ts';
import { fixed, product, scaled, sum, unbounded, unknownSize } from '../cost/estimates.ts';
import type { CelType } from '../types/types.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  paramOf,
  stringType,
  timestampType,
  uintType,
} from '../types/types.ts';
import { contains, equals } from '../values/equality.ts';
import { sizeOf } from '../values/fits.ts';
import { compareValues } from '../values/order.ts';
import { durationOf } from '../values/time-text.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { ArrayList, BudgetExceeded, CelDuration, CelError, CelList, CelUint } from '../values/value.ts';
import { maxInt, maxUint, minInt } from './arithmetic.ts';
import { regexOf } from './regex-engine.ts';

/** Most elements that an expression may make at once. */
const maxElements = 1024 * 1024;
const comparable: readonly CelType[] = [intType, uintType, doubleType, boolType, durationType, timestampType, stringType, bytesType];
const T = paramOf('T');
const list = listOf(T);

function isSorted(values: Value): EvalValue {
  const items = values as CelList;
  for (let at = 1; at < items.size; at += 1) if ((compareValues(items.at(at - 1), items.at(at)) ?? 0) > 0) return false;
  return true;
}

function extreme(name: string, replaces: (order: number) => boolean): (values: Value) => EvalValue {
  return (values) => {
    let result: Value | undefined;
    for (const item of values as CelList) if (result === undefined || replaces(compareValues(result, item) ?? 0)) result = item;
    return result ?? new CelError(`${name} called on empty list`);
  };
}

function total(type: CelType): (values: Value) => EvalValue {
  return (values) => {
    if (type.kind === 'double') {
      let result = 0;
      for (const item of values as CelList) result += item as number;
      return result;
    }
    let result = 0n;
    for (const item of values as CelList) {
      result += item instanceof CelUint ? item.value : item instanceof CelDuration ? item.nanos : (item as bigint);
      if (type.kind === 'uint' ? result > maxUint : result > maxInt || result < minInt) {
        return new CelError(type.kind === 'uint' ? 'unsigned integer overflow' : 'integer overflow');
      }
    }
    return type.kind === 'uint' ? new CelUint(result) : type.kind === 'duration' ? durationOf(result) : result;
  };
}

function indexOfItem(values: Value, wanted: Value): EvalValue {
  const items = values as CelList;
  for (let at = 0; at < items.size; at += 1) if (equals(items.at(at), wanted)) return BigInt(at);
  return -1n;
}

function lastIndexOfItem(values: Value, wanted: Value): EvalValue {
  const items = values as CelList;
  for (let at = items.size - 1; at >= 0; at -= 1) if (equals(items.at(at), wanted)) return BigInt(at);
  return -1n;
}

function slice(values: Value, start: Value, end: Value): EvalValue {
  const items = values as CelList;
  const [from, to] = [start as bigint, end as bigint];
  const shown = `cannot slice(${from.toString()}, ${to.toString()})`;
  if (from < 0n || to < 0n) return new CelError(`${shown}, negative indexes not supported`);
  if (from > to) return new CelError(`${shown}, start index must be less than or equal to end index`);
  if (to > BigInt(items.size)) return new CelError(`${shown}, list is length ${items.size.toString()}`);
  return new ArrayList(Array.from({ length: Number(to - from) }, (_, at) => items.at(Number(from) + at)));
}

function flatten(values: Value, depth: Value = 1n): EvalValue {
  if ((depth as bigint) < 0n) return new CelError('level must be non-negative');
  const out: Value[] = [];
  const visit = (items: CelList, left: bigint): void => {
    for (const item of items) {
      if (item instanceof CelList && left > 0n) visit(item, left - 1n);
      else if (out.push(item) > maxElements) throw new BudgetExceeded();
    }
  };
  visit(values as CelList, depth as bigint);
  return new ArrayList(out);
}

function sortBy(values: Value, keys: Value): EvalValue {
  const [items, by] = [values as CelList, keys as CelList];
  if (items.size !== by.size) {
    const sizes = `${items.size.toString()} and ${by.size.toString()}`;
    return new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${sizes} elements respectively`,
    );
  }
  const pairs = Array.from({ length: items.size }, (_, at) => [items.at(at), by.at(at)] as const);
  const first = pairs[0]?.[1];
  if (first !== undefined && pairs.some(([, key]) => compareValues(first, key) === undefined)) {
    return new CelError(
      compareValues(first, first) === undefined ? 'list elements must be comparable' : 'list elements must have the same type',
    );
  }
  return new ArrayList(pairs.toSorted(([, a], [, b]) => compareValues(a, b) ?? 0).map(([item]) => item));
}

function distinct(values: Value): EvalValue {
  const seen = new ArrayList([]);
  for (const item of values as CelList) if (!contains(seen, item)) seen.items.push(item);
  return seen;
}

function range(count: Value): EvalValue {
  if ((count as bigint) > BigInt(maxElements)) throw new BudgetExceeded();
  return new ArrayList(Array.from({ length: Math.max(0, Number(count as bigint)) }, (_, at) => BigInt(at)));
}

/** A call and the list that it makes. */
const making = 11;

/** As many units as the result has elements. */
function perResult(size: (args: readonly Value[]) => number, estimated: (args: readonly ArgumentFacts[]) => Range): OverloadOptions {
  return {
    cost: (args) => making + Math.max(0, size(args)),
    estimate: (args) => {
      const result = estimated(args);
      return { cost: sum(fixed(making), result), size: result };
    },
  };
}

const literalCount = (arg: ArgumentFacts | undefined, otherwise: number): number =>
  arg?.node.kind === 'literal' && arg.node.value.of === 'int' ? Math.max(0, Number(arg.node.value.value)) : otherwise;
const argumentSize = ([values]: readonly ArgumentFacts[]): Range => values?.size ?? unknownSize;
const perElement = perResult(([values]) => sizeOf(values ?? null), argumentSize);
const sliced = perResult(
  ([, start, end]) => Number((end as bigint) - (start as bigint)),
  ([values, start, end]) => fixed(Math.max(0, literalCount(end, values?.size.max ?? unbounded) - literalCount(start, 0))),
);
const counted = perResult(
  ([count]) => Number(count as bigint),
  ([count]) => fixed(literalCount(count, unbounded)),
);
const flattened: OverloadOptions = {
  cost: ([values, depth]) => making + sizeOf(values ?? null) * Math.max(0, Number((depth as bigint | undefined) ?? 1n)),
  estimate: ([values, depth]) => {
    const size = scaled(values?.size ?? unknownSize, depth === undefined ? 1 : literalCount(depth, unbounded));
    return { cost: sum(fixed(making), size), size };
  },
};

/** Every element of the list at `position` with every other. */
function selfComparing(position: number, text: boolean): OverloadOptions {
  const factor = text ? 2.1 : 2;
  return {
    cost: (args) => making + Math.floor(sizeOf(args[position] ?? null) ** 2 * factor),
    estimate: (args) => {
      const size = args[position]?.size ?? unknownSize;
      const squared = product(size, size);
      return { cost: sum(fixed(making), scaled(squared, factor)), size: squared };
    },
  };
}
const distinguishing: OverloadOptions = {
  ...selfComparing(0, false),
  cost: ([values]) => {
    const items = values as CelList;
    const first = items.size === 0 ? null : items.at(0);
    return making + Math.floor(items.size ** 2 * (typeof first === 'string' || first instanceof Uint8Array ? 2.1 : 2));
  },
};
const isText = (type: CelType): boolean => type.kind === 'string' || type.kind === 'bytes';

const perType = (types: readonly CelType[], make: (type: CelType) => ReturnType<typeof member>): ReturnType<typeof member>[] =>
  types.map(make);

function find(text: Value, pattern: Value): EvalValue {
  const regex = regexOf(pattern as string);
  if (regex instanceof CelError) return new CelError(`Illegal regex: ${regex.message}`);
  const matcher = regex.matcher(text as string);
  return matcher.find() ? (matcher.group() ?? '') : '';
}

function findAll(text: Value, pattern: Value, count: Value = -1n): EvalValue {
  const regex = regexOf(pattern as string);
  if (regex instanceof CelError) return new CelError(`Illegal regex: ${regex.message}`);
  const matcher = regex.matcher(text as string);
  const found: Value[] = [];
  while (((count as bigint) < 0n || BigInt(found.length) < (count as bigint)) && matcher.find()) found.push(matcher.group() ?? '');
  return new ArrayList(found);
}

const strings = listOf(stringType);

/** Kubernetes' list and regular expression functions, the extended list functions and sets. */
export const listFunctions: readonly FunctionDeclaration[] = [
  declare(
    'isSorted',
    ...perType(comparable, (type) => member(`list_${type.kind}_is_sorted_bool`, [listOf(type)], boolType, isSorted, listPass)),
  ),
  declare(
    'sum',
    ...perType([intType, uintType, doubleType, durationType], (type) =>
      member(`list_${type.kind}_sum_${type.kind}`, [listOf(type)], type, total(type), listPass),
    ),
  ),
  declare(
    'max',
    ...perType(comparable, (type) =>
      member(
        `list_${type.kind}_max_${type.kind}`,
        [listOf(type)],
        type,
        extreme('max', (order) => order < 0),
        listPass,
      ),
    ),
  ),
  declare(
    'min',
    ...perType(comparable, (type) =>
      member(
        `list_${type.kind}_min_${type.kind}`,
        [listOf(type)],
        type,
        extreme('min', (order) => order > 0),
        listPass,
      ),
    ),
  ),
  declare('indexOf', member('list_a_index_of_int', [list, T], intType, indexOfItem, listPass)),
  declare('lastIndexOf', member('list_a_last_index_of_int', [list, T], intType, lastIndexOfItem, listPass)),
  declare('slice', member('list_slice', [list, intType, intType], list, slice, sliced)),
  declare(
    'flatten',
    member('list_flatten', [listOf(list)], list, flatten, flattened),
    member('list_flatten_int', [listOf(dynType), intType], listOf(dynType), flatten, flattened),
  ),
  declare(
    'sort',
    ...perType(comparable, (type) =>
      member(`list_${type.kind}_sort`, [listOf(type)], listOf(type), (values) => sortBy(values, values), selfComparing(0, isText(type))),
    ),
  ),
  declare(
    '@sortByAssociatedKeys',
    ...perType(comparable, (type) =>
      member(`list_${type.kind}_sortByAssociatedKeys`, [list, listOf(type)], list, sortBy, selfComparing(1, isText(type))),
    ),
  ),
  declare('lists.range', global('lists_range', [intType], listOf(intType), range, counted)),
  declare(
    'reverse',
    member('list_reverse', [list], list, (values) => new ArrayList([...(values as CelList)].toReversed()), perElement),
  ),
  declare('distinct', member('list_distinct', [list], list, distinct, distinguishing)),
  declare(
    'sets.contains',
    global(
      'list_sets_contains_list',
      [list, list],
      boolType,
      (a, b) => [...(b as CelList)].every((item) => contains(a as CelList, item)),
      pairwise(1),
    ),
  ),
  declare(
    'sets.intersects',
    global(
      'list_sets_intersects_list',
      [list, list],
      boolType,
      (a, b) => [...(b as CelList)].some((item) => contains(a as CelList, item)),
      pairwise(1),
    ),
  ),
  declare(
    'sets.equivalent',
    global(
      'list_sets_equivalent_list',
      [list, list],
      boolType,
      (a, b) =>
        [...(b as CelList)].every((item) => contains(a as CelList, item)) &&
        [...(a as CelList)].every((item) => contains(b as CelList, item)),
      pairwise(2),
    ),
  ),
  declare('find', member('string_find_string', [stringType, stringType], stringType, find, regexMatch(true))),
  declare(
    'findAll',
    member('string_find_all_string', [stringType, stringType], strings, findAll, regexMatch(true)),
    member('string_find_all_string_int', [stringType, stringType, intType], strings, findAll, regexMatch(true)),
  ),
];
