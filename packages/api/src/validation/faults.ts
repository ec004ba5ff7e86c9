import type { FieldError } from '../errors/field-error.ts';
import { fieldInvalid, fieldNotSupported, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import { sameJson } from '../patch/json-value.ts';

/** Where validators put what they find, in the order in which they find it. */
export type Faults = FieldError[];

export const immutableFault = 'field is immutable';
export const atLeastZero = 'must be greater than or equal to 0';
export const aboveZero = 'must be greater than 0';

/** One fault for each text of a syntax check. */
export function checkSyntax(value: string, syntax: (value: string) => string[], path: FieldPath, faults: Faults): void {
  for (const fault of syntax(value)) faults.push(fieldInvalid(path, value, fault));
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

/** The object without some members, to compare the rest. */
export function omit(object: object | undefined, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([name, value]) => value !== undefined && !names.includes(name)));
}
