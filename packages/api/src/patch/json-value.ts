/** A JSON object whose shape is not known to the compiler. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are the same; an undefined member counts as absent, key order does not count. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    for (let at = 0; at < left.length; at++) if (!sameJson(left[at], right[at])) return false;
    return true;
  }
  if (Array.isArray(right)) return false;
  const one = left as JsonObject;
  const other = right as JsonObject;
  let size = 0;
  for (const key in one) {
    if (one[key] === undefined) continue;
    if (!sameJson(one[key], other[key])) return false;
    size++;
  }
  for (const key in other) if (other[key] !== undefined) size--;
  return size === 0;
}

/** A deep copy of a JSON value; for the small ones much quicker than `structuredClone`. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) setMember(copy, key, copyJson(member as unknown));
  return copy as T;
}

/** Sets a member as data even when it is called `__proto__`. */
export function setMember(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

export function memberOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
