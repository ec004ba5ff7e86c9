import type { FieldPath } from './field-path.ts';

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooShort'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One fault of one field. `body` is the text without the field's name, `PATH: body` the whole. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly body: string;
}

type Where = FieldPath | string;

/** A bad value as Kubernetes prints it: strings quoted, everything else as JSON. */
function shown(value: unknown): string {
  if (value === undefined) return 'null';
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function make(type: FieldErrorType, field: Where, title: string, detail: string): FieldError {
  return { type, field: field.toString(), body: detail === '' ? title : `${title}: ${detail}` };
}

function plural(count: number, one: string): string {
  return `${count.toString()} ${one}${count === 1 ? '' : 's'}`;
}

export function fieldRequired(field: Where, detail = ''): FieldError {
  return make('FieldValueRequired', field, 'Required value', detail);
}

export function fieldInvalid(field: Where, value: unknown, detail: string): FieldError {
  return make('FieldValueInvalid', field, `Invalid value: ${shown(value)}`, detail);
}

export function fieldTypeInvalid(field: Where, value: unknown, detail: string): FieldError {
  return make('FieldValueTypeInvalid', field, `Invalid value: ${shown(value)}`, detail);
}

/** `supported` is printed in the order given; Kubernetes sorts most of its lists. */
export function fieldNotSupported(field: Where, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? '' : `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`;
  return make('FieldValueNotSupported', field, `Unsupported value: ${shown(value)}`, detail);
}

export function fieldForbidden(field: Where, detail: string): FieldError {
  return make('FieldValueForbidden', field, 'Forbidden', detail);
}

export function fieldDuplicate(field: Where, value: unknown): FieldError {
  return make('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}`, '');
}

export function fieldNotFound(field: Where, value: unknown): FieldError {
  return make('FieldValueNotFound', field, `Not found: ${shown(value)}`, '');
}

/** `maxBytes` counts UTF-8 bytes. */
export function fieldTooLong(field: Where, maxBytes: number): FieldError {
  return make('FieldValueTooLong', field, 'Too long', `may not be more than ${plural(maxBytes, 'byte')}`);
}

/** `minCharacters` counts characters. */
export function fieldTooShort(field: Where, minCharacters: number): FieldError {
  return make('FieldValueTooShort', field, 'Too short', `must be at least ${plural(minCharacters, 'character')}`);
}

export function fieldTooMany(field: Where, actual: number, max: number): FieldError {
  return make('FieldValueTooMany', field, `Too many: ${actual.toString()}`, `must have at most ${plural(max, 'item')}`);
}

export function fieldTooFew(field: Where, actual: number, min: number): FieldError {
  return make('FieldValueTooFew', field, `Too few: ${actual.toString()}`, `must have at least ${plural(min, 'item')}`);
}

export function fieldInternalError(field: Where, detail: string): FieldError {
  return make('InternalError', field, 'Internal error', detail);
}

/** The whole text of one fault. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${error.body}`;
}

/** All faults in one text: alone as it is, several once each in brackets. */
export function fieldErrorsText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
