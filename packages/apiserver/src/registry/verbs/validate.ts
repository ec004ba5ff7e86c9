import { FieldPath, fieldRequired, invalid } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { StoredResource } from '../served-resource.ts';

/** Throws `Invalid` with every fault of a new object. */
export function validateCreate(object: KubeObject, resource: StoredResource): void {
  if (!object.metadata.name)
    throw invalid(resource, '', [fieldRequired(FieldPath.of('metadata', 'name'), 'name or generateName is required')]);
}

/** Throws `Invalid` with every fault of an update. */
export function validateUpdate(_object: KubeObject, _old: KubeObject, _resource: StoredResource, _subresource: string): void {
  return;
}
