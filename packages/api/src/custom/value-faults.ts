import type { FieldError } from '../errors/field-error.ts';
import { fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong, fieldTooMany, fieldTypeInvalid } from '../errors/field-error.ts';

/** The path of the whole object, as Kubernetes prints the absence of a path. */
const noPath = '<nil>';

/** Where a fault is: the place in messages (empty for the object itself) and under the object's own path. */
export function fieldAt(path: string): string {
  const trimmed = path.startsWith('.') ? path.slice(1) : path;
  return trimmed === '' ? noPath : trimmed;
}

/** Absent values are printed as a text. */
const shownValue = (value: unknown): unknown => value ?? 'null';

export function typeFault(path: string, wanted: string, found: string): FieldError {
  return fieldTypeInvalid(fieldAt(path), found, `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`);
}

export function requiredFault(path: string): FieldError {
  return fieldRequired(fieldAt(path));
}

export function enumFault(path: string, value: unknown, allowed: readonly unknown[]): FieldError {
  const texts = allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  return fieldNotSupported(fieldAt(path), shownValue(value), texts);
}

export function tooLongFault(path: string, max: number): FieldError {
  return fieldTooLong(fieldAt(path), max);
}

export function tooManyFault(path: string, actual: number, max: number): FieldError {
  return fieldTooMany(fieldAt(path), actual, max);
}

/** A fault of one value in a sentence that goes on after `PATH in body`. */
export function bodyFault(path: string, value: unknown, text: string): FieldError {
  return fieldInvalid(fieldAt(path), value, `${path} in body ${text}`);
}

/** A fault that Kubernetes reports without a path, its place being part of the text. */
export function wholeFault(text: string): FieldError {
  return fieldInvalid(noPath, '', text);
}

/** The name of a JSON value's type in schemas. */
export function typeOfValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
