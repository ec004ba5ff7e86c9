import { badRequest, requestEntityTooLarge } from '../errors/constructors.ts';
import { statusError } from '../errors/status.ts';
import { isJsonObject, sameJson, setMember } from './json-value.ts';
import type { JsonObject } from './json-value.ts';

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: readonly string[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | { readonly op: 'move' | 'copy'; readonly path: readonly string[]; readonly from: readonly string[] };

/** Kubernetes' bound on one request. */
const maxOperations = 10_000;
/** What `copy` operations may add, as long as a request may be. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** Why an operation could not be done. Kept as the cause; the client reads Kubernetes' fixed text. */
function fail(why: string): never {
  throw statusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}, { cause: new Error(why) });
}

function pointer(text: unknown, what: string): string[] {
  if (typeof text !== 'string') throw badRequest(`error decoding patch: the operation's ${what} is not a string`);
  if (text === '') return [];
  if (!text.startsWith('/'))
    throw badRequest(`error decoding patch: the operation's ${what} ${JSON.stringify(text)} does not start with a slash`);
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parse(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > maxOperations) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxOperations.toString()}, got ${patch.length.toString()}`,
    );
  }
  return patch.map((item: unknown): Operation => {
    if (!isJsonObject(item)) throw badRequest('error decoding patch: an operation is not an object');
    const path = pointer(item.path, 'path');
    switch (item.op) {
      case 'add':
      case 'replace':
      case 'test':
        return { op: item.op, path, value: item.value ?? null };
      case 'remove':
        return { op: 'remove', path };
      case 'move':
      case 'copy':
        return { op: item.op, path, from: pointer(item.from, 'from') };
      default:
        throw badRequest(`error decoding patch: unexpected operation ${JSON.stringify(item.op)}`);
    }
  });
}

function position(step: string, length: number): number {
  if (!/^(0|-?[1-9]\d*)$/.test(step)) fail(`invalid array index ${step}`);
  const at = Number(step);
  return at < 0 ? at + length : at;
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let current = root;
  for (const step of path) {
    if (Array.isArray(current)) {
      const at = position(step, current.length);
      if (at < 0 || at >= current.length) fail(`index out of range: ${step}`);
      current = current[at];
    } else if (isJsonObject(current) && Object.hasOwn(current, step)) current = current[step];
    else fail(`path does not exist: /${path.join('/')}`);
  }
  return current;
}

/**
 * The document while it is patched. Containers are copied when they are first written to, once each, so that many
 * operations on one large list or map cost no more than their own work.
 */
class Draft {
  root: unknown;
  private readonly own = new Set<object>();
  private copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  /** The value of a `copy`, with what all copies together take bounded: they could double each time. */
  copyOf(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const text = JSON.stringify(value);
    this.copied += text.length;
    if (this.copied > maxCopiedBytes)
      fail(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.copied.toString()}, exceeding the limit ${maxCopiedBytes.toString()}`,
      );
    return JSON.parse(text) as unknown;
  }

  add(path: readonly string[], value: unknown): void {
    const step = path.at(-1);
    if (step === undefined) {
      this.root = value;
      return;
    }
    const parent = this.parentOf(path);
    if (Array.isArray(parent)) {
      const at = step === '-' ? parent.length : position(step, parent.length);
      if (at < 0 || at > parent.length) fail(`index out of range: ${step}`);
      parent.splice(at, 0, value);
    } else setMember(parent, step, value);
  }

  replace(path: readonly string[], value: unknown): void {
    const step = path.at(-1);
    if (step === undefined) {
      this.root = value;
      return;
    }
    const parent = this.parentOf(path);
    if (Array.isArray(parent)) parent[this.placeIn(parent, step)] = value;
    else {
      if (!Object.hasOwn(parent, step)) fail(`path does not exist: /${path.join('/')}`);
      setMember(parent, step, value);
    }
  }

  remove(path: readonly string[]): void {
    const step = path.at(-1);
    if (step === undefined) return fail('the whole document cannot be removed');
    const parent = this.parentOf(path);
    if (Array.isArray(parent)) parent.splice(this.placeIn(parent, step), 1);
    else {
      if (!Object.hasOwn(parent, step)) fail(`path does not exist: /${path.join('/')}`);
      Reflect.deleteProperty(parent, step);
    }
  }

  private placeIn(list: readonly unknown[], step: string): number {
    const at = position(step, list.length);
    return at < 0 || at >= list.length ? fail(`index out of range: ${step}`) : at;
  }

  /** The container of a path's last step; it and those above it may be changed from then on. */
  private parentOf(path: readonly string[]): unknown[] | JsonObject {
    let node = this.owned(this.root, path);
    this.root = node;
    for (const step of path.slice(0, -1)) {
      if (Array.isArray(node)) {
        const at = this.placeIn(node, step);
        node = node[at] = this.owned(node[at], path);
      } else {
        if (!Object.hasOwn(node, step)) fail(`path does not exist: /${path.join('/')}`);
        const below = this.owned(node[step], path);
        setMember(node, step, below);
        node = below;
      }
    }
    return node;
  }

  private owned(node: unknown, path: readonly string[]): unknown[] | JsonObject {
    if (!Array.isArray(node) && !isJsonObject(node)) return fail(`path does not exist: /${path.join('/')}`);
    if (this.own.has(node)) return node as unknown[] | JsonObject;
    const copy: unknown[] | JsonObject = Array.isArray(node) ? [...(node as unknown[])] : { ...node };
    this.own.add(copy);
    return copy;
  }
}

function applyOperation(draft: Draft, operation: Operation): void {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      draft.add(path, operation.value);
      break;
    case 'replace':
      draft.replace(path, operation.value);
      break;
    case 'remove':
      draft.remove(path);
      break;
    case 'copy':
      draft.add(path, draft.copyOf(valueAt(draft.root, operation.from)));
      break;
    case 'move': {
      const value = valueAt(draft.root, operation.from);
      if (isPrefix(operation.from, path)) fail('a value cannot be moved into itself');
      draft.remove(operation.from);
      draft.add(path, value);
      break;
    }
    case 'test':
      // A missing member equals null, as Kubernetes has it.
      if (!sameJson(presentAt(draft.root, path) ?? null, operation.value)) fail(`testing value /${path.join('/')} failed`);
  }
}

function isPrefix(prefix: readonly string[], path: readonly string[]): boolean {
  return prefix.length < path.length && prefix.every((step, at) => path[at] === step);
}

function presentAt(root: unknown, path: readonly string[]): unknown {
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (last === undefined) return root;
  return isJsonObject(parent) ? (Object.hasOwn(parent, last) ? parent[last] : undefined) : valueAt(root, path);
}

/**
 * Applies a JSON patch (RFC 6902). The input is not changed; untouched parts are shared with the result.
 * @throws StatusError BadRequest when it is no patch, Invalid when an operation (a `test` included) fails,
 * RequestEntityTooLarge above 10,000 operations.
 */
export function applyJsonPatch(object: unknown, patch: unknown): unknown {
  const draft = new Draft(object);
  for (const operation of parse(patch)) applyOperation(draft, operation);
  return draft.root;
}
