import type { FieldError } from '../errors/field-error.ts';
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import { sameJson } from '../patch/json-value.ts';

/** Where validators put what they find, in the order in which they find it. */
export type Faults = FieldError[];

export const immutableFault = 'field is immutable';
export const atLeastZero = 'must be greater than or equal to 0';
export const aboveZero = 'must be greater than 0';
export const greaterThanZero = 'must be greater than zero';
export const maxInt32 = 2_147_483_647;

/** A list that may be absent, or null as a decoded required list is. */
export type MaybeList<T> = readonly T[] | null | undefined;

/** Calls `visit` with each item and its path. */
export function eachOf<T>(list: MaybeList<T>, path: FieldPath, visit: (item: T, path: FieldPath, index: number) => void): void {
  if (!list) return;
  for (let index = 0; index < list.length; index++) visit(list[index] as T, path.index(index), index);
}

/** One fault for each text of a syntax check. */
export function checkSyntax(value: string, syntax: (value: string) => string[], path: FieldPath, faults: Faults): void {
  for (const fault of syntax(value)) faults.push(fieldInvalid(path, value, fault));
}

/** The syntax of a text that may be absent or empty. */
export function checkOptional(value: string | undefined, syntax: (value: string) => string[], path: FieldPath, faults: Faults): void {
  if (value !== undefined && value !== '') checkSyntax(value, syntax, path, faults);
}

/** A text that must be there and of a certain syntax. */
export function checkRequired(
  value: string | undefined,
  syntax: ((value: string) => string[]) | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  if (value === undefined || value === '') faults.push(fieldRequired(path));
  else if (syntax !== undefined) checkSyntax(value, syntax, path, faults);
}

/** A value of a closed set; absence is a fault only when `required`. */
export function checkOneOf(value: string | undefined, allowed: readonly string[], path: FieldPath, faults: Faults, required = false): void {
  if (value === undefined || value === '') {
    if (required) faults.push(fieldRequired(path));
  } else if (!allowed.includes(value)) faults.push(fieldNotSupported(path, value, allowed));
}

/** Like `checkOneOf`, but an empty text is a value that is not in the set. */
export function checkMember(value: string | undefined, allowed: readonly string[], path: FieldPath, faults: Faults): void {
  if (value !== undefined && !allowed.includes(value)) faults.push(fieldNotSupported(path, value, allowed));
}

/** Reports every value that was seen before. Answers whether this one was. */
export function checkUnique<T>(value: T, seen: Set<T>, path: FieldPath, faults: Faults): boolean {
  if (seen.has(value)) {
    faults.push(fieldDuplicate(path, value));
    return false;
  }
  seen.add(value);
  return true;
}

export function checkNotNegative(value: number | undefined, path: FieldPath, faults: Faults): void {
  if (value !== undefined && value < 0) faults.push(fieldInvalid(path, value, atLeastZero));
}

export function checkPositive(value: number | undefined, path: FieldPath, faults: Faults): void {
  if (value !== undefined && value <= 0) faults.push(fieldInvalid(path, value, aboveZero));
}

export function checkRange(value: number | undefined, min: number, max: number, path: FieldPath, faults: Faults): void {
  if (value !== undefined && (value < min || value > max)) {
    faults.push(fieldInvalid(path, value, `must be between ${min.toString()} and ${max.toString()}, inclusive`));
  }
}

export function checkImmutable(next: unknown, old: unknown, path: FieldPath, faults: Faults): void {
  if (!sameJson(next, old)) faults.push(fieldInvalid(path, next ?? null, immutableFault));
}

const percent = /^[0-9]+%$/;
const percentFault =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A count or a percentage, not negative. */
export function checkCountOrPercent(value: number | string | undefined, path: FieldPath, faults: Faults): void {
  if (typeof value === 'number') checkNotNegative(value, path, faults);
  else if (value !== undefined && !percent.test(value)) faults.push(fieldInvalid(path, value, percentFault));
}

/** Percentages of a whole cannot exceed it. */
export function checkAtMostWhole(value: number | string | undefined, path: FieldPath, faults: Faults): void {
  if (typeof value === 'string' && percent.test(value) && Number(value.slice(0, -1)) > 100) {
    faults.push(fieldInvalid(path, value, 'must not be greater than 100%'));
  }
}

/** Whether a count or percentage comes to nothing; what is no percentage counts as nothing. */
export function isNone(value: number | string | undefined): boolean {
  if (typeof value === 'number') return value === 0;
  return value === undefined || !percent.test(value) || Number.parseInt(value, 10) === 0;
}

/** The object without some members, to compare the rest. */
export function omit(object: object | undefined, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([name, value]) => value !== undefined && !names.includes(name)));
}
