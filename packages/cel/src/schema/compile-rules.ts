import type { Environment } from '../check/environment.ts';
import { baseEnvironment } from '../library/base.ts';
import type { Program } from '../program.ts';
import { compile } from '../program.ts';
import type { CelType } from '../types/types.ts';
import { optionalOf } from '../types/types.ts';
import { resolveFieldPath } from './field-path.ts';
import type { CelSchema, ValidationRule } from './json-schema.ts';
import { maxRequestBytes, minSizeOf } from './schema-type.ts';

/** One rule, compiled. `error` or `program` is set unless the rule is empty. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly error?: string;
  readonly message?: Program;
  readonly messageError?: string;
  readonly usesOldSelf: boolean;
  /** `rule.fieldPath` as a path below the object, `.a['b']` normalised to `a[b]`. */
  readonly fieldPath: string;
  /** Worst cost of one evaluation. */
  readonly maxCost: number;
  readonly messageMaxCost: number;
}

/** How often data of a type can be in one request at most. */
export function maxCardinality(type: CelType): number {
  return Math.floor(maxRequestBytes / (minSizeOf(type) + 1));
}

/** Compiles the rules of one schema, without those below it. `type` is the schema's. */
export function compileOwnRules(schema: CelSchema, type: CelType): CompiledRule[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return [];
  const plain = baseEnvironment().extend({ variables: { self: type, oldSelf: type } });
  const optional = baseEnvironment().extend({ variables: { self: type, oldSelf: optionalOf(type) } });
  return rules.map((rule) => compileRule(schema, rule, rule.optionalOldSelf === true ? optional : plain));
}

const empty = { usesOldSelf: false, fieldPath: '', maxCost: 0, messageMaxCost: 0 };

function compileRule(schema: CelSchema, rule: ValidationRule, environment: Environment): CompiledRule {
  if ((rule.rule ?? '').trim() === '') return { rule, ...empty };
  const compiled = compile(rule.rule ?? '', environment);
  if (!compiled.ok) return { rule, ...empty, error: `compilation failed: ${compiled.text}` };
  if (compiled.program.outputType.kind !== 'bool') return { rule, ...empty, error: 'cel expression must evaluate to a bool' };
  const base = {
    rule,
    program: compiled.program,
    usesOldSelf: compiled.program.variables.has('oldSelf'),
    fieldPath: rule.fieldPath === undefined || rule.fieldPath === '' ? '' : (resolveFieldPath(rule.fieldPath, schema) ?? ''),
    maxCost: compiled.program.estimateCost().max,
    messageMaxCost: 0,
  };
  if (rule.messageExpression === undefined || rule.messageExpression === '') return base;
  const message = compile(rule.messageExpression, environment);
  if (!message.ok) return { ...base, messageError: `messageExpression compilation failed: ${message.text}` };
  if (message.program.outputType.kind !== 'string') return { ...base, messageError: 'messageExpression must evaluate to a string' };
  return { ...base, message: message.program, messageMaxCost: message.program.estimateCost().max };
}
