import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { noSuchOverload } from '../eval/access.ts';
import { operators } from '../syntax/ast.ts';
import { boolType, intType, listOf, mapOf, optionalOf, paramOf } from '../types/types.ts';
import type { Value } from '../values/value.ts';
import { ArrayList, CelDuration, CelError, CelList, CelMap, CelOptional, CelTimestamp, CelUint } from '../values/value.ts';

const V = paramOf('V');
const K = paramOf('K');
const optional = optionalOf(V);
const list = listOf(V);
const map = mapOf(K, V);

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0;
  if (value instanceof CelDuration || value instanceof CelTimestamp) return value.nanos === 0n;
  return value instanceof CelOptional && value.value === undefined;
}

function unwrapAll(values: Value): Value {
  const present: Value[] = [];
  for (const one of values as CelList) if (one instanceof CelOptional && one.value !== undefined) present.push(one.value);
  return new ArrayList(present);
}

function end(position: (list: CelList) => number): (value: Value) => Value {
  return (value) => {
    const from = value as CelList;
    return from.size === 0 ? CelOptional.none : new CelOptional(from.at(position(from)));
  };
}

/** Optional values. `or`, `orValue` and the index operators are evaluated by the planner. */
export const optionalFunctions: readonly FunctionDeclaration[] = [
  declare(
    'optional.of',
    global('optional_of', [V], optional, (value) => new CelOptional(value)),
  ),
  declare(
    'optional.ofNonZeroValue',
    global('optional_ofNonZeroValue', [V], optional, (value) => (isZero(value) ? CelOptional.none : new CelOptional(value))),
  ),
  declare(
    'optional.none',
    global('optional_none', [], optional, () => CelOptional.none),
  ),
  declare('optional.unwrap', global('optional_unwrap', [listOf(optional)], list, unwrapAll)),
  declare('unwrapOpt', member('optional_unwrapOpt', [listOf(optional)], list, unwrapAll)),
  declare(
    'hasValue',
    member('optional_hasValue', [optional], boolType, (value) => (value as CelOptional).value !== undefined),
  ),
  declare(
    'value',
    member('optional_value', [optional], V, (value) => (value as CelOptional).value ?? nothing(value as CelOptional)),
  ),
  declare('or', member('optional_or_optional', [optional, optional], optional, noSuchOverload)),
  declare('orValue', member('optional_orValue_value', [optional, V], V, noSuchOverload)),
  declare(
    operators.optionalIndex,
    global('list_optindex_optional_int', [list, intType], optional, noSuchOverload),
    global('optional_list_optindex_optional_int', [optionalOf(list), intType], optional, noSuchOverload),
    global('map_optindex_optional_value', [map, K], optional, noSuchOverload),
    global('optional_map_optindex_optional_value', [optionalOf(map), K], optional, noSuchOverload),
  ),
  declare(
    operators.index,
    global('optional_list_index_int', [optionalOf(list), intType], optional, noSuchOverload),
    global('optional_map_index_value', [optionalOf(map), K], optional, noSuchOverload),
  ),
  declare(
    'first',
    member(
      'list_first',
      [list],
      optional,
      end(() => 0),
    ),
  ),
  declare(
    'last',
    member(
      'list_last',
      [list],
      optional,
      end((from) => from.size - 1),
    ),
  ),
];

/** An optional may hold null, which `??` takes for nothing. */
function nothing(optionalValue: CelOptional): Value | CelError {
  return optionalValue.value === null ? null : new CelError('optional.none() dereference');
}
