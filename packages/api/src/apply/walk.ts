import { isJsonObject, memberOf, sameJson, setMember } from '../patch/json-value.ts';
import type { JsonObject } from '../patch/json-value.ts';
import type { Descriptor, ListDescriptor } from '../schema/descriptor.ts';
import type { FieldSet, MaybeFieldSet } from './field-set.ts';
import { compose, isMember, leaf } from './field-set.ts';
import {
  deduced,
  descriptorOfMember,
  fieldOf,
  heldIn,
  heldMember,
  isEmptyContainer,
  itemsByStep,
  shapeOf,
  stepOfField,
  stepOfItem,
} from './typed-value.ts';

/** What a write did: fields that are new or have another value, and fields that are gone. */
export interface Comparison {
  readonly changed: MaybeFieldSet;
  readonly removed: MaybeFieldSet;
}

const same: Comparison = { changed: undefined, removed: undefined };

/** Compares two values of a type. Undefined stands for absence. */
export function compare(left: unknown, right: unknown, descriptor: Descriptor): Comparison {
  if (left === right || (left === undefined && right === undefined)) return same;
  if (left === undefined) return { changed: added(right, descriptor), removed: undefined };
  const shape = shapeOf(descriptor, left, right);
  const bare = isEmptyContainer(left) && (right === undefined || isEmptyContainer(right));
  if (shape.kind === 'leaf' || bare) {
    if (right === undefined) return { changed: undefined, removed: leaf };
    return sameJson(left, right) ? same : { changed: leaf, removed: undefined };
  }
  const changed: Record<string, FieldSet> = {};
  const removed: Record<string, FieldSet> = {};
  const note = (step: string, below: Comparison): void => {
    if (below.changed !== undefined) changed[step] = below.changed;
    if (below.removed !== undefined) removed[step] = below.removed;
  };
  if (shape.kind === 'items') compareItems(left, right, shape.descriptor, note);
  else compareFields(left as JsonObject, right as JsonObject | undefined, shape.descriptor, note);
  return { changed: compose(false, changed), removed: compose(right === undefined, removed) };
}

/** What `compare` says of a value where there was none: most of what a create sets. */
function added(value: unknown, descriptor: Descriptor): FieldSet {
  const shape = shapeOf(descriptor, value);
  if (shape.kind === 'leaf') return leaf;
  let below: Record<string, FieldSet> | undefined;
  if (shape.kind === 'items') {
    const list = shape.descriptor;
    for (const [step, item] of itemsByStep(list, value as readonly unknown[])) (below ??= { '.': leaf })[step] = added(item, list.items);
    return below ?? leaf;
  }
  const object = value as JsonObject;
  // In the order in which sets are written, so that they need not be sorted afterwards.
  const { descriptor: of } = shape;
  for (const name of inOrder(Object.keys(object))) {
    const field = fieldOf(of, name);
    const member = heldIn(field, object[name]);
    if (member === undefined) continue;
    const step = field === undefined ? `f:${name}` : stepOfField(field);
    (below ??= { '.': leaf })[step] = added(member, field?.value ?? descriptorOfMember(of, name));
  }
  return below ?? leaf;
}

/** Sorts in place. An object has few members, for which insertion is quicker than `sort`. */
function inOrder(names: string[]): string[] {
  if (names.length > 16) return names.sort();
  for (let at = 1; at < names.length; at++) {
    const name = names[at] ?? '';
    let to = at;
    for (; to > 0; to--) {
      const before = names[to - 1] ?? '';
      if (before <= name) break;
      names[to] = before;
    }
    names[to] = name;
  }
  return names;
}

type Note = (step: string, below: Comparison) => void;

function compareFields(left: JsonObject, right: JsonObject | undefined, descriptor: Descriptor, note: Note): void {
  const visit = (name: string): void => {
    let one = memberOf(left, name);
    let other = right === undefined ? undefined : memberOf(right, name);
    if (one === other) return;
    one = heldMember(descriptor, name, one);
    if (right !== undefined) other = heldMember(descriptor, name, other);
    note(`f:${name}`, compare(one, other, descriptorOfMember(descriptor, name)));
  };
  for (const name of Object.keys(left)) visit(name);
  if (right !== undefined) for (const name of Object.keys(right)) if (!Object.hasOwn(left, name)) visit(name);
}

function compareItems(left: unknown, right: unknown, list: ListDescriptor, note: Note): void {
  const before = itemsByStep(list, Array.isArray(left) ? left : []);
  const after = itemsByStep(list, Array.isArray(right) ? right : []);
  for (const [step, item] of before) note(step, compare(item, after.get(step), list.items));
  for (const [step, item] of after) if (!before.has(step)) note(step, compare(undefined, item, list.items));
}

