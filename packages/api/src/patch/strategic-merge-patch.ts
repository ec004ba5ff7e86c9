import { badRequest } from '../errors/constructors.ts';
import { statusError } from '../errors/status.ts';
import type { Descriptor, FieldDescriptor, ObjectDescriptor } from '../schema/descriptor.ts';
import { orderElements } from './element-order.ts';
import type { JsonObject } from './json-value.ts';
import { isJsonObject, memberOf, setMember } from './json-value.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

function isDirective(key: string): boolean {
  return key === directive || key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);
}

function refuse(why: string): never {
  throw badRequest(why);
}

/** A patch value that has no counterpart: directives and nulls mean nothing there. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isJsonObject(item) && Object.hasOwn(item, directive))).map(withoutDirectives);
  }
  if (!isJsonObject(value)) return value;
  const plain: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== null && !isDirective(key)) setMember(plain, key, withoutDirectives(member));
  }
  return plain;
}

function listIn(patch: JsonObject, key: string): unknown[] | undefined {
  const value = patch[key];
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value : refuse(`unable to find api field in struct for the json field ${JSON.stringify(key)}`);
}

/** Where a member goes on: the schema below it and how a list there merges. */
interface Below {
  readonly descriptor: Descriptor | undefined;
  readonly field: FieldDescriptor | undefined;
}

function below(descriptor: Descriptor | undefined, key: string): Below {
  if (descriptor?.type === 'object') {
    const field = descriptor.fields.get(key);
    return { descriptor: field?.value, field };
  }
  return { descriptor: descriptor?.type === 'map' ? descriptor.values : undefined, field: undefined };
}

function mergeObjects(original: JsonObject, patch: JsonObject, descriptor: Descriptor | undefined): JsonObject {
  const command = memberOf(patch, directive);
  if (command === 'replace') return withoutDirectives(patch) as JsonObject;
  if (command === 'delete') return {};
  if (command !== undefined && command !== 'merge') refuse(`unknown patch type: ${String(command)} in map`);
  const result: JsonObject = { ...original };
  const listed = listIn(patch, retainKeys);
  if (listed !== undefined) {
    const retained = new Set(listed);
    for (const key of Object.keys(patch)) {
      if (!isDirective(key) && patch[key] !== null && !retained.has(key))
        refuse(`retainKeys list doesn't contain field ${JSON.stringify(key)}`);
    }
    for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key];
  }
  for (const name of listedFields(patch)) patchList(result, original, patch, name, below(descriptor, name));
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    if (value === null) delete result[key];
    else if (!Array.isArray(value)) setMember(result, key, mergeMember(memberOf(original, key), value, below(descriptor, key)));
  }
  return result;
}

function mergeMember(old: unknown, value: unknown, next: Below): unknown {
  if (isJsonObject(value) && isJsonObject(old)) {
    const replace = next.field?.patchStrategies.includes('replace') === true;
    return replace ? withoutDirectives(value) : mergeObjects(old, value, next.descriptor);
  }
  return withoutDirectives(value);
}

/** The fields of a patch that hold lists or carry directives for one. */
function listedFields(patch: JsonObject): Set<string> {
  const names = new Set<string>();
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) names.add(key.slice(deletePrefix.length));
    else if (key.startsWith(orderPrefix)) names.add(key.slice(orderPrefix.length));
    else if (Array.isArray(value) && !isDirective(key)) names.add(key);
  }
  return names;
}

function patchList(result: JsonObject, original: JsonObject, patch: JsonObject, name: string, next: Below): void {
  const old = memberOf(original, name);
  const value = memberOf(patch, name);
  if (value === null) return;
  const merges = next.field?.patchStrategies.includes('merge') === true;
  const order = listIn(patch, `${orderPrefix}${name}`);
  const deleted = new Set(listIn(patch, `${deletePrefix}${name}`));
  if (!merges || !Array.isArray(old)) {
    if (value !== undefined) setMember(result, name, withoutDirectives(value));
    return;
  }
  const list = next.descriptor?.type === 'list' ? next.descriptor : undefined;
  const kept = (old as unknown[]).filter((item) => !deleted.has(item));
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const key = next.field?.patchMergeKey;
  setMember(result, name, key === undefined ? mergeScalars(kept, items, order) : mergeItems(kept, items, order, key, list?.items));
}

function mergeScalars(old: readonly unknown[], patch: readonly unknown[], order: readonly unknown[] | undefined): unknown[] {
  const merged = [...new Set([...old, ...patch])];
  return orderElements(merged, (item) => item, order ?? patch, old);
}

function mergeItems(
  old: readonly unknown[],
  patch: readonly unknown[],
  order: readonly unknown[] | undefined,
  key: string,
  descriptor: Descriptor | undefined,
): unknown[] {
  const identify = (item: unknown): unknown => (isJsonObject(item) ? memberOf(item, key) : undefined);
  const deleted = new Set<unknown>();
  const added: JsonObject[] = [];
  let replaces = false;
  for (const item of patch) {
    if (!isJsonObject(item)) return refuse(`unable to merge list: expected a map with merge key ${JSON.stringify(key)}`);
    const command = memberOf(item, directive);
    if (command === 'replace') replaces = true;
    else if (command === 'delete') deleted.add(requireKey(item, key));
    else if (command !== undefined && command !== 'merge') refuse(`unknown patch type: ${String(command)} in list`);
    else added.push(item);
  }
  if (replaces) return added.map((item) => withoutDirectives(item));
  const merged = old.filter((item) => !deleted.has(identify(item)) || identify(item) === undefined);
  const places = new Map<unknown, number>();
  for (const [at, item] of merged.entries()) if (!places.has(identify(item))) places.set(identify(item), at);
  for (const item of added) {
    const identity = requireKey(item, key);
    const at = places.get(identity);
    const other = at === undefined ? undefined : merged[at];
    if (at !== undefined && isJsonObject(other)) merged[at] = mergeObjects(other, item, descriptor);
    else {
      places.set(identity, merged.length);
      merged.push(withoutDirectives(item));
    }
  }
  return orderElements(merged, identify, (order ?? added).map(identify), old.map(identify));
}

function requireKey(item: JsonObject, key: string): unknown {
  const value = memberOf(item, key);
  if (value === undefined || value === null) {
    throw statusError(422, 'Invalid', `map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`, {});
  }
  return value;
}

/**
 * Applies a strategic merge patch by the strategies and merge keys of the object's descriptor. The
 * input is not changed; untouched parts are shared with the result.
 * @throws StatusError BadRequest for an unknown directive, Invalid for an item without its merge key.
 */
export function applyStrategicMergePatch(object: unknown, patch: unknown, descriptor: ObjectDescriptor): unknown {
  if (!isJsonObject(patch)) return refuse('cannot unmarshal the patch into an object');
  return mergeObjects(isJsonObject(object) ? object : {}, patch, descriptor);
}
