/**
 * A set of fields in the form of `managedFields[].fieldsV1`: each key is a step (`f:NAME` a field,
 * `k:{...}` an item by its keys, `v:VALUE` an item by its value, `i:N` an item by its place), `{}` a
 * member without anything below, and `.` marks a member that has members below. The stored JSON is
 * worked on as it is, so looking at an object's managers decodes nothing. Immutable; results share
 * parts with their inputs. `undefined` is the empty set.
 */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

export type MaybeFieldSet = FieldSet | undefined;

/** The set that holds only the place itself. */
export const leaf: FieldSet = Object.freeze({});

export function isMember(set: FieldSet): boolean {
  if (Object.hasOwn(set, '.')) return true;
  for (const _ in set) return false;
  return true;
}

/** Builds a set from its own membership and what is below; undefined when that is nothing. */
export function compose(member: boolean, below: Record<string, FieldSet> | undefined): MaybeFieldSet {
  if (below === undefined || isEmptyRecord(below)) return member ? leaf : undefined;
  return member ? { '.': leaf, ...below } : below;
}

function isEmptyRecord(record: Record<string, FieldSet>): boolean {
  for (const _ in record) return false;
  return true;
}

function* steps(set: FieldSet): Generator<[string, FieldSet]> {
  for (const [step, child] of Object.entries(set)) if (step !== '.') yield [step, child];
}

export function union(left: MaybeFieldSet, right: MaybeFieldSet): MaybeFieldSet {
  if (left === undefined || left === right) return right;
  if (right === undefined) return left;
  const below: Record<string, FieldSet> = {};
  for (const [step, child] of steps(left)) below[step] = union(child, right[step]) ?? child;
  for (const [step, child] of steps(right)) if (!Object.hasOwn(below, step)) below[step] = child;
  return compose(isMember(left) || isMember(right), below);
}

export function intersection(left: MaybeFieldSet, right: MaybeFieldSet): MaybeFieldSet {
  if (left === undefined || right === undefined) return undefined;
  const below: Record<string, FieldSet> = {};
  for (const [step, child] of steps(left)) {
    const common = intersection(child, right[step]);
    if (common !== undefined) below[step] = common;
  }
  return compose(isMember(left) && isMember(right), below);
}

/** The members of `left` that are not members of `right`. */
export function difference(left: MaybeFieldSet, right: MaybeFieldSet): MaybeFieldSet {
  if (left === undefined || right === undefined) return left;
  const below: Record<string, FieldSet> = {};
  for (const [step, child] of steps(left)) {
    const rest = difference(child, right[step]);
    if (rest !== undefined) below[step] = rest;
  }
  return compose(isMember(left) && !isMember(right), below);
}

/** The members of `left` that are neither members of `right` nor below one. */
export function withoutTrees(left: MaybeFieldSet, right: MaybeFieldSet): MaybeFieldSet {
  if (left === undefined || right === undefined) return left;
  if (isMember(right)) return undefined;
  const below: Record<string, FieldSet> = {};
  for (const [step, child] of steps(left)) {
    const rest = withoutTrees(child, right[step]);
    if (rest !== undefined) below[step] = rest;
  }
  return compose(isMember(left), below);
}

/** With every named field (not list item) on the way to a member made a member too. */
export function withNamedParents(set: MaybeFieldSet): MaybeFieldSet {
  if (set === undefined) return undefined;
  const below: Record<string, FieldSet> = {};
  for (const [step, child] of steps(set)) {
    const full = withNamedParents(child) ?? leaf;
    below[step] = step.startsWith('f:') && !isMember(full) ? { '.': leaf, ...full } : full;
  }
  return compose(isMember(set), below);
}

export function sameFieldSet(left: MaybeFieldSet, right: MaybeFieldSet): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined || isMember(left) !== isMember(right)) return false;
  let size = 0;
  for (const [step, child] of steps(left)) {
    const other = right[step];
    if (other === undefined || !sameFieldSet(child, other)) return false;
    size++;
  }
  size -= [...steps(right)].length;
  return size === 0;
}

/** The set of the given paths of field names. */
export function setOfPaths(paths: readonly (readonly string[])[]): MaybeFieldSet {
  let result: MaybeFieldSet;
  for (const path of paths) {
    let node: FieldSet = leaf;
    for (const name of [...path].reverse()) node = { [`f:${name}`]: node };
    result = union(result, node);
  }
  return result;
}

/** The same set with its steps in the order in which Kubernetes writes them. */
export function sorted(set: FieldSet): FieldSet {
  if (isSorted(set)) return set;
  const result: Record<string, FieldSet> = {};
  for (const key of Object.keys(set).sort()) result[key] = sorted(set[key] ?? leaf);
  return result;
}

/** Most sets are in order already: telling so makes nothing new. */
function isSorted(set: FieldSet): boolean {
  let before = '';
  for (const key in set) {
    if (key < before || !isSorted(set[key] ?? leaf)) return false;
    before = key;
  }
  return true;
}

/** Every member's path, as conflicts print it: `.spec.containers[name="a"].image`. */
export function memberPaths(set: MaybeFieldSet): string[] {
  const found: string[] = [];
  const walk = (node: FieldSet, path: string): void => {
    if (path !== '' && isMember(node)) found.push(path);
    for (const [step, child] of steps(node)) walk(child, path + stepText(step));
  };
  if (set !== undefined) walk(set, '');
  return found;
}

/** One step of a path as conflicts print it. */
export function stepText(step: string): string {
  const rest = step.slice(2);
  switch (step.charAt(0)) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = JSON.parse(rest) as Record<string, unknown>;
      const parts = Object.keys(keys).sort();
      return `[${parts.map((key) => `${key}=${JSON.stringify(keys[key])}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}
