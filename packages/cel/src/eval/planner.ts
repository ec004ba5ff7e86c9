import type { Overload } from '../check/declarations.ts';
import type { CallNode, IdentNode, ListNode, MapNode, Node, SelectNode, StructNode } from '../syntax/ast.ts';
import { operators } from '../syntax/ast.ts';
import type { CelType } from '../types/types.ts';
import { dynType } from '../types/types.ts';
import { contains, equals } from '../values/equality.ts';
import { fitsType, sizeOf } from '../values/fits.ts';
import { fromJson } from '../values/json.ts';
import { StructValue } from '../values/struct.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { ArrayList, CelError, CelList, CelOptional, CelTypeValue, EntryMap, keyText } from '../values/value.ts';
import { hasField, indexOf, keyShown, noSuchOverload, optionalField, optionalIndex, selectField } from './access.ts';
import { planComprehension } from './comprehension.ts';
import { constantOf, literalValue } from './constants.ts';
import type { Step } from './frame.ts';

/** What making something costs, beside its parts. */
const listCost = 10;
const mapCost = 30;
const structCost = 40;
/** A character's part of a unit of cost. */
export const traversalFactor = 0.1;

/** Turns a checked tree into closures. One instance a program. */
export class Planner {
  readonly variables: { readonly name: string; readonly type: CelType }[] = [];
  locals = 0;
  private readonly scopes: Map<string, number>[] = [];
  private readonly typeOfVariable: (name: string) => CelType;

  constructor(typeOfVariable: (name: string) => CelType) {
    this.typeOfVariable = typeOfVariable;
  }

  /** Makes names visible while `inside` plans; gives their slots. */
  withLocals<T>(names: readonly string[], inside: (slots: readonly number[]) => T): T {
    const slots = names.map(() => this.locals++);
    this.scopes.push(new Map(names.map((name, position) => [name, slots[position] ?? 0])));
    const result = inside(slots);
    this.scopes.pop();
    return result;
  }

  plan(node: Node): Step {
    const folded = constantOf(node);
    if (folded !== undefined) return () => folded;
    switch (node.kind) {
      case 'literal':
        return () => literalValue(node.value);
      case 'ident':
        return this.ident(node);
      case 'select':
        return this.select(node);
      case 'call':
        return this.call(node);
      case 'list':
        return this.list(node);
      case 'map':
        return this.map(node);
      case 'struct':
        return this.struct(node);
      case 'comprehension':
        return planComprehension(this, node);
    }
  }

  private ident(node: IdentNode): Step {
    if (node.typeValue !== undefined) {
      const value = new CelTypeValue(node.typeValue);
      return () => value;
    }
    for (const scope of this.scopes.toReversed()) {
      const slot = scope.get(node.name);
      if (slot === undefined) continue;
      return (frame) => {
        frame.charge(1);
        return frame.locals[slot] ?? null;
      };
    }
    return this.variable(node.name.replace(/^\./, ''));
  }

  private variable(name: string): Step {
    let slot = this.variables.findIndex((variable) => variable.name === name);
    if (slot < 0) slot = this.variables.push({ name, type: this.typeOfVariable(name) }) - 1;
    const type = this.variables[slot]?.type ?? dynType;
    const unbound = new CelError(`no such attribute(s): ${name}`);
    return (frame) => {
      frame.charge(1);
      const known = frame.variables[slot];
      if (known !== undefined) return known;
      let bound: unknown = Object.hasOwn(frame.bindings, name) ? frame.bindings[name] : unbound;
      if (typeof bound === 'function') bound = (bound as () => unknown)();
      const value = bound === undefined ? unbound : fromJson(bound, type);
      frame.variables[slot] = value;
      return value;
    };
  }

  private select(node: SelectNode): Step {
    if (node.qualified !== undefined) return this.ident(node.qualified);
    const operand = this.plan(node.operand);
    const { field } = node;
    if (node.testOnly) return (frame) => hasField(operand(frame), field);
    return (frame) => {
      const container = operand(frame);
      frame.charge(1);
      return selectField(container, field);
    };
  }

  private call(node: CallNode): Step {
    const args = (node.target === undefined ? node.args : [node.target, ...node.args]).map((arg) => this.plan(arg));
    const [first, second, third] = args as [Step, Step, Step];
    switch (node.name) {
      case operators.conditional:
        return (frame) => {
          const condition = first(frame);
          if (condition === true) return second(frame);
          if (condition === false) return third(frame);
          return condition instanceof CelError ? condition : noSuchOverload();
        };
      case operators.and:
        return logical(first, second, false);
      case operators.or:
        return logical(first, second, true);
      case operators.notStrictlyFalse:
        return (frame) => {
          const value = first(frame);
          frame.charge(1);
          return typeof value === 'boolean' ? value : true;
        };
      case operators.equals:
        return equality(first, second, true);
      case operators.notEquals:
        return equality(first, second, false);
      case operators.index:
        return binary(first, second, indexOf);
      case operators.optionalIndex:
        return binary(first, second, optionalIndex);
      case operators.optionalSelect: {
        const [, name] = node.args;
        const field = name?.kind === 'literal' && name.value.of === 'string' ? name.value.value : '';
        return (frame) => {
          const container = first(frame);
          frame.charge(1);
          return optionalField(container, field);
        };
      }
      case 'orValue':
      case 'or':
        if (node.target !== undefined) return otherwise(first, second, node.name === 'orValue');
        break;
      case operators.in:
        if (node.args[1]?.kind === 'list' && constantOf(node.args[1]) !== undefined) return membershipOf(first, second);
        break;
      case operators.add:
        if (node.inPlace === true) return append(first, second);
        break;
      default:
    }
    return dispatch(node.name, node.overloads ?? [], args);
  }

