import type { CallNode, ComprehensionNode, IdentNode, Node } from '../syntax/ast.ts';
import { operators } from '../syntax/ast.ts';
import type { CelType } from '../types/types.ts';
import { withoutOptional } from '../types/types.ts';
import { characters } from '../library/standard.ts';
import type { ArgumentFacts, CallEstimate, Range } from './estimates.ts';
import { fixed, product, scaled, sum, union, unknownSize } from './estimates.ts';

/** Sizes of what a list or map holds. */
interface Entries {
  readonly isList: boolean;
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly size: Range | undefined;
  readonly entries: Entries | undefined;
  /** Whether the variable walks over data with a schema, whose types then bound sizes. */
  readonly rooted: boolean;
}

const zero = fixed(0);
const one = fixed(1);
const traversal = 0.1;

/** Bounds the cost of a checked tree from the sizes that its types and literals give. One instance a tree. */
export class CostEstimator {
  private readonly sizes = new Map<Node, Range>();
  private readonly held = new Map<Node, Entries>();
  private readonly locals = new Map<string, Local[]>();

  cost(node: Node): Range {
    switch (node.kind) {
      case 'literal':
        return zero;
      case 'ident':
        return one;
      case 'select': {
        if (node.testOnly || node.qualified !== undefined) return node.qualified === undefined ? this.cost(node.operand) : one;
        return sum(this.cost(node.operand), one);
      }
      case 'call':
        return this.call(node);
      case 'list': {
        const costs = node.elements.map((element) => this.cost(element));
        const value = node.elements.length === 0 ? zero : node.elements.map((element) => this.size(element)).reduce(union);
        this.held.set(node, { isList: true, key: one, value });
        return costs.reduce(sum, fixed(10));
      }
      case 'map': {
        const costs = node.entries.map((entry) => sum(this.cost(entry.key), this.cost(entry.value)));
        const key = node.entries.map((entry) => this.size(entry.key));
        const value = node.entries.map((entry) => this.size(entry.value));
        this.held.set(node, {
          isList: false,
          key: key.length === 0 ? zero : key.reduce(union),
          value: value.length === 0 ? zero : value.reduce(union),
        });
        return costs.reduce(sum, fixed(30));
      }
      case 'struct':
        return node.fields.map((field) => this.cost(field.value)).reduce(sum, fixed(40));
      case 'comprehension':
        return node.variable === '#unused' ? this.binding(node) : this.loop(node);
    }
  }

  private push(name: string, local: Local): void {
    const stack = this.locals.get(name) ?? [];
    stack.push(local);
    this.locals.set(name, stack);
  }

  private pop(name: string): void {
    this.locals.get(name)?.pop();
  }

  private local(node: IdentNode): Local | undefined {
    return this.locals.get(node.name)?.at(-1);
  }

  /** Whether a node is a path into declared data. */
  private isRooted(node: Node): boolean {
    switch (node.kind) {
      case 'ident':
        return this.local(node)?.rooted ?? true;
      case 'select':
        return !node.testOnly && this.isRooted(node.operand);
      case 'call':
        return (
          (node.name === operators.index || node.name === operators.optionalIndex || node.name === operators.optionalSelect) &&
          node.args[0] !== undefined &&
          this.isRooted(node.args[0])
        );
      default:
        return false;
    }
  }

  private knownSize(node: Node): Range | undefined {
    if ((node.kind === 'ident' && node.typeValue !== undefined) || (node.kind === 'select' && node.qualified?.typeValue !== undefined))
      return zero;
    const computed = this.sizes.get(node) ?? literalSize(node);
    if (computed !== undefined) return computed;
    const type = withoutOptional(node.type ?? { kind: 'dyn' });
    if (type.maxElements !== undefined && this.isRooted(node)) return { min: 0, max: type.maxElements };
    if (isScalar(type)) return one;
    return node.kind === 'ident' ? this.local(node)?.size : undefined;
  }

  private size(node: Node): Range {
    return this.knownSize(node) ?? unknownSize;
  }

  private entries(node: Node): Entries | undefined {
    return this.held.get(node) ?? (node.kind === 'ident' ? this.local(node)?.entries : undefined);
  }

  private call(node: CallNode): Range {
    const parts = node.target === undefined ? node.args : [node.target, ...node.args];
    if (node.name === 'dyn' && node.args[0] !== undefined) {
      const cost = sum(this.cost(node.args[0]), one);
      this.copy(node.args[0], node);
      return cost;
    }
    const costs = parts.map((part) => this.cost(part));
    const all = costs.reduce(sum, zero);
    const [first = zero, second = zero, third = zero] = costs;
    switch (node.name) {
      case operators.and:
      case operators.or:
        return { min: first.min, max: sum(first, second).max };
      case operators.conditional:
        return this.conditional(node, first, second, third);
      case operators.equals:
      case operators.notEquals:
        return sum(all, this.equality(parts));
      case operators.index:
      case operators.optionalIndex: {
        const size = node.args[0] === undefined ? undefined : this.entries(node.args[0])?.value;
        if (size !== undefined) this.sizes.set(node, size);
        return sum(all, one);
      }
      default:
        return sum(all, this.overloads(node, parts));
    }
  }

