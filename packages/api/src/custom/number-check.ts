import type { FieldError } from '../errors/field-error.ts';
import type { JSONSchemaProps } from '../generated/types.ts';
import { bodyFault, wholeFault } from './value-faults.ts';

const maxInt32 = 2 ** 31 - 1;
const maxFloat32 = 3.4028234663852886e38;

/** Bounds, multiples and the range of its format of a number. */
export function checkNumber(schema: JSONSchemaProps, value: number, path: string, faults: FieldError[]): void {
  if (!inRange(schema, value)) {
    const format = formatOf(schema);
    const how = format === '' ? '(default format)' : `with format ${format}`;
    faults.push(wholeFault(`Checked value must be of type ${schema.type ?? ''} ${how} in ${path}`));
  }
  const { multipleOf, minimum, maximum } = schema;
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    faults.push(bodyFault(path, value, `should be a multiple of ${multipleOf.toString()}`));
  }
  if (minimum !== undefined) {
    const exclusive = schema.exclusiveMinimum === true;
    if (exclusive ? value <= minimum : value < minimum)
      faults.push(bodyFault(path, value, `should be greater than ${exclusive ? '' : 'or equal to '}${minimum.toString()}`));
  }
  if (maximum !== undefined) {
    const exclusive = schema.exclusiveMaximum === true;
    if (exclusive ? value >= maximum : value > maximum)
      faults.push(bodyFault(path, value, `should be less than ${exclusive ? '' : 'or equal to '}${maximum.toString()}`));
  }
}

/** The format, if it is one of the type's. */
function formatOf({ type, format = '' }: JSONSchemaProps): string {
  if (type === 'integer') return format === 'int32' || format === 'int64' ? format : '';
  return type === 'number' && (format === 'float' || format === 'double') ? format : '';
}

function inRange(schema: JSONSchemaProps, value: number): boolean {
  const format = formatOf(schema);
  if (format === 'int32') return value >= -maxInt32 - 1 && value <= maxInt32;
  if (format === 'float') return Math.abs(value) <= maxFloat32;
  return schema.type !== 'integer' || Math.abs(value) <= 2 ** 63;
}

function isMultiple(value: number, factor: number): boolean {
  if (factor <= 0) return false;
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  // Binary fractions miss decimal ones by a hair.
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}
