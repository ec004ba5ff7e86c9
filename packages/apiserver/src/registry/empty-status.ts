import { applyDefaults, copyJson, decodeObject } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { descriptorOf } from './decode-object.ts';
import type { TypeName } from './stored-object.ts';

const known = new WeakMap<TypeName, unknown>();

/** The status of a new object, which nobody has reported on: required fields at zero, and defaults such as `phase: Pending`. A copy. */
export function emptyStatus(type: TypeName): unknown {
  if (!known.has(type)) {
    const [version = '', group = ''] = type.apiVersion.split('/').reverse();
    const { object } = decodeObject(descriptorOf({ group, version, kind: type.kind }), {}, { validation: 'Ignore' });
    applyDefaults(group, version, type.kind, object as unknown as KubeObject);
    known.set(type, object['status']);
  }
  return copyJson(known.get(type));
}
