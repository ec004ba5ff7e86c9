import { typeName } from '../types/types.ts';
import type { EvalValue, Value } from './value.ts';
import { BudgetExceeded, CelError, CelList, CelMap, CelObject, CelOptional, CelTypeValue, CelUint } from './value.ts';
import { JsonList, JsonMap, sameElement } from './json.ts';

/** Elements that one comparison may look at: far beyond what the budget of an expression allows otherwise. */
const maxVisits = 4_000_000;

class Visits {
  private left = maxVisits;

  visit(): void {
    this.left -= 1;
    if (this.left < 0) throw new BudgetExceeded();
  }
}

/** The number that a value is, if it is one. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof CelUint ? value.value : undefined;
}

/** `a == b` across types: numbers by value, all other differing types are unequal. */
export function equals(a: EvalValue, b: EvalValue): boolean {
  return same(a, b, new Visits());
}

function same(a: EvalValue, b: EvalValue, visits: Visits): boolean {
  if (a === b) return typeof a !== 'number' || !Number.isNaN(a);
  visits.visit();
  const left = numeric(a);
  const right = left === undefined ? undefined : numeric(b);
  // JavaScript's == of a bigint and a number is by mathematical value.
  // eslint-disable-next-line eqeqeq
  if (left !== undefined && right !== undefined) return left == right;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && a.length === b.length && a.every((byte, position) => byte === b[position]);
  if (!(a instanceof CelObject) || !(b instanceof CelObject)) return false;
  if (a instanceof CelList) return b instanceof CelList && sameLists(a, b, visits);
  if (a instanceof CelMap) return b instanceof CelMap && sameMaps(a, b, visits);
  if (a instanceof CelOptional && b instanceof CelOptional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return same(a.value, b.value, visits);
  }
  if (a instanceof CelTypeValue && b instanceof CelTypeValue) return typeName(a.of) === typeName(b.of);
  return a.equalTo(b);
}

function sameLists(a: CelList, b: CelList, visits: Visits): boolean {
  if (a.equalTo(b)) return true;
  if (a.size !== b.size) return false;
  const declared = a instanceof JsonList ? a.declared : undefined;
  if (declared?.listType !== undefined)
    return sameUnordered(a, b, declared.listType === 'map' ? (declared.listKeys ?? []) : undefined, visits);
  for (let position = 0; position < a.size; position += 1) if (!same(a.at(position), b.at(position), visits)) return false;
  return true;
}

/** Schema lists of type set and map have no order. */
function sameUnordered(a: CelList, b: CelList, keys: readonly string[] | undefined, visits: Visits): boolean {
  const rest = [...b];
  for (const element of a) {
    const found = rest.findIndex((other) => {
      visits.visit();
      return (keys === undefined || sameElement(element, other, keys)) && same(element, other, visits);
    });
    if (found < 0) return false;
    rest.splice(found, 1);
  }
  return true;
}

function sameMaps(a: CelMap, b: CelMap, visits: Visits): boolean {
  if (a.equalTo(b)) return true;
  if (a instanceof JsonMap && b instanceof JsonMap && (a.declared?.kind === 'object') !== (b.declared?.kind === 'object')) return false;
  const keys = [...a.keys()];
  let others = b.size;
  if (b instanceof JsonMap && b.declared?.kind === 'object') others = [...b.keys()].length;
  if (keys.length !== others) return false;
  return keys.every((key) => {
    const right = b.get(key);
    const left = a.get(key);
    return left !== undefined && right !== undefined && !(left instanceof CelError) && same(left, right, visits);
  });
}

/** Whether a list holds a value. */
export function contains(list: CelList, value: Value): boolean {
  const visits = new Visits();
  for (let position = 0; position < list.size; position += 1) if (same(list.at(position), value, visits)) return true;
  return false;
}
