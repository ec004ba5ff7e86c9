import type { FieldError, FieldPath } from '@bayplan/api';
import { fieldForbidden, fieldInternalError, fieldInvalid, fieldNotSupported, fieldRequired } from '@bayplan/api';
import { unbounded } from '../cost/estimates.ts';
import type { CelType } from '../types/types.ts';
import { compileOwnRules, maxCardinality } from './compile-rules.ts';
import { escapeName } from './escape.ts';
import { resolveFieldPath } from './field-path.ts';
import type { CelSchema, ValidationRule } from './json-schema.ts';
import { valuesOf } from './json-schema.ts';
import { schemaType } from './schema-type.ts';

/** Most that one rule may be estimated to cost over a whole object. */
export const ruleCostLimit = 10_000_000;
/** Most that all rules of a schema may be estimated to cost. */
export const schemaCostLimit = 100_000_000;

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const rulesField = 'x-kubernetes-validations';
const lineBreak = /[\n\r]/;

/** `estimated rule cost exceeds budget by factor of 2.3x (...)` */
export function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

interface Context {
  readonly schema: CelSchema;
  readonly path: FieldPath;
  /** Undefined where expressions cannot reach. */
  readonly type: CelType | undefined;
  /** How often data of this schema can be in one object; undefined when nothing bounds it. */
  readonly cardinality: number | undefined;
  /** Path of the list or map above whose old elements cannot be found; `oldSelf` means nothing below. */
  readonly uncorrelatable: string | undefined;
}

class RuleChecker {
  readonly shape: FieldError[] = [];
  readonly rules: FieldError[] = [];
  readonly costs: { path: FieldPath; cost: number }[] = [];
  total = 0;

