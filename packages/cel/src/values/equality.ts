import { typeName } from '../types/types.ts';
import { spend } from '../eval/work.ts';
import type { EvalValue, Value } from './value.ts';
import { CelError, CelList, CelMap, CelObject, CelOptional, CelTypeValue, CelUint } from './value.ts';
import { JsonList, JsonMap, sameElement } from './json.ts';

/** The number that a value is, if it is one. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof CelUint ? value.value : undefined;
}

/** `a == b` across types: numbers by value, all other differing types are unequal. */
export function equals(a: EvalValue, b: EvalValue): boolean {
  return same(a, b);
}

function same(a: EvalValue, b: EvalValue): boolean {
  spend(4);
  if (a === b) return typeof a !== 'number' || !Number.isNaN(a);
  const left = numeric(a);
  const right = left === undefined ? undefined : numeric(b);
  // Across kinds, integers count as the doubles next to them.
  if (left !== undefined && right !== undefined) return typeof left === typeof right ? left === right : Number(left) === Number(right);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && a.length === b.length && a.every((byte, position) => byte === b[position]);
  if (!(a instanceof CelObject) || !(b instanceof CelObject)) return false;
  if (a instanceof CelList) return b instanceof CelList && sameLists(a, b);
  if (a instanceof CelMap) return b instanceof CelMap && sameMaps(a, b);
  if (a instanceof CelOptional && b instanceof CelOptional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return same(a.value, b.value);
  }
  if (a instanceof CelTypeValue && b instanceof CelTypeValue) return typeName(a.of) === typeName(b.of);
  return a.equalTo(b);
}

function sameLists(a: CelList, b: CelList): boolean {
  if (a.equalTo(b)) return true;
  if (a.size !== b.size) return false;
  const declared = a instanceof JsonList ? a.declared : undefined;
  if (declared?.listType !== undefined) return sameUnordered(a, b, declared.listType === 'map' ? (declared.listKeys ?? []) : undefined);
  for (let position = 0; position < a.size; position += 1) if (!same(a.at(position), b.at(position))) return false;
  return true;
}

/** Schema lists of type set and map have no order. */
function sameUnordered(a: CelList, b: CelList, keys: readonly string[] | undefined): boolean {
  const rest = [...b];
  for (const element of a) {
    const found = rest.findIndex((other) => {
      spend(1);
      return (keys === undefined || sameElement(element, other, keys)) && same(element, other);
    });
    if (found < 0) return false;
    rest.splice(found, 1);
  }
  return true;
}

function sameMaps(a: CelMap, b: CelMap): boolean {
  if (a.equalTo(b)) return true;
  if (a instanceof JsonMap && b instanceof JsonMap && (a.declared?.kind === 'object') !== (b.declared?.kind === 'object')) return false;
  const keys = [...a.keys()];
  let others = b.size;
  if (b instanceof JsonMap && b.declared?.kind === 'object') others = [...b.keys()].length;
  if (keys.length !== others) return false;
  return keys.every((key) => {
    const right = b.get(key);
    const left = a.get(key);
    return left !== undefined && right !== undefined && !(left instanceof CelError) && same(left, right);
  });
}

/** Whether a list holds a value. */
export function contains(list: CelList, value: Value): boolean {
  for (let position = 0; position < list.size; position += 1) if (same(list.at(position), value)) return true;
  return false;
}
