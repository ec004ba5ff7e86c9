import type { CallNode, ComprehensionNode, IdentNode, Node, SelectNode, StructNode } from '../syntax/ast.ts';
import { operators } from '../syntax/ast.ts';
import type { CelType } from '../types/types.ts';
import {
  boolType,
  bytesType,
  doubleType,
  dynType,
  errorType,
  intType,
  isOptionalType,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  paramOf,
  sameType,
  stringType,
  typeOf,
  typeText,
  uintType,
  withoutOptional,
} from '../types/types.ts';
import type { Overload } from './declarations.ts';
import type { Environment } from './environment.ts';
import { lessSpecific, Substitution } from './substitution.ts';

const literalTypes = {
  int: intType,
  uint: uintType,
  double: doubleType,
  string: stringType,
  bytes: bytesType,
  bool: boolType,
  null: nullType,
} as const;

interface Scope {
  readonly names: ReadonlyMap<string, CelType>;
  readonly outer: Scope | undefined;
}

/** A fault found by the checker, by offset. */
export interface CheckFault {
  readonly at: number;
  readonly message: string;
}

/** Gives every node of a tree its type and overloads. One instance a tree. */
export class Checker {
  readonly faults: CheckFault[] = [];
  private readonly environment: Environment;
  private readonly substitution = new Substitution();
  private scope: Scope | undefined;
  private fresh = 0;
  private formatting = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  /** The type of the whole expression. `faults` must be empty before the tree is used. */
  check(root: Node): CelType {
    const type = this.visit(root);
    this.close(root);
    return this.substitution.apply(type, true);
  }

  private fault(at: number, message: string): CelType {
    this.faults.push({ at, message });
    return errorType;
  }

  private visit(node: Node): CelType {
    const type = this.typeOfNode(node);
    node.type = type;
    return type;
  }

  private typeOfNode(node: Node): CelType {
    switch (node.kind) {
      case 'literal':
        return literalTypes[node.value.of];
      case 'ident':
        return this.ident(node);
      case 'select':
        return this.select(node);
      case 'call':
        return this.call(node);
      case 'list': {
        let element: CelType | undefined;
        node.elements.forEach((item, position) => {
          const type = this.visit(item);
          element = this.join(item.at, element, node.optional.has(position) ? withoutOptional(this.resolved(type)) : type);
        });
        return listOf(element ?? this.newParam());
      }
      case 'map': {
        let key: CelType | undefined;
        let value: CelType | undefined;
        for (const entry of node.entries) {
          key = this.join(entry.key.at, key, this.visit(entry.key));
          const type = this.visit(entry.value);
          value = this.join(entry.value.at, value, entry.optional ? withoutOptional(this.resolved(type)) : type);
        }
        return mapOf(key ?? this.newParam(), value ?? this.newParam());
      }
      case 'struct':
        return this.struct(node);
      case 'comprehension':
        return this.comprehension(node);
    }
  }

  private resolved(type: CelType): CelType {
    return this.substitution.apply(type, false);
  }

  private newParam(): CelType {
    this.fresh += 1;
    return paramOf(`_var${this.fresh.toString()}`);
  }

  /** Literals hold one type: Kubernetes asks for homogeneous lists and maps. */
  private join(at: number, before: CelType | undefined, type: CelType): CelType {
    if (before === undefined) return type;
    if (this.substitution.assign(before, type)) {
      const [a, b] = [this.resolved(before), this.resolved(type)];
      return lessSpecific(a, b) ? before : type;
    }
    // Arguments of `format` may be of any types.
    if (this.formatting > 0) return dynType;
    this.fault(at, `expected type '${this.text(before)}' but found '${this.text(type)}'`);
    return before;
  }

  private text(type: CelType): string {
    return typeText(this.substitution.apply(type, true));
  }

  private isLocal(name: string): boolean {
    for (let scope = this.scope; scope !== undefined; scope = scope.outer) if (scope.names.has(name)) return true;
    return false;
  }

  private lookup(name: string): CelType | undefined {
    const plain = name.startsWith('.') ? name.slice(1) : name;
    if (plain === name) {
      for (let scope = this.scope; scope !== undefined; scope = scope.outer) {
        const found = scope.names.get(plain);
        if (found !== undefined) return found;
      }
    }
    return this.environment.variable(plain);
  }