  visit(context: Context): void {
    const { schema, path } = context;
    for (const child of childrenOf(context)) this.visit(child);
    const own = schema[rulesField] ?? [];
    const faults = own.flatMap((rule, position) => shapeFaults(rule, schema, path.child(rulesField).index(position)));
    this.shape.push(...faults);
    if (faults.length > 0 || this.shape.length > 0 || own.length === 0) return;
    if (context.type === undefined) {
      this.rules.push(
        fieldInternalError(path.child(rulesField), 'internal error: failed to retrieve type information for x-kubernetes-validations'),
      );
      return;
    }
    const cardinality = context.cardinality ?? maxCardinality(context.type);
    compileOwnRules(schema, context.type).forEach((compiled, position) => {
      const at = path.child(rulesField).index(position);
      this.observe(at.child('rule'), 'estimated rule cost', Math.min(unbounded, compiled.maxCost * cardinality));
      if (compiled.error !== undefined) this.rules.push(fieldInvalid(at.child('rule'), shownRule(compiled.rule), compiled.error));
      if (compiled.messageError !== undefined)
        this.rules.push(fieldInvalid(at.child('messageExpression'), shownRule(compiled.rule), compiled.messageError));
      else if (compiled.message !== undefined)
        this.observe(at.child('messageExpression'), 'estimated messageExpression cost', compiled.messageMaxCost);
      if (compiled.usesOldSelf && context.uncorrelatable !== undefined) {
        const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${context.uncorrelatable}`;
        this.rules.push(fieldInvalid(at.child('rule'), compiled.rule.rule, why));
      } else if (!compiled.usesOldSelf && compiled.rule.optionalOldSelf !== undefined) {
        this.rules.push(
          fieldInvalid(at.child('optionalOldSelf'), compiled.rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
        );
      }
    });
  }

  private observe(path: FieldPath, what: string, cost: number): void {
    if (cost > ruleCostLimit) this.rules.push(fieldForbidden(path, costText(what, cost, ruleCostLimit)));
    this.total = Math.min(unbounded, this.total + cost);
    if (cost >= schemaCostLimit / 100) this.costs.push({ path, cost });
  }
}

/** A rule as messages show it: all its fields, as the object in memory is printed. */
function shownRule(rule: ValidationRule): unknown {
  return {
    rule: rule.rule ?? '',
    message: rule.message ?? '',
    messageExpression: rule.messageExpression ?? '',
    ...(rule.reason === undefined ? {} : { reason: rule.reason }),
    ...(rule.fieldPath === undefined ? {} : { fieldPath: rule.fieldPath }),
    ...(rule.optionalOldSelf === undefined ? {} : { optionalOldSelf: rule.optionalOldSelf }),
  };
}

function shapeFaults(rule: ValidationRule, schema: CelSchema, at: FieldPath): FieldError[] {
  const faults: FieldError[] = [];
  const { message, messageExpression, reason, fieldPath } = rule;
  const text = (rule.rule ?? '').trim();
  const said = (message ?? '').trim();
  if (text === '') faults.push(fieldRequired(at.child('rule'), 'rule is not specified'));
  else if (message !== undefined && message !== '' && said === '')
    faults.push(fieldInvalid(at.child('message'), message, 'must be non-empty if specified'));
  else if (lineBreak.test(said)) faults.push(fieldInvalid(at.child('message'), message, 'must not contain line breaks'));
  else if (lineBreak.test(text) && said === '')
    faults.push(fieldRequired(at.child('message'), 'message must be specified if rule contains line breaks'));
  if (messageExpression !== undefined && messageExpression !== '' && messageExpression.trim() === '') {
    faults.push(fieldRequired(at.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason)) faults.push(fieldNotSupported(at.child('reason'), reason, reasons));
  if (fieldPath === undefined || fieldPath === '') return faults;
  if (fieldPath.trim() === '') faults.push(fieldInvalid(at.child('fieldPath'), fieldPath, 'must be non-empty if specified'));
  if (lineBreak.test(fieldPath)) faults.push(fieldInvalid(at.child('fieldPath'), fieldPath, 'must not contain line breaks'));
  if (resolveFieldPath(fieldPath, schema) === undefined)
    faults.push(fieldInvalid(at.child('fieldPath'), fieldPath, 'must be a valid path'));
  return faults;
}

/** By how much a schema multiplies what is below it; undefined when nothing bounds that. */
function multiplier(schema: CelSchema): number | undefined {
  if (schema.type === 'array') return schema.maxItems === undefined ? undefined : Math.max(0, schema.maxItems);
  if (schema.type !== 'object' || schema.additionalProperties === undefined) return 1;
  return schema.maxProperties === undefined ? undefined : Math.max(0, schema.maxProperties);
}

function* childrenOf(context: Context): Iterable<Context> {
  const { schema, path, type } = context;
  const factor = multiplier(schema);
  const cardinality = factor === undefined || context.cardinality === undefined ? undefined : factor * context.cardinality;
  const below = (child: CelSchema, at: FieldPath, childType: CelType | undefined, lost: boolean): Context => ({
    schema: child,
    path: at,
    type: childType ?? schemaType(child, child['x-kubernetes-embedded-resource'] === true),
    cardinality,
    uncorrelatable: context.uncorrelatable ?? (lost ? path.toString() : undefined),
  });
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(name);
    const field = type?.kind === 'object' && escaped !== undefined ? type.field(escaped)?.type : undefined;
    yield below(property, path.child('properties').key(name), field, false);
  }
  const values = valuesOf(schema);
  if (values !== undefined) yield below(values, path.child('additionalProperties'), type?.kind === 'map' ? type.value : undefined, false);
  if (schema.items !== undefined) {
    const element = type?.kind === 'list' ? type.element : undefined;
    yield below(schema.items, path.child('items'), element, schema['x-kubernetes-list-type'] !== 'map');
  }
  for (const [position, part] of (schema.allOf ?? []).entries()) yield* branch(context, part, path.child('allOf').index(position));
}

/** Rules may stand in `allOf` too; types are those of the schema around it. */
function* branch(context: Context, part: CelSchema, path: FieldPath): Iterable<Context> {
  const rules = part['x-kubernetes-validations'];
  if (rules === undefined) return;
  const { type } = context.schema;
  yield { ...context, path, schema: { ...(type === undefined ? {} : { type }), 'x-kubernetes-validations': rules } };
}

/**
 * Every fault of the `x-kubernetes-validations` of a CustomResourceDefinition's schema, with Kubernetes' texts: rules
 * that do not compile, cost too much or have bad messages, reasons or paths. The schema must be structural; `path`
 * leads to it. Empty when all is well.
 */
export function checkSchemaRules(schema: CelSchema, path: FieldPath, resourceRoot = true): FieldError[] {
  const checker = new RuleChecker();
  checker.visit({ schema, path, type: schemaType(schema, resourceRoot, 'self'), cardinality: 1, uncorrelatable: undefined });
  const errors = [...checker.shape, ...checker.rules];
  if (checker.total > schemaCostLimit) {
    const most = checker.costs.toSorted((a, b) => b.cost - a.cost).slice(0, 4);
    const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    errors.push(...most.map((one) => fieldForbidden(one.path, why)));
    errors.push(
      fieldForbidden(
        path,
        costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', checker.total, schemaCostLimit),
      ),
    );
  }
  return errors;
}
