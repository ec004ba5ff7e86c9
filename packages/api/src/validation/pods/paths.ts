import { fieldInvalid } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Faults } from '../faults.ts';

/** A path may not climb out of where it starts. */
export function checkNoBacksteps(value: string, path: FieldPath, faults: Faults): void {
  if (value.includes('..') && value.split('/').includes('..')) faults.push(fieldInvalid(path, value, "must not contain '..'"));
}

/** A path inside a volume. */
export function checkInnerPath(value: string, path: FieldPath, faults: Faults): void {
  if (value.startsWith('/')) faults.push(fieldInvalid(path, value, 'must be a relative path'));
  checkNoBacksteps(value, path, faults);
}

/** A path of a file that a volume makes: names that start with two dots are kept for swapping versions. */
export function checkFilePath(value: string, path: FieldPath, faults: Faults): void {
  checkInnerPath(value, path, faults);
  if (value.startsWith('..') && !value.startsWith('../')) faults.push(fieldInvalid(path, value, "must not start with '..'"));
}

export function checkFileMode(mode: number | undefined, path: FieldPath, faults: Faults): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    faults.push(fieldInvalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'));
  }
}
