import type { FieldError, FieldPath } from '@bayplan/api';
import { FieldPath as Path, fieldErrorText } from '@bayplan/api';
import type { CelType } from '../types/types.ts';
import type { CompiledRule } from './compile-rules.ts';
import { compileOwnRules } from './compile-rules.ts';
import { Correlated, ElementIndex, isObject } from './correlation.ts';
import { escapeName } from './escape.ts';
import type { CelSchema } from './json-schema.ts';
import { valuesOf } from './json-schema.ts';
import type { Outcome } from './run-rules.ts';
import { runRules } from './run-rules.ts';
import { schemaType } from './schema-type.ts';

/** Most that all rules of one object may cost together, about a second. */
export const objectCostBudget = 10_000_000;

export interface RulesResult {
  readonly errors: readonly FieldError[];
  /** What failed but did not change in this update, as texts of `Warning` headers. */
  readonly warnings: readonly string[];
  /** What is left of the budget; negative when it ran out. */
  readonly remaining: number;
}

/** Where a value stands relative to its old one, for ratcheting. */
interface Ratchet {
  readonly current: Correlated | undefined;
  readonly nearest: Correlated | undefined;
}

/** The compiled rules of a schema and of all below it. Immutable, shared by evaluations. */
export class SchemaRules {
  private readonly schema: CelSchema;
  private readonly type: CelType | undefined;
  private readonly rules: readonly CompiledRule[];
  private readonly properties = new Map<string, SchemaRules>();
  private readonly items: SchemaRules | undefined;
  private readonly values: SchemaRules | undefined;
  private readonly all: readonly SchemaRules[];

  /** `schema` gives the rules, `node` the structure; they differ inside `allOf`. */
  constructor(schema: CelSchema, node: CelSchema, type: CelType | undefined) {
    this.schema = node;
    this.type = type;
    this.rules =
      type === undefined ? [] : compileOwnRules({ ...node, 'x-kubernetes-validations': schema['x-kubernetes-validations'] ?? [] }, type);
    if (schema.items !== undefined && node.items !== undefined) {
      this.items = nonEmpty(new SchemaRules(schema.items, node.items, type?.kind === 'list' ? type.element : undefined));
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const below = node.properties?.[name];
      if (below === undefined) continue;
      const escaped = escapeName(name);
      const field = escaped !== undefined && type?.kind === 'object' ? type.field(escaped)?.type : undefined;
      const fieldType = field ?? (escaped === undefined ? schemaType(below, below['x-kubernetes-embedded-resource'] === true) : undefined);
      if (fieldType === undefined) continue;
      const rules = nonEmpty(new SchemaRules(property, below, fieldType));
      if (rules !== undefined) this.properties.set(name, rules);
    }
    const [values, nodeValues] = [valuesOf(schema), valuesOf(node)];
    if (values !== undefined && nodeValues !== undefined) {
      this.values = nonEmpty(new SchemaRules(values, nodeValues, type?.kind === 'map' ? type.value : undefined));
    }
    this.all = (schema.allOf ?? []).map((part) => nonEmpty(new SchemaRules(part, node, type))).filter((part) => part !== undefined);
  }

  get isEmpty(): boolean {
    const below = this.items === undefined && this.values === undefined && this.properties.size === 0 && this.all.length === 0;
    return below && this.rules.length === 0;
  }

  /**
   * Runs the rules over an object. `old` is the stored object of an update. Errors that did not change since become
   * warnings. Rules stop when `budget` is used up.
   */
  validate(object: unknown, old: unknown, options: { readonly path?: FieldPath; readonly budget?: number } = {}): RulesResult {
    const outcome: Outcome = { errors: [], warnings: [], remaining: options.budget ?? objectCostBudget };
    const current = old === undefined ? undefined : new Correlated(object, old, this.schema);
    this.visit(options.path, object, old, { current, nearest: undefined }, outcome);
    return outcome;
  }

  private visit(path: FieldPath | undefined, value: unknown, old: unknown, ratchet: Ratchet, outcome: Outcome): void {
    if (value === null || value === undefined) return;
    this.runOwn(path, value, old ?? undefined, ratchet, outcome);
    for (const part of this.all) {
      if (outcome.remaining < 0) return;
      part.visit(path, value, old, { current: undefined, nearest: ratchet.nearest }, outcome);
    }
    if (Array.isArray(value)) this.visitElements(path, value, old, ratchet, outcome);
    else if (isObject(value)) this.visitEntries(path, value, old, ratchet, outcome);
  }

  private runOwn(path: FieldPath | undefined, value: unknown, old: unknown, ratchet: Ratchet, outcome: Outcome): void {
    if (this.rules.length === 0 || this.type === undefined) return;
    const unchanged = (): boolean => (ratchet.current ?? ratchet.nearest)?.unchanged ?? false;
    const add = (error: FieldError, ratchetable: boolean): void => {
      if (ratchetable && unchanged()) outcome.warnings.push(fieldErrorText(error));
      else outcome.errors.push(error);
    };
    runRules(this.rules, this.schema.type ?? '', { path, value, old }, outcome, add);
  }

  private visitElements(path: FieldPath | undefined, value: readonly unknown[], old: unknown, ratchet: Ratchet, outcome: Outcome): void {
    if (this.items === undefined) return;
    const index = new ElementIndex(this.schema, old);
    for (const [position, element] of value.entries()) {
      if (outcome.remaining < 0) return;
      const next: Ratchet =
        ratchet.current === undefined ? ratchet : { current: ratchet.current.element(element), nearest: ratchet.current };
      const at = path === undefined ? Path.of(`[${position.toString()}]`) : path.index(position);
      this.items.visit(at, element, index.find(element), next, outcome);
    }
  }

  private visitEntries(
    path: FieldPath | undefined,
    value: Readonly<Record<string, unknown>>,
    old: unknown,
    ratchet: Ratchet,
    outcome: Outcome,
  ): void {
    const before = isObject(old) ? old : undefined;
    for (const [name, entry] of Object.entries(value)) {
      const below = this.properties.get(name) ?? this.values;
      if (below === undefined) continue;
      if (outcome.remaining < 0) return;
      const next: Ratchet = ratchet.current === undefined ? ratchet : { current: ratchet.current.key(name), nearest: ratchet.current };
      const isProperty = this.properties.has(name);
      const at = path === undefined ? Path.of(name) : isProperty ? path.child(name) : path.key(name);
      const oldEntry = before !== undefined && Object.hasOwn(before, name) ? before[name] : undefined;
      below.visit(at, entry, oldEntry, next, outcome);
    }
  }
}

function nonEmpty(rules: SchemaRules): SchemaRules | undefined {
  return rules.isEmpty ? undefined : rules;
}

/** Compiles all rules of a structural schema; undefined when it has none. `resourceRoot`: it is that of a whole resource. */
export function compileSchemaRules(schema: CelSchema, options: { readonly resourceRoot?: boolean } = {}): SchemaRules | undefined {
  if (!hasRules(schema)) return undefined;
  return nonEmpty(new SchemaRules(schema, schema, schemaType(schema, options.resourceRoot ?? true, 'self')));
}

function hasRules(schema: CelSchema): boolean {
  if ((schema['x-kubernetes-validations'] ?? []).length > 0) return true;
  const values = valuesOf(schema);
  const below = [...Object.values(schema.properties ?? {}), ...(schema.allOf ?? [])];
  if (schema.items !== undefined) below.push(schema.items);
  if (values !== undefined) below.push(values);
  return below.some(hasRules);
}
