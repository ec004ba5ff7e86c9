import { isQuantity, parseQuantity, Quantity } from '@bayplan/api';
import type { FunctionDeclaration, Overload } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { scan } from '../cost/call-costs.ts';
import { boolType, doubleType, intType, objectType, stringType } from '../types/types.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelObject } from '../values/value.ts';
import { maxInt, minInt } from './arithmetic.ts';

const unit = 1_000_000_000n;

export const quantityType = objectType('kubernetes.Quantity', {});

/** An amount such as `100Mi`. */
class CelQuantity extends CelObject {
  readonly type = quantityType;
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelQuantity && this.quantity.compare(other.quantity) === 0;
  }
}

/** More digits than any amount has. */
const maxLength = 256;

function parse(text: Value): EvalValue {
  if ((text as string).length > maxLength) return new CelError('quantity is too long');
  try {
    return new CelQuantity(parseQuantity(text as string));
  } catch (error) {
    return new CelError(error instanceof Error ? error.message : 'invalid quantity');
  }
}

const quantity = (value: Value): Quantity =>
  value instanceof CelQuantity ? value.quantity : new Quantity((value as bigint) * unit, 'DecimalSI');
const isInteger = (value: Value): boolean => {
  const { nanos } = quantity(value);
  return nanos % unit === 0n && nanos / unit <= maxInt && nanos / unit >= minInt;
};
const sign = (value: Value): EvalValue => BigInt(quantity(value).compare(new Quantity(0n, 'DecimalSI')));
const q = quantityType;

function binary(name: string, result: Overload['result'], run: (a: Quantity, b: Quantity) => EvalValue): Overload {
  return member(name, [q, q], result, (a, b) => run(quantity(a), quantity(b)));
}

function sum(name: string, id: string, run: (a: Quantity, b: Quantity) => Quantity): FunctionDeclaration {
  const add = (a: Value, b: Value): EvalValue => new CelQuantity(run(quantity(a), quantity(b)));
  return declare(name, member(id, [q, q], q, add), member(`${id}_int`, [q, intType], q, add));
}

/** Kubernetes quantities. */
export const quantityFunctions: readonly FunctionDeclaration[] = [
  declare('quantity', global('string_to_quantity', [stringType], q, parse, scan(0))),
  declare(
    'isQuantity',
    global('is_quantity_string', [stringType], boolType, (text) => (text as string).length <= maxLength && isQuantity(text), scan(0)),
  ),
  declare('sign', global('quantity_sign', [q], intType, sign), member('quantity_sign_member', [q], intType, sign)),
  declare(
    'isGreaterThan',
    binary('quantity_is_greater_than', boolType, (a, b) => a.compare(b) > 0),
  ),
  declare(
    'isLessThan',
    binary('quantity_is_less_than', boolType, (a, b) => a.compare(b) < 0),
  ),
  declare(
    'compareTo',
    binary('quantity_compare_to', intType, (a, b) => BigInt(a.compare(b))),
  ),
  declare(
    'asApproximateFloat',
    member('quantity_get_float', [q], doubleType, (value) => Number(quantity(value).nanos) / Number(unit)),
  ),
  declare(
    'asInteger',
    member('quantity_get_int', [q], intType, (value) =>
      isInteger(value) ? quantity(value).nanos / unit : new CelError('cannot convert value to integer'),
    ),
  ),
  declare('isInteger', member('quantity_is_integer', [q], boolType, isInteger)),
  sum('add', 'quantity_add', (a, b) => a.add(b)),
  sum('sub', 'quantity_sub', (a, b) => a.subtract(b)),
];