/** Every field that a value sets, as the applier of it owns them. */
export function fieldSetOf(value: unknown, descriptor: Descriptor): MaybeFieldSet {
  const shape = shapeOf(descriptor, value);
  if (shape.kind === 'leaf') return leaf;
  const below: Record<string, FieldSet> = {};
  if (shape.kind === 'items') {
    for (const [step, item] of itemsByStep(shape.descriptor, value as unknown[])) {
      const inside = fieldSetOf(item, shape.descriptor.items);
      below[step] = inside === undefined || isMember(inside) ? (inside ?? leaf) : { '.': leaf, ...inside };
    }
    return compose(false, below);
  }
  for (const [name, member] of Object.entries(value as JsonObject)) {
    if (member === undefined) continue;
    const inside = fieldSetOf(member, descriptorOfMember(shape.descriptor, name));
    const whole = member === null || (isJsonObject(member) && isEmptyContainer(member)) || isUnknownField(shape.descriptor, name);
    const set = whole && (inside === undefined || !isMember(inside)) ? { '.': leaf, ...inside } : inside;
    if (set !== undefined) below[`f:${name}`] = isEmptyContainer(member) && whole ? leaf : set;
  }
  return compose(false, below);
}

function isUnknownField(descriptor: Descriptor, name: string): boolean {
  return descriptor.type === 'map' || descriptorOfMember(descriptor, name) === deduced || fieldOf(descriptor, name) === undefined;
}

/** Lays an applied value over the live one: the applied wins, lists of items merge by identity. */
export function mergeValues(live: unknown, applied: unknown, descriptor: Descriptor): unknown {
  if (applied === undefined || live === applied) return live;
  if (live === undefined || applied === null) return applied;
  const shape = shapeOf(descriptor, live, applied);
  if (shape.kind === 'leaf') return sameJson(live, applied) ? live : applied;
  if (shape.kind === 'items') return mergeItems(live as unknown[], applied as unknown[], shape.descriptor);
  const result: JsonObject = { ...(live as JsonObject) };
  for (const [name, member] of Object.entries(applied as JsonObject)) {
    if (member !== undefined)
      setMember(result, name, mergeValues(memberOf(result, name), member, descriptorOfMember(shape.descriptor, name)));
  }
  return result;
}

/** The applied items' order wins; live items of others keep their place before those that follow them. */
function mergeItems(live: readonly unknown[], applied: readonly unknown[], list: ListDescriptor): unknown[] {
  const liveSteps = live.map((item) => stepOfItem(list, item));
  const liveItems = itemsByStep(list, live);
  const appliedItems = itemsByStep(list, applied);
  const result: unknown[] = [];
  let at = 0;
  const skipTo = (): void => {
    for (; at < live.length && !appliedItems.has(liveSteps[at] ?? ''); at++) result.push(live[at]);
  };
  for (const [step, item] of appliedItems) {
    skipTo();
    result.push(mergeValues(liveItems.get(step), item, list.items));
    if (liveSteps[at] === step) at++;
  }
  for (; at < live.length; at++) if (!appliedItems.has(liveSteps[at] ?? '')) result.push(live[at]);
  return result;
}

/** A value without the members of a set; undefined when nothing is left of it. */
export function removeFields(value: unknown, set: FieldSet, descriptor: Descriptor): unknown {
  const shape = shapeOf(descriptor, value);
  if (shape.kind === 'leaf') return value;
  if (shape.kind === 'items') {
    const list = shape.descriptor;
    const kept = (value as unknown[]).flatMap((item): unknown[] => {
      const gone = set[stepOfItem(list, item)];
      if (gone === undefined) return [item];
      if (isMember(gone)) return [];
      const rest = removeFields(item, gone, list.items);
      return rest === undefined ? [] : [rest];
    });
    return kept.length === 0 && (value as unknown[]).length > 0 ? undefined : kept;
  }
  const result: JsonObject = {};
  for (const [name, member] of Object.entries(value as JsonObject)) {
    const gone = set[`f:${name}`];
    const rest =
      gone === undefined ? member : isMember(gone) ? undefined : removeFields(member, gone, descriptorOfMember(shape.descriptor, name));
    if (rest !== undefined) setMember(result, name, rest);
  }
  return isEmptyContainer(result) && !isEmptyContainer(value) ? undefined : result;
}
