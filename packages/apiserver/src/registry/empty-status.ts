import { applyDefaults, copyJson, decodeObject, defaultFeatureGates } from '@bayplan/api';
import { descriptorOf } from './decode-object.ts';
import type { TypeName } from './stored-object.ts';

const known = new WeakMap<TypeName, unknown>();

/** The status of a new object, which nobody has reported on: required fields at zero, and defaults such as `phase: Pending`. A copy. */
export function emptyStatus(type: TypeName): unknown {
  if (!known.has(type)) {
    const [version = '', group = ''] = type.apiVersion.split('/').reverse();
    const { object } = decodeObject(descriptorOf({ group, version, kind: type.kind }), {}, { validation: 'Ignore' });
    // No default of a status hangs on a feature.
    applyDefaults(group, version, type.kind, object, defaultFeatureGates);
    known.set(type, object['status']);
  }
  return copyJson(known.get(type));
}
