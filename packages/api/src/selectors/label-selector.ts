import type { LabelSelector } from '../generated/types.ts';
import { badRequest } from '../errors/constructors.ts';
import { fieldErrorText, fieldInvalid } from '../errors/field-error.ts';
import { labelValueFaults, qualifiedNameFaults } from '../names.ts';

export type SelectorOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt' | 'Equals' | 'NotEquals';

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>> | undefined;

function matchesRequirement(requirement: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'Equals':
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotEquals':
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && compareIntegers(value, requirement.values[0]) > 0;
    case 'Lt':
      return value !== undefined && compareIntegers(value, requirement.values[0]) < 0;
  }
}

/** 0 when either is no integer, so that neither Gt nor Lt matches. */
function compareIntegers(left: string, right = ''): number {
  if (!/^[+-]?\d+$/.test(left) || !/^[+-]?\d+$/.test(right)) return 0;
  const difference = BigInt(left) - BigInt(right);
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

function requirementText({ key, operator, values }: Requirement): string {
  const sorted = [...values].sort();
  switch (operator) {
    case 'Equals':
      return `${key}=${values[0] ?? ''}`;
    case 'NotEquals':
      return `${key}!=${values[0] ?? ''}`;
    case 'In':
      return `${key} in (${sorted.join(',')})`;
    case 'NotIn':
      return `${key} notin (${sorted.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values[0] ?? ''}`;
    case 'Lt':
      return `${key}<${values[0] ?? ''}`;
  }
}

/** Requirements that all must hold. With none it matches everything, unless it is `nothing`. Immutable. */
export class Selector {
  readonly requirements: readonly Requirement[];
  /** Matches no labels at all. */
  readonly isNothing: boolean;

  constructor(requirements: readonly Requirement[], isNothing = false) {
    this.requirements = requirements;
    this.isNothing = isNothing;
  }

  get isEverything(): boolean {
    return !this.isNothing && this.requirements.length === 0;
  }

  matches(labels: Labels): boolean {
    if (this.isNothing) return false;
    for (const requirement of this.requirements) if (!matchesRequirement(requirement, labels)) return false;
    return true;
  }

  /** The one value that `key` must have, when the selector says so; for index look-ups. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find(
      (one) => one.key === key && (one.operator === 'Equals' || one.operator === 'In') && one.values.length === 1,
    );
    return found?.values[0];
  }

  /** The text form, requirements sorted by key. */
  toString(): string {
    return [...this.requirements]
      .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
      .map(requirementText)
      .join(',');
  }
}

export const everything = new Selector([]);
export const nothing = new Selector([], true);

/** The selector that wants exactly these labels, and any others. */
export function selectorOfLabels(labels: Labels): Selector {
  return new Selector(Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: 'Equals', values: [value] })));
}

const expressionOperators: Readonly<Record<string, SelectorOperator>> = {
  In: 'In',
  NotIn: 'NotIn',
  Exists: 'Exists',
  DoesNotExist: 'DoesNotExist',
};

/** Whether an expression of a LabelSelector object may use the operator. */
export function isSelectorOperator(operator: string): boolean {
  return Object.hasOwn(expressionOperators, operator);
}

/**
 * The matcher of a LabelSelector object: absent matches nothing, empty everything.
 * @throws StatusError BadRequest for an operator that is not one.
 */
export function selectorOf(object: LabelSelector | undefined | null): Selector {
  if (object === undefined || object === null) return nothing;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(object.matchLabels ?? {})) requirements.push({ key, operator: 'Equals', values: [value] });
  for (const { key, operator, values = [] } of object.matchExpressions ?? []) {
    const known = expressionOperators[operator];
    if (known === undefined) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push({ key, operator: known, values });
  }
  return requirements.length === 0 ? everything : new Selector(requirements);
}

const tokenPattern = /\s*(?:(!=|==|=|!|>|<|\(|\)|,)|([^\s!=><(),]+))/y;

