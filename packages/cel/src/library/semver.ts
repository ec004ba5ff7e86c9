import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { scan } from '../cost/call-costs.ts';
import { boolType, intType, objectType, stringType } from '../types/types.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelObject } from '../values/value.ts';

export const semverType = objectType('kubernetes.Semver', {});

/** A version of semver.org 2.0.0; build metadata has no part in its order. */
class CelSemver extends CelObject {
  readonly type = semverType;
  readonly numbers: readonly bigint[];
  readonly labels: readonly string[];

  constructor(numbers: readonly bigint[], labels: readonly string[]) {
    super();
    this.numbers = numbers;
    this.labels = labels;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelSemver && compare(this, other) === 0n;
  }
}

const identifier = '(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)';
const pattern = new RegExp(
  `^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);
const maxLength = 1024;

/** Drops a leading `v` and zeros, adds missing numbers. */
function normalized(text: string): string {
  const parts = text.replace(/^v/, '').split('.');
  const three = parts.length > 3 ? [parts[0] ?? '', parts[1] ?? '', parts.slice(2).join('.')] : parts;
  const plain = three.map((part) => part.replace(/^0+(?=[0-9])/, ''));
  if (plain.length < 3) {
    const last = plain.at(-1) ?? '';
    if (/[+-]/.test(last)) return text;
    while (plain.length < 3) plain.push('0');
  }
  return plain.join('.');
}

function parse(text: Value, normalize: Value = false): CelSemver | CelError {
  const source = normalize === true ? normalized(text as string) : (text as string);
  const match = source.length > maxLength ? null : pattern.exec(source);
  if (match === null) return new CelError(`No Major.Minor.Patch elements found`);
  return new CelSemver(
    [match[1], match[2], match[3]].map((part) => BigInt(part ?? '0')),
    match[4]?.split('.') ?? [],
  );
}

function compareLabels(a: string, b: string): number {
  const numbers = [a, b].map((label) => (/^[0-9]+$/.test(label) ? BigInt(label) : undefined));
  const [left, right] = numbers;
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0;
  if (left !== undefined) return -1;
  if (right !== undefined) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: CelSemver, b: CelSemver): bigint {
  for (let at = 0; at < 3; at += 1) {
    const [left = 0n, right = 0n] = [a.numbers[at], b.numbers[at]];
    if (left !== right) return left < right ? -1n : 1n;
  }
  if (a.labels.length === 0 || b.labels.length === 0) return BigInt(Math.sign(b.labels.length - a.labels.length));
  for (let at = 0; at < Math.min(a.labels.length, b.labels.length); at += 1) {
    const order = compareLabels(a.labels[at] ?? '', b.labels[at] ?? '');
    if (order !== 0) return BigInt(order);
  }
  return BigInt(Math.sign(a.labels.length - b.labels.length));
}

const ordered = (a: Value, b: Value): bigint => compare(a as CelSemver, b as CelSemver);
const number =
  (at: number): ((value: Value) => EvalValue) =>
  (value) =>
    (value as CelSemver).numbers[at] ?? 0n;
const v = semverType;
const isSemver = (text: Value, normalize?: Value): EvalValue => !(parse(text, normalize) instanceof CelError);

/** Semantic versions. */
export const semverFunctions: readonly FunctionDeclaration[] = [
  declare(
    'semver',
    global('string_to_semver', [stringType], v, parse, scan(0)),
    global('string_bool_to_semver', [stringType, boolType], v, parse, scan(0)),
  ),
  declare(
    'isSemver',
    global('is_semver_string', [stringType], boolType, isSemver, scan(0)),
    global('is_semver_string_bool', [stringType, boolType], boolType, isSemver, scan(0)),
  ),
  declare(
    'isGreaterThan',
    member('semver_is_greater_than', [v, v], boolType, (a, b) => ordered(a, b) > 0n),
  ),
  declare(
    'isLessThan',
    member('semver_is_less_than', [v, v], boolType, (a, b) => ordered(a, b) < 0n),
  ),
  declare('compareTo', member('semver_compare_to', [v, v], intType, ordered)),
  declare('major', member('semver_major', [v], intType, number(0))),
  declare('minor', member('semver_minor', [v], intType, number(1))),
  declare('patch', member('semver_patch', [v], intType, number(2))),
];
