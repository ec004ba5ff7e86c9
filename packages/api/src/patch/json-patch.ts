import { badRequest, requestEntityTooLarge } from '../errors/constructors.ts';
import { statusError } from '../errors/status.ts';
import { isJsonObject, sameJson, setMember } from './json-value.ts';

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: readonly string[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | { readonly op: 'move' | 'copy'; readonly path: readonly string[]; readonly from: readonly string[] };

/** Kubernetes' bound on one request. */
const maxOperations = 10_000;

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

/** Changes one place and copies only the containers above it. `undefined` from `change` removes. */
function edit(node: unknown, path: readonly string[], depth: number, change: (old: unknown) => unknown, insert: boolean): unknown {
  const step = path[depth];
  if (step === undefined) return change(node);
  const last = depth === path.length - 1;
  if (Array.isArray(node)) {
    const copy: unknown[] = [...(node as unknown[])];
    if (last && insert && step === '-') {
      copy.push(change(undefined));
      return copy;
    }
    const at = position(step, copy.length);
    if (at < 0 || at > copy.length || (at === copy.length && !(last && insert))) fail(`index out of range: ${step}`);
    if (last && insert) copy.splice(at, 0, change(undefined));
    else {
      const next = edit(copy[at], path, depth + 1, change, insert);
      if (next === undefined) copy.splice(at, 1);
      else copy[at] = next;
    }
    return copy;
  }
  if (!isJsonObject(node)) return fail(`path does not exist: /${path.join('/')}`);
  if (!Object.hasOwn(node, step) && !(last && insert)) fail(`path does not exist: /${path.join('/')}`);
  const copy = { ...node };
  const next = edit(Object.hasOwn(node, step) ? node[step] : undefined, path, depth + 1, change, insert);
  if (next === undefined) delete copy[step];
  else setMember(copy, step, next);
  return copy;
}

function applyOperation(root: unknown, operation: Operation): unknown {
  const { path } = operation;
  switch (operation.op) {
    case 'add':
      return edit(root, path, 0, () => operation.value, true);
    case 'replace':
      return edit(root, path, 0, () => operation.value, false);
    case 'remove':
      return edit(root, path, 0, () => undefined, false);
    case 'copy': {
      const value = valueAt(root, operation.from);
      return edit(root, path, 0, () => value, true);
    }
    case 'move': {
      const value = valueAt(root, operation.from);
      const without = edit(root, operation.from, 0, () => undefined, false);
      return edit(without, path, 0, () => value, true);
    }
    case 'test':
      // A missing member equals null, as Kubernetes has it.
      if (!sameJson(presentAt(root, path) ?? null, operation.value)) fail(`testing value /${path.join('/')} failed`);
      return root;
  }
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
  return parse(patch).reduce(applyOperation, object);
}