  private conditional(node: CallNode, condition: Range, yes: Range, no: Range): Range {
    const [, a, b] = node.args;
    if (a !== undefined && b !== undefined) {
      this.sizes.set(node, union(this.size(a), this.size(b)));
      const [left, right] = [this.entries(a), this.entries(b)];
      if (left !== undefined && right !== undefined) this.held.set(node, unionOf(left, right));
    }
    return sum(condition, union(yes, no));
  }

  private equality([a, b]: readonly Node[]): Range {
    if (a === undefined || b === undefined) return one;
    if (a.type?.kind === 'opaque' && b.type?.kind === 'opaque') return one;
    const max = Math.min(this.size(a).max, this.size(b).max);
    return scaled({ min: max > 0 ? 1 : 0, max }, traversal);
  }

  private overloads(node: CallNode, parts: readonly Node[]): Range {
    const facts = parts.map((part): ArgumentFacts => {
      const isList = part.type?.kind === 'list';
      return { node: part, size: this.size(part), isList, elementSize: isList ? this.elementSize(part) : undefined };
    });
    let estimate: CallEstimate | undefined;
    for (const overload of node.overloads ?? []) {
      const next: CallEstimate = overload.estimate?.(facts) ?? { cost: one };
      estimate = estimate === undefined ? next : merged(estimate, next);
    }
    if (estimate?.size !== undefined) this.sizes.set(node, estimate.size);
    if (node.name === operators.add) {
      const [left, right] = parts.map((part) => this.entries(part));
      if (left !== undefined && right !== undefined) this.held.set(node, unionOf(left, right));
    }
    return estimate?.cost ?? one;
  }

  /** Size of a list's elements, when they are strings or bytes. */
  private elementSize(list: Node): Range | undefined {
    const element = list.type?.kind === 'list' ? list.type.element : undefined;
    if (element?.kind !== 'string' && element?.kind !== 'bytes' && element?.kind !== 'dyn') return undefined;
    const held = this.entries(list)?.value;
    if (held !== undefined) return held;
    return element.maxElements !== undefined && this.isRooted(list) ? { min: 0, max: element.maxElements } : unknownSize;
  }

  private copy(from: Node, to: Node): void {
    const size = this.knownSize(from);
    if (size !== undefined) this.sizes.set(to, size);
    const entries = this.entries(from);
    if (entries !== undefined) this.held.set(to, entries);
  }

  private binding(node: ComprehensionNode): Range {
    const cost = sum(fixed(10), this.cost(node.init));
    this.push(node.accumulator, { size: this.knownSize(node.init), entries: this.entries(node.init), rooted: this.isRooted(node.init) });
    const all = sum(cost, this.cost(node.result));
    this.copy(node.result, node);
    this.pop(node.accumulator);
    return all;
  }

  private loop(node: ComprehensionNode): Range {
    const before = sum(this.cost(node.range), this.cost(node.init));
    this.push(node.accumulator, { size: this.knownSize(node.init), entries: this.entries(node.init), rooted: false });
    const entries = this.entries(node.range);
    const rooted = this.isRooted(node.range);
    const isList = entries?.isList ?? node.range.type?.kind === 'list';
    const firstIsKey = node.variable2 !== undefined || !isList;
    this.push(node.variable, { size: firstIsKey ? entries?.key : entries?.value, entries: undefined, rooted });
    if (node.variable2 !== undefined) this.push(node.variable2, { size: entries?.value, entries: undefined, rooted });
    const each = sum(this.cost(node.condition), this.cost(node.step));
    const grown = this.entries(node.step);
    this.pop(node.variable);
    if (node.variable2 !== undefined) this.pop(node.variable2);
    const after = this.cost(node.result);
    this.pop(node.accumulator);
    const count = this.size(node.range);
    if (node.init.kind === 'literal') this.sizes.set(node, this.size(node.init));
    else {
      this.sizes.set(node, count);
      if (grown !== undefined) this.held.set(node, grown);
    }
    return sum(sum(before, after), product(count, each));
  }
}

function merged(a: CallEstimate, b: CallEstimate): CallEstimate {
  const size = a.size === undefined ? b.size : b.size === undefined ? a.size : union(a.size, b.size);
  return size === undefined ? { cost: union(a.cost, b.cost) } : { cost: union(a.cost, b.cost), size };
}

function unionOf(a: Entries, b: Entries): Entries {
  return { isList: a.isList, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function literalSize(node: Node): Range | undefined {
  switch (node.kind) {
    case 'literal':
      if (node.value.of === 'string') return fixed(characters(node.value.value));
      return fixed(node.value.of === 'bytes' ? node.value.value.length : 1);
    case 'list':
      return fixed(node.elements.length);
    case 'map':
      return fixed(node.entries.length);
    default:
      return undefined;
  }
}

function isScalar(type: CelType): boolean {
  return ['bool', 'double', 'duration', 'int', 'timestamp', 'uint'].includes(type.kind);
}
