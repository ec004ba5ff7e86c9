import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelList, CelMap, CelOptional, CelUint } from '../values/value.ts';

/** A key as messages print it. */
export function keyShown(key: Value): string {
  if (key instanceof CelUint) return key.value.toString();
  return typeof key === 'object' ? 'key' : key.toString();
}

export const noSuchKey = (key: Value): CelError => new CelError(`no such key: ${keyShown(key)}`);
export const noSuchOverload = (): CelError => new CelError('no such overload');

/** The list position that a number of any kind means. */
function positionOf(index: Value): number | undefined {
  if (typeof index === 'bigint') return Number(index);
  if (typeof index === 'number') return Number.isInteger(index) ? index : undefined;
  return index instanceof CelUint ? Number(index.value) : undefined;
}

/** Undefined where a list or map has no such element; an error where the container cannot be indexed so. */
function find(container: Value, key: Value): EvalValue | undefined {
  if (container instanceof CelMap) return container.get(key);
  if (container instanceof CelList) {
    const position = positionOf(key);
    if (position === undefined) return new CelError(`unsupported index type '${typeof key}' in list`);
    return position >= 0 && position < container.size ? container.at(position) : undefined;
  }
  return noSuchOverload();
}

/** `container.field`. On an optional it gives an optional. */
export function selectField(container: EvalValue, field: string): EvalValue {
  if (container instanceof CelMap) return container.get(field) ?? missing(container, field);
  if (container instanceof CelError) return container;
  if (container instanceof CelOptional) return optionalField(container, field);
  return noSuchOverload();
}

/** `get` may hold null, which `??` would take for a missing key. */
function missing(container: CelMap, field: string): EvalValue {
  return container.get(field) === null ? null : noSuchKey(field);
}

/** `has(container.field)` */
export function hasField(container: EvalValue, field: string): EvalValue {
  if (container instanceof CelMap) return container.has(field);
  if (container instanceof CelError) return container;
  if (container instanceof CelOptional) return container.value instanceof CelMap && container.value.has(field);
  return noSuchOverload();
}

/** `container[key]` */
export function indexOf(container: Value, key: Value): EvalValue {
  if (container instanceof CelOptional) return optionalIndex(container, key);
  const found = find(container, key);
  if (found !== undefined) return found;
  return container instanceof CelList ? new CelError(`index out of bounds: ${keyShown(key)}`) : noSuchKey(key);
}

/** `container[?key]`: an optional, whatever the container is. */
export function optionalIndex(container: Value, key: Value): EvalValue {
  const inner = container instanceof CelOptional ? container.value : container;
  if (inner === undefined) return CelOptional.none;
  const found = find(inner, key);
  if (found === undefined) return CelOptional.none;
  return found instanceof CelError ? found : new CelOptional(found);
}

/** `container.?field` */
export function optionalField(container: EvalValue, field: string): EvalValue {
  if (container instanceof CelError) return container;
  const inner = container instanceof CelOptional ? container.value : container;
  if (inner === undefined) return CelOptional.none;
  if (!(inner instanceof CelMap)) return noSuchOverload();
  const found = inner.get(field);
  if (found === undefined) return CelOptional.none;
  return found instanceof CelError ? found : new CelOptional(found);
}