  private list(node: ListNode): Step {
    const elements = node.elements.map((element) => this.plan(element));
    const { optional } = node;
    return (frame) => {
      const items: Value[] = [];
      for (let position = 0; position < elements.length; position += 1) {
        const value = elements[position]?.(frame) ?? null;
        if (value instanceof CelError) return value;
        if (!optional.has(position)) items.push(value);
        else if (!(value instanceof CelOptional)) return new CelError(`cannot initialize optional list element from non-optional value`);
        else if (value.value !== undefined) items.push(value.value);
      }
      frame.charge(listCost);
      return new ArrayList(items);
    };
  }

  private map(node: MapNode): Step {
    const entries = node.entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional }));
    return (frame) => {
      const made = new EntryMap();
      for (const entry of entries) {
        const key = entry.key(frame);
        if (key instanceof CelError) return key;
        const given = entry.value(frame);
        if (given instanceof CelError) return given;
        const value = entry.optional ? (given instanceof CelOptional ? given.value : null) : given;
        const text = keyText(key);
        if (text === undefined) return new CelError('unsupported key type');
        if (made.entries.has(text)) return new CelError(`Failed with repeated key`);
        if (value !== undefined) made.entries.set(text, [key, value]);
      }
      frame.charge(mapCost);
      return made;
    };
  }

  private struct(node: StructNode): Step {
    const type = node.type;
    const fields = node.fields.map(({ name, value, optional }) => ({ name, value: this.plan(value), optional }));
    return (frame) => {
      const values = new Map<string, Value>();
      for (const field of fields) {
        const given = field.value(frame);
        if (given instanceof CelError) return given;
        const value = field.optional ? (given instanceof CelOptional ? given.value : given) : given;
        if (value !== undefined) values.set(field.name, value);
      }
      frame.charge(structCost);
      return type?.kind === 'object' ? new StructValue(type, values) : noSuchOverload();
    };
  }
}

/** `&&` and `||` in any order: one side that decides outweighs an error on the other. */
function logical(first: Step, second: Step, decisive: boolean): Step {
  return (frame) => {
    const left = first(frame);
    if (left === decisive) return decisive;
    const right = second(frame);
    if (right === decisive) return decisive;
    if (left instanceof CelError) return left;
    if (right instanceof CelError) return right;
    return typeof left === 'boolean' && typeof right === 'boolean' ? !decisive : noSuchOverload();
  };
}

function equality(first: Step, second: Step, wanted: boolean): Step {
  return (frame) => {
    const left = first(frame);
    if (left instanceof CelError) return left;
    const right = second(frame);
    if (right instanceof CelError) return right;
    frame.charge(Math.ceil(Math.min(sizeOf(left), sizeOf(right)) * traversalFactor));
    return equals(left, right) === wanted;
  };
}

function binary(first: Step, second: Step, run: (a: Value, b: Value) => EvalValue): Step {
  return (frame) => {
    const left = first(frame);
    if (left instanceof CelError) return left;
    const right = second(frame);
    if (right instanceof CelError) return right;
    frame.charge(1);
    return run(left, right);
  };
}

/** `x in [literals]`: costs no more than `x`. */
function membershipOf(first: Step, second: Step): Step {
  return (frame) => {
    const wanted = first(frame);
    if (wanted instanceof CelError) return wanted;
    const list = second(frame);
    return list instanceof CelList ? contains(list, wanted) : noSuchOverload();
  };
}

/** `accumulator + [x]`, in place. */
function append(first: Step, second: Step): Step {
  return (frame) => {
    const list = first(frame);
    const more = second(frame);
    if (more instanceof CelError) return more;
    frame.charge(1);
    if (!(list instanceof ArrayList) || !(more instanceof ArrayList)) return list instanceof CelError ? list : noSuchOverload();
    for (const item of more.items) list.items.push(item);
    return list;
  };
}

/** `optional.orValue(x)` and `optional.or(optional)`: the second is evaluated only when it is needed. */
function otherwise(first: Step, second: Step, unwrap: boolean): Step {
  return (frame) => {
    const optional = first(frame);
    if (optional instanceof CelError) return optional;
    if (!(optional instanceof CelOptional)) return noSuchOverload();
    if (optional.value === undefined) return second(frame);
    return unwrap ? optional.value : optional;
  };
}

function dispatch(name: string, overloads: readonly Overload[], args: readonly Step[]): Step {
  const unfit = new CelError(/^[@_!-]/.test(name) ? 'no such overload' : `no such overload: ${name}`);
  return (frame) => {
    const values: Value[] = [];
    for (const arg of args) {
      const value = arg(frame);
      if (value instanceof CelError) return value;
      values.push(value);
    }
    for (const overload of overloads) {
      if (!values.every((value, position) => fitsType(value, overload.args[position] ?? dynType))) continue;
      frame.charge(overload.cost === undefined ? 1 : overload.cost(values));
      return overload.run(...values);
    }
    return unfit;
  };
}

/** `cel.@mapInsert(accumulator, key, value)`, in place. */
export function insert(map: Value, key: Value, value: Value): EvalValue {
  const text = keyText(key);
  if (!(map instanceof EntryMap) || text === undefined) return noSuchOverload();
  if (map.entries.has(text)) return new CelError(`insert failed: key ${keyShown(key)} already exists`);
  map.entries.set(text, [key, value]);
  return map;
}
