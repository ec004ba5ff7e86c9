import { durationText, timestampText } from './time-text.ts';
import type { Value } from './value.ts';
import { CelDuration, CelError, CelList, CelMap, CelOptional, CelTimestamp, CelUint } from './value.ts';
import { JsonList, JsonMap } from './json.ts';

/** Deepest nesting that is turned into JSON. */
const maxDepth = 500;

/**
 * A value as plain JSON: parts of the input are shared, not copied. Ints become numbers, bytes base64, timestamps and
 * durations text. An error for what has no JSON form.
 */
export function toJson(value: Value, depth = 0): unknown {
  if (depth > maxDepth) return new CelError('value is nested too deep');
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'number':
      return Number.isFinite(value) ? value : new CelError('NaN and infinite numbers have no JSON form');
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null ? null : objectToJson(value, depth);
  }
}

function objectToJson(value: Exclude<Value, null | boolean | bigint | number | string>, depth: number): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelUint) return Number(value.value);
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof CelDuration) return durationText(value);
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value, depth + 1);
  if (value instanceof JsonMap || value instanceof JsonList) return value.raw;
  if (value instanceof CelList) {
    const items: unknown[] = [];
    for (const item of value) {
      const json = toJson(item, depth + 1);
      if (json instanceof CelError) return json;
      items.push(json);
    }
    return items;
  }
  if (value instanceof CelMap) {
    const made: Record<string, unknown> = {};
    for (const key of value.keys()) {
      const held = value.get(key) ?? null;
      const json = held instanceof CelError ? held : toJson(held, depth + 1);
      if (json instanceof CelError) return json;
      if (typeof key === 'object' && !(key instanceof CelUint)) return new CelError('map keys must be strings');
      const name = key instanceof CelUint ? key.value.toString() : key.toString();
      Object.defineProperty(made, name, { value: json, writable: true, enumerable: true, configurable: true });
    }
    return made;
  }
  return new CelError('value has no JSON form');
}
