import type { FunctionDeclaration, Overload } from '../check/declarations.ts';
import { declare, global } from '../check/declarations.ts';
import { comparison, concatenation, listConcatenation, membership } from '../cost/call-costs.ts';
import { insert } from '../eval/planner.ts';
import { noSuchOverload } from '../eval/access.ts';
import { spend } from '../eval/work.ts';
import { operators } from '../syntax/ast.ts';
import type { CelType } from '../types/types.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listOf,
  mapOf,
  paramOf,
  stringType,
  timestampType,
  uintType,
} from '../types/types.ts';
import { contains } from '../values/equality.ts';
import { JsonList, sameElement } from '../values/json.ts';
import { durationOf, timestampOf } from '../values/time-text.ts';
import type { EvalValue, Value, CelList, CelMap } from '../values/value.ts';
import { ArrayList, BudgetExceeded, CelDuration, CelError, CelTimestamp, CelUint } from '../values/value.ts';
import { compareValues } from '../values/order.ts';

export const maxInt = 2n ** 63n - 1n;
export const minInt = -(2n ** 63n);
export const maxUint = 2n ** 64n - 1n;
/** Longest string or list that an expression may make; beyond, its budget counts as used up. */
export const maxMade = 16 * 1024 * 1024;
const maxList = 1024 * 1024;

const overflow = (value: bigint): EvalValue => (value > maxInt || value < minInt ? new CelError('integer overflow') : value);
const uintOverflow = (value: bigint): EvalValue =>
  value > maxUint || value < 0n ? new CelError('unsigned integer overflow') : new CelUint(value);

type Int = (a: bigint, b: bigint) => bigint | CelError;
const divide: Int = (a, b) => (b === 0n ? new CelError('division by zero') : a / b);
const modulo: Int = (a, b) => (b === 0n ? new CelError('modulus by zero') : a % b);

function numbers(name: string, ids: string, int: Int, double?: (a: number, b: number) => number): FunctionDeclaration {
  const checked = (a: Value, b: Value): EvalValue => {
    const result = int(a as bigint, b as bigint);
    return typeof result === 'bigint' ? overflow(result) : result;
  };
  const unsigned = (a: Value, b: Value): EvalValue => {
    const result = int((a as CelUint).value, (b as CelUint).value);
    return typeof result === 'bigint' ? uintOverflow(result) : result;
  };
  const overloads: Overload[] = [
    global(`${ids}_int64`, [intType, intType], intType, checked),
    global(`${ids}_uint64`, [uintType, uintType], uintType, unsigned),
  ];
  if (double !== undefined) {
    overloads.push(global(`${ids}_double`, [doubleType, doubleType], doubleType, (a, b) => double(a as number, b as number)));
  }
  return declare(name, ...overloads);
}

/** Lists; those of a schema's type set or map are merged. */
function addLists(a: CelList, b: CelList): EvalValue {
  if (a.size + b.size > maxList) throw new BudgetExceeded();
  spend(4 * (a.size + b.size));
  const declared = a instanceof JsonList ? a.declared : undefined;
  if (declared?.listType === undefined) return new ArrayList([...a.all(), ...b.all()]);
  const items = [...a];
  for (const element of b) {
    const found = items.findIndex((other) =>
      declared.listType === 'map' ? sameElement(element, other, declared.listKeys ?? []) : contains(new ArrayList([other]), element),
    );
    if (found < 0) items.push(element);
    else items[found] = element;
  }
  return new ArrayList(items);
}

function addText(a: string, b: string): string {
  if (a.length + b.length > maxMade) throw new BudgetExceeded();
  return a + b;
}

const nanosOf = (value: Value): bigint => (value instanceof CelTimestamp || value instanceof CelDuration ? value.nanos : 0n);
const list = listOf(paramOf('A'));
const map = mapOf(paramOf('K'), paramOf('V'));

const addition: FunctionDeclaration = declare(
  operators.add,
  global('add_string', [stringType, stringType], stringType, (a, b) => addText(a as string, b as string), concatenation),
  global(
    'add_bytes',
    [bytesType, bytesType],
    bytesType,
    (a, b) => Uint8Array.from([...(a as Uint8Array), ...(b as Uint8Array)]),
    concatenation,
  ),
  global('add_list', [list, list], list, (a, b) => addLists(a as CelList, b as CelList), listConcatenation),
  global('add_duration_duration', [durationType, durationType], durationType, (a, b) => durationOf(nanosOf(a) + nanosOf(b))),
  global('add_duration_timestamp', [durationType, timestampType], timestampType, (a, b) => timestampOf(nanosOf(a) + nanosOf(b))),
  global('add_timestamp_duration', [timestampType, durationType], timestampType, (a, b) => timestampOf(nanosOf(a) + nanosOf(b))),
);