interface Token {
  readonly text: string;
  readonly word: boolean;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text);
    if (match === null) break;
    found.push(match[1] === undefined ? { text: match[2] ?? '', word: true } : { text: match[1], word: false });
  }
  return found;
}

function refuse(why: string): never {
  throw badRequest(`unable to parse requirement: ${why}`);
}

class Parser {
  private at = 0;
  private readonly list: readonly Token[];

  constructor(text: string) {
    this.list = tokens(text);
  }

  private peek(): Token {
    return this.list[this.at] ?? { text: '', word: false };
  }

  private next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  parse(): Requirement[] {
    const found: Requirement[] = [];
    if (this.list.length === 0) return found;
    for (;;) {
      found.push(this.requirement());
      const after = this.next();
      if (after.text === '') return found;
      if (after.text !== ',' || after.word) refuse(`found '${after.text}', expected: ',' or 'end of string'`);
      const start = this.peek();
      if (!start.word && start.text !== '!') refuse(`found '${start.text}', expected: identifier after ','`);
    }
  }

  private requirement(): Requirement {
    const negated = this.peek().text === '!' && !this.peek().word;
    if (negated) this.next();
    const key = this.next();
    if (!key.word) refuse(`found '${key.text}', expected: identifier`);
    checkKey(key.text);
    if (negated) return { key: key.text, operator: 'DoesNotExist', values: [] };
    const after = this.peek();
    if (after.text === '' || (after.text === ',' && !after.word)) return { key: key.text, operator: 'Exists', values: [] };
    this.next();
    switch (after.text) {
      case '=':
      case '==':
        return { key: key.text, operator: 'Equals', values: [this.value(key.text)] };
      case '!=':
        return { key: key.text, operator: 'NotEquals', values: [this.value(key.text)] };
      case 'in':
        return { key: key.text, operator: 'In', values: this.values(key.text) };
      case 'notin':
        return { key: key.text, operator: 'NotIn', values: this.values(key.text) };
      case '>':
      case '<': {
        const value = this.value(key.text);
        if (!/^[+-]?\d+$/.test(value))
          refuse(`values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
        return { key: key.text, operator: after.text === '>' ? 'Gt' : 'Lt', values: [value] };
      }
      default:
        return refuse(`found '${after.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  private value(key: string): string {
    if (!this.peek().word) return '';
    const { text } = this.next();
    checkValue(key, text, 0);
    return text;
  }

  private values(key: string): string[] {
    const open = this.next();
    if (open.text !== '(') refuse(`found '${open.text}' expected: '('`);
    const found: string[] = [];
    for (;;) {
      const token = this.next();
      if (token.word) {
        checkValue(key, token.text, found.length);
        found.push(token.text);
        const after = this.next();
        if (after.text === ')') break;
        if (after.text !== ',') refuse(`found '${after.text}', expected: ',' or ')'`);
        if (this.peek().text === ')') found.push('');
      } else if (token.text === ',') found.push('');
      else if (token.text === ')') {
        if (found.length === 0) found.push('');
        break;
      } else refuse(`found '${token.text}', expected: ',', ')' or identifier`);
    }
    return [...new Set(found)];
  }
}

function checkKey(key: string): void {
  const faults = qualifiedNameFaults(key);
  if (faults.length > 0) refuse(fieldErrorText(fieldInvalid('key', key, faults.join('; '))));
}

function checkValue(key: string, value: string, position: number): void {
  const faults = labelValueFaults(value);
  if (faults.length > 0) refuse(fieldErrorText(fieldInvalid(`values[${position.toString()}][${key}]`, value, faults.join('; '))));
}

/**
 * Parses the text form: `a=b,c!=d,e in (f,g),h,!i,j>3`. Empty text matches everything.
 * @throws StatusError BadRequest with Kubernetes' text.
 */
export function parseLabelSelector(text: string): Selector {
  const requirements = new Parser(text).parse();
  return requirements.length === 0 ? everything : new Selector(requirements);
}
