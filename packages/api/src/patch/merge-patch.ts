import { isJsonObject, setMember } from './json-value.ts';

/**
 * Applies a JSON merge patch (RFC 7386): null removes, objects merge, anything else replaces. The
 * input is not changed; untouched parts are shared with the result.
 */
export function applyMergePatch(object: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result = isJsonObject(object) ? { ...object } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setMember(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
