import type { FieldError, FieldPath } from '@bayplan/api';
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '@bayplan/api';
import { CelOptional } from '../values/value.ts';
import { fromJson } from '../values/json.ts';
import { dynType } from '../types/types.ts';
import type { Bindings } from '../eval/frame.ts';
import type { Program } from '../program.ts';
import type { CompiledRule } from './compile-rules.ts';
import type { ValidationRule } from './json-schema.ts';

/** Most bytes of a message that an expression makes. */
export const maxMessageBytes = 5 * 1024;

/** What a run adds to. */
export interface Outcome {
  readonly errors: FieldError[];
  readonly warnings: string[];
  remaining: number;
}

interface Place {
  readonly path: FieldPath | undefined;
  readonly value: unknown;
  readonly old: unknown;
}

/** The root of an object has no path; Kubernetes prints it so. */
const shownPath = (path: FieldPath | undefined): string => path?.toString() ?? '<nil>';
const shownRule = (rule: ValidationRule): string => ((rule.message ?? '') === '' ? (rule.rule ?? '') : (rule.message ?? '')).trim();
const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** Runs the rules of one schema over one value. */
export function runRules(
  rules: readonly CompiledRule[],
  schemaTypeName: string,
  place: Place,
  outcome: Outcome,
  add: (error: FieldError, ratchetable: boolean) => void,
): void {
  const at = shownPath(place.path);
  const fail = (detail: string): void => {
    outcome.errors.push(fieldInvalid(at, schemaTypeName, detail));
  };
  if (outcome.remaining <= 0) {
    fail(outOfBudget);
    outcome.remaining = -1;
    return;
  }
  for (const compiled of rules) {
    if (compiled.error !== undefined) {
      fail(`rule compile error: ${compiled.error}`);
      continue;
    }
    const optional = compiled.rule.optionalOldSelf === true;
    if (compiled.program === undefined || (compiled.usesOldSelf && place.old === undefined && !optional)) continue;
    const bindings = bindingsOf(compiled, place, optional);
    const result = compiled.program.evaluate(bindings);
    if (result.cost > outcome.remaining) {
      fail(outOfBudget);
      outcome.remaining = -1;
      return;
    }
    outcome.remaining -= result.cost;
    if (!result.ok) {
      if (result.exceeded) {
        fail(
          `'${result.error}': no further validation rules will be run due to call cost exceeds limit for rule: ${shownRule(compiled.rule)}`,
        );
        outcome.remaining = -1;
        return;
      }
      if (result.error.startsWith('no such overload')) {
        fail(
          `'${result.error}': call arguments did not match a supported operator, function or macro signature for rule: ${shownRule(compiled.rule)}`,
        );
      } else fail(`${result.error} evaluating rule: ${shownRule(compiled.rule)}`);
      continue;
    }
    if (result.value === true) continue;
    const message = messageOf(compiled, bindings, outcome);
    const field = compiled.fieldPath === '' ? at : joined(place.path, compiled.fieldPath);
    if (message.fatal) {
      add(fieldInvalid(field, schemaTypeName, message.text), !compiled.usesOldSelf);
      outcome.remaining = -1;
      return;
    }
    add(errorFor(compiled.rule.reason, field, shownValue(place.value, schemaTypeName), message.text), !compiled.usesOldSelf);
  }
}

function bindingsOf(compiled: CompiledRule, place: Place, optional: boolean): Bindings {
  if (!compiled.usesOldSelf) return { self: place.value };
  if (!optional) return { self: place.value, oldSelf: place.old };
  const type = compiled.program === undefined ? dynType : (compiled.program.typeOfVariable('self') ?? dynType);
  return { self: place.value, oldSelf: place.old === undefined ? CelOptional.none : new CelOptional(fromJson(place.old, type)) };
}

function joined(path: FieldPath | undefined, below: string): string {
  if (path === undefined) return below;
  return below.startsWith('[') ? `${path.toString()}${below}` : `${path.toString()}.${below}`;
}

/** Values of lists and objects are left out of messages. */
function shownValue(value: unknown, schemaTypeName: string): { readonly shown: boolean; readonly value: unknown } {
  return { shown: schemaTypeName !== 'object' && schemaTypeName !== 'array', value };
}

function errorFor(reason: string | undefined, field: string, value: { shown: boolean; value: unknown }, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return fieldForbidden(field, detail);
    case 'FieldValueRequired':
      return fieldRequired(field, detail);
    case 'FieldValueDuplicate':
      return value.shown ? fieldDuplicate(field, value.value) : { type: 'FieldValueDuplicate', field, body: 'Duplicate value' };
    default:
      return value.shown
        ? fieldInvalid(field, value.value, detail)
        : { type: 'FieldValueInvalid', field, body: `Invalid value: ${detail}` };
  }
}

interface Message {
  readonly text: string;
  /** The budget is gone: nothing more is run. */
  readonly fatal: boolean;
}

function messageOf(compiled: CompiledRule, bindings: Bindings, outcome: Outcome): Message {
  const { rule } = compiled;
  const said = (rule.message ?? '') === '' ? `failed rule: ${shownRule(rule)}` : (rule.message ?? '').trim();
  if (compiled.message === undefined) return { text: said, fatal: false };
  const made = evaluateMessage(compiled.message, bindings, outcome.remaining);
  outcome.remaining -= made.cost;
  if (made.fatal !== undefined) return { text: made.fatal, fatal: true };
  return { text: made.text ?? said, fatal: false };
}

/** Runs a message expression. `text` is undefined when it failed or made no usable message: the caller has another. */
export function evaluateMessage(program: Program, bindings: Bindings, remaining: number): { text?: string; fatal?: string; cost: number } {
  const result = program.evaluate(bindings);
  const { cost } = result;
  if (cost > remaining) {
    return {
      fatal: 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run',
      cost,
    };
  }
  if (!result.ok) {
    if (!result.exceeded) return { cost };
    return {
      fatal: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(program.source)}`,
      cost,
    };
  }
  const text = typeof result.value === 'string' ? result.value.trim() : '';
  if (text === '' || text.includes('\n') || Buffer.byteLength(text) > maxMessageBytes) return { cost };
  return { text, cost };
}
