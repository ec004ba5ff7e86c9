import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, unsupportedMediaType } from '@bayplan/api';
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
