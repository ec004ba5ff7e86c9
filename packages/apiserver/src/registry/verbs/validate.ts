import { invalid, validateCreate as faultsOfCreate, validateStatusUpdate, validateUpdate as faultsOfUpdate } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { StoredResource } from '../served-resource.ts';

/** Throws `Invalid` with every fault of a new object, which is in the stored version. */
export function validateCreate(object: KubeObject, resource: StoredResource): void {
  const kind = resource.storage.resource;
  const faults = faultsOfCreate(kind, object);
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}

/** Throws `Invalid` with every fault of an update, through the object itself or one of its subresources. */
export function validateUpdate(object: KubeObject, old: KubeObject, resource: StoredResource, subresource: string): void {
  const kind = resource.storage.resource;
  const faults =
    subresource === '' || subresource === 'scale' ? faultsOfUpdate(kind, object, old) : validateStatusUpdate(kind, object, old);
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}