  private ident(node: IdentNode): CelType {
    const variable = this.lookup(node.name);
    if (variable !== undefined) return variable;
    const named = this.environment.type(node.name.replace(/^\./, ''));
    if (named === undefined) return this.fault(node.at, `undeclared reference to '${node.name.replace(/^\./, '')}' (in container '')`);
    node.typeValue = named;
    return typeOf(named);
  }

  private select(node: SelectNode): CelType {
    const name = qualifiedName(node);
    if (name !== undefined && !node.testOnly && !this.isLocal(rootName(node))) {
      const known = this.environment.variable(name);
      const named = known === undefined ? this.environment.type(name) : undefined;
      if (known !== undefined || named !== undefined) {
        node.qualified = { kind: 'ident', at: node.at, name, ...(named === undefined ? {} : { typeValue: named }) };
        return known ?? typeOf(named);
      }
    }
    const operand = this.resolved(this.visit(node.operand));
    const optional = isOptionalType(operand);
    const type = this.fieldType(node.at, withoutOptional(operand), node.field);
    if (node.testOnly) return boolType;
    return optional ? optionalOf(type) : type;
  }

  private fieldType(at: number, target: CelType, field: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.value;
      case 'object': {
        const found = target.field(field);
        return found?.type ?? this.fault(at, `undefined field '${field}'`);
      }
      case 'param':
        this.substitution.assign(target, dynType);
        return dynType;
      case 'dyn':
        return dynType;
      case 'error':
        return errorType;
      default:
        return this.fault(at, `type '${this.text(target)}' does not support field selection`);
    }
  }

  private call(node: CallNode): CelType {
    if (node.name === operators.optionalSelect) return this.optionalSelect(node);
    let candidates: readonly Overload[] | undefined;
    if (node.target !== undefined) {
      // `ip.isCanonical(x)` is a function with a dotted name unless `ip` is the variable of a loop.
      const prefix = qualifiedName(node.target);
      const dotted = prefix === undefined ? undefined : `${prefix}.${node.name}`;
      const found =
        dotted === undefined || this.lookup(rootName(node.target)) !== undefined ? undefined : this.environment.function(dotted);
      if (found !== undefined && dotted !== undefined) {
        node.name = dotted;
        node.target = undefined;
        candidates = found.overloads;
      }
    }
    candidates ??= this.environment.function(node.name)?.overloads;
    const target = node.target === undefined ? undefined : this.visit(node.target);
    const formats = node.name === 'format' && node.target !== undefined ? 1 : 0;
    this.formatting += formats;
    const args = node.args.map((arg) => this.visit(arg));
    this.formatting -= formats;
    if (candidates === undefined) return this.fault(node.at, `undeclared reference to '${node.name}' (in container '')`);
    const actual = target === undefined ? args : [target, ...args];
    let result: CelType | undefined;
    const overloads: Overload[] = [];
    for (const overload of candidates) {
      if (overload.member !== (target !== undefined) || overload.args.length !== actual.length) continue;
      const form = this.instantiate(overload);
      if (!this.substitution.assignAll(actual, form.args)) continue;
      overloads.push(overload);
      const type = this.resolved(form.result);
      if (result === undefined) result = type;
      else if (!sameType(result, type)) result = dynType;
    }
    node.overloads = overloads;
    return result ?? this.fault(node.at, this.noOverload(node.name, target, args));
  }

  private noOverload(name: string, target: CelType | undefined, args: readonly CelType[]): string {
    const list = `(${args.map((arg) => this.text(arg)).join(', ')})`;
    return `found no matching overload for '${name}' applied to '${target === undefined ? '' : `${this.text(target)}.`}${list}'`;
  }

  private instantiate(overload: Overload): { args: readonly CelType[]; result: CelType } {
    const names = new Set<string>();
    for (const type of [...overload.args, overload.result]) collectParams(type, names);
    if (names.size === 0) return overload;
    const fresh = new Substitution(new Map([...names].map((name) => [name, this.newParam()])));
    return { args: overload.args.map((type) => fresh.apply(type, false)), result: fresh.apply(overload.result, false) };
  }

  private optionalSelect(node: CallNode): CelType {
    const [operand, field] = node.args;
    if (operand === undefined || field?.kind !== 'literal' || field.value.of !== 'string') return errorType;
    this.visit(field);
    const type = this.fieldType(node.at, withoutOptional(this.resolved(this.visit(operand))), field.value.value);
    node.overloads = [];
    return optionalOf(type);
  }

  private struct(node: StructNode): CelType {
    const name = node.name.replace(/^\./, '');
    const type = this.environment.type(name);
    if (type === undefined) {
      for (const field of node.fields) this.visit(field.value);
      return this.fault(node.at, `undeclared reference to '${name}' (in container '')`);
    }
    if (type.kind !== 'object' || type.constructible !== true) return this.fault(node.at, `'${name}' is not a message type`);
    for (const field of node.fields) {
      const given = this.visit(field.value);
      const declared = type.field(field.name);
      if (declared === undefined) {
        this.fault(field.at, `undefined field '${field.name}'`);
        continue;
      }
      const value = field.optional ? withoutOptional(this.resolved(given)) : given;
      if (!this.substitution.assign(declared.type, value)) {
        this.fault(
          field.at,
          `expected type of field '${field.name}' is '${this.text(declared.type)}' but provided type is '${this.text(value)}'`,
        );
      }
    }
    return type;
  }

  private comprehension(node: ComprehensionNode): CelType {
    const range = this.resolved(this.visit(node.range));
    const accumulated = this.visit(node.init);
    const outer = this.scope;
    const withAccumulator: Scope = { names: new Map([[node.accumulator, accumulated]]), outer };
    const [first, second] = this.variableTypes(range, node);
    const names = new Map([[node.variable, first]]);
    if (node.variable2 !== undefined) names.set(node.variable2, second);
    this.scope = { names, outer: withAccumulator };
    this.expect(node.condition, this.visit(node.condition), boolType);
    this.expect(node.step, this.visit(node.step), accumulated);
    this.scope = withAccumulator;
    const result = this.visit(node.result);
    this.scope = outer;
    return this.resolved(result);
  }

  private variableTypes(range: CelType, node: ComprehensionNode): readonly [CelType, CelType] {
    switch (range.kind) {
      case 'list':
        return node.variable2 === undefined ? [range.element, dynType] : [intType, range.element];
      case 'map':
        return [range.key, range.value];
      case 'param':
        this.substitution.assign(range, dynType);
        return [dynType, dynType];
      case 'dyn':
      case 'error':
        return [dynType, dynType];
      default:
        this.fault(
          node.range.at,
          `expression of type '${this.text(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [errorType, errorType];
    }
  }

  private expect(node: Node, actual: CelType, wanted: CelType): void {
    if (!this.substitution.assign(actual, wanted)) {
      this.fault(node.at, `expected type '${this.text(wanted)}' but found '${this.text(actual)}'`);
    }
  }

  /** Replaces the type variables left in the tree. */
  private close(node: Node): void {
    if (node.type !== undefined) node.type = this.substitution.apply(node.type, true);
    for (const child of childrenOf(node)) this.close(child);
  }
}

function collectParams(type: CelType, into: Set<string>): void {
  if (type.kind === 'param') into.add(type.name);
  else if (type.kind === 'list') collectParams(type.element, into);
  else if (type.kind === 'map') {
    collectParams(type.key, into);
    collectParams(type.value, into);
  } else if (type.kind === 'opaque') for (const parameter of type.parameters) collectParams(parameter, into);
  else if (type.kind === 'type' && type.of !== undefined) collectParams(type.of, into);
}

/** `a.b.c` when the node is just that. */
function qualifiedName(node: Node): string | undefined {
  if (node.kind === 'ident') return node.name.replace(/^\./, '');
  if (node.kind !== 'select' || node.testOnly) return undefined;
  const prefix = qualifiedName(node.operand);
  return prefix === undefined ? undefined : `${prefix}.${node.field}`;
}

function rootName(node: Node): string {
  return node.kind === 'select' ? rootName(node.operand) : node.kind === 'ident' ? node.name : '';
}

/** The nodes directly below. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
      return [node.operand];
    case 'call':
      return node.target === undefined ? node.args : [node.target, ...node.args];
    case 'list':
      return node.elements;
    case 'map':
      return node.entries.flatMap((entry) => [entry.key, entry.value]);
    case 'struct':
      return node.fields.map((field) => field.value);
    case 'comprehension':
      return [node.range, node.init, node.condition, node.step, node.result];
  }
}
