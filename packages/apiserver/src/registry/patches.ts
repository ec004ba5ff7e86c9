import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  fieldInvalid,
  invalid,
  isBadRequest,
  unsupportedMediaType,
} from '@bayplan/api';
import type { ObjectDescriptor } from '@bayplan/api';

export const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
] as const;

/** What one of the three patches that need no managers makes of `target`, which is not changed. */
export function patched(contentType: string, target: unknown, patch: unknown, descriptor: ObjectDescriptor): unknown {
  switch (contentType) {
    case 'application/json-patch+json':
      return applyJsonPatch(target, patch);
    case 'application/merge-patch+json':
      return applyMergePatch(target, patch);
    case 'application/strategic-merge-patch+json':
      return applyStrategicMergePatch(target, patch, descriptor);
    default:
      throw unsupportedMediaType(patchTypes);
  }
}

/** A result that is no object of its kind is the patch's fault: 422, which quotes what was sent or made. Other errors pass. */
export function patchFault(error: unknown, contentType: string, patch: unknown, result: unknown): unknown {
  if (!isBadRequest(error) || !(error instanceof Error)) return error;
  const reason = error.message.replace(/^\S+ in version "[^"]*" cannot be handled as a \w+: /, '');
  const shown = contentType === 'application/strategic-merge-patch+json' ? goText(patch) : JSON.stringify(result);
  return invalid({ group: '', kind: '' }, '', [fieldInvalid('patch', shown, reason)]);
}

/** A JSON value as Kubernetes prints it in messages: `map[spec:map[replicas:x]]`. */
function goText(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${goText(item)}`).join(' ')}]`;
}