const subtraction: FunctionDeclaration = declare(
  operators.subtract,
  global('subtract_duration_duration', [durationType, durationType], durationType, (a, b) => durationOf(nanosOf(a) - nanosOf(b))),
  global('subtract_timestamp_duration', [timestampType, durationType], timestampType, (a, b) => timestampOf(nanosOf(a) - nanosOf(b))),
  global('subtract_timestamp_timestamp', [timestampType, timestampType], durationType, (a, b) => durationOf(nanosOf(a) - nanosOf(b))),
);

const ordered: readonly CelType[] = [boolType, intType, uintType, doubleType, stringType, bytesType, timestampType, durationType];
const numeric: readonly CelType[] = [intType, uintType, doubleType];

function relation(name: string, id: string, holds: (order: number) => boolean): FunctionDeclaration {
  const run = (a: Value, b: Value): EvalValue => {
    const order = compareValues(a, b);
    return order === undefined ? noSuchOverload() : holds(order);
  };
  const overloads = ordered.map((type) => {
    const sized = type === stringType || type === bytesType;
    return global(`${id}_${type.kind}`, [type, type], boolType, run, sized ? comparison : {});
  });
  for (const a of numeric) {
    for (const b of numeric) if (a !== b) overloads.push(global(`${id}_${a.kind}_${b.kind}`, [a, b], boolType, run));
  }
  return declare(name, ...overloads);
}

const any = paramOf('A');

/** The operators, as functions. */
export const operatorFunctions: readonly FunctionDeclaration[] = [
  numbers(
    operators.add,
    'add',
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  addition,
  numbers(
    operators.subtract,
    'subtract',
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  subtraction,
  numbers(
    operators.multiply,
    'multiply',
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  numbers(operators.divide, 'divide', divide, (a, b) => a / b),
  numbers(operators.modulo, 'modulo', modulo),
  declare(
    operators.negate,
    global('negate_int64', [intType], intType, (a) => overflow(-(a as bigint))),
    global('negate_double', [doubleType], doubleType, (a) => -(a as number)),
  ),
  declare(
    operators.not,
    global('logical_not', [boolType], boolType, (a) => a === false),
  ),
  relation(operators.less, 'less', (order) => order < 0),
  relation(operators.lessEquals, 'less_equals', (order) => order <= 0),
  relation(operators.greater, 'greater', (order) => order > 0),
  relation(operators.greaterEquals, 'greater_equals', (order) => order >= 0),
  declare(
    operators.in,
    global('in_list', [any, listOf(any)], boolType, (a, b) => contains(b as CelList, a), membership),
    global('in_map', [paramOf('A'), mapOf(paramOf('A'), paramOf('B'))], boolType, (a, b) => (b as CelMap).has(a)),
  ),
  // Evaluated by the planner; declared for their types.
  declare(operators.and, global('logical_and', [boolType, boolType], boolType, noSuchOverload)),
  declare(operators.or, global('logical_or', [boolType, boolType], boolType, noSuchOverload)),
  declare(operators.conditional, global('conditional', [boolType, any, any], any, noSuchOverload)),
  declare(operators.equals, global('equals', [any, any], boolType, noSuchOverload)),
  declare(operators.notEquals, global('not_equals', [any, any], boolType, noSuchOverload)),
  declare(operators.notStrictlyFalse, global('not_strictly_false', [boolType], boolType, noSuchOverload)),
  declare(
    operators.index,
    global('index_list', [list, intType], any, noSuchOverload),
    global('index_map', [map, paramOf('K')], paramOf('V'), noSuchOverload),
  ),
  declare(
    operators.mapInsert,
    global('@mapInsert_map_key_value', [map, paramOf('K'), paramOf('V')], map, insert),
    global('@mapInsert_map_map', [map, map], map, (a, b) => {
      for (const key of (b as CelMap).keys()) {
        const value = (b as CelMap).get(key) ?? null;
        const inserted = value instanceof CelError ? value : insert(a, key, value);
        if (inserted instanceof CelError) return inserted;
      }
      return a;
    }),
  ),
  declare(
    'dyn',
    global('to_dyn', [any], dynType, (a) => a),
  ),
];
