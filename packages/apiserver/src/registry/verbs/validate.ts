import { invalid, validateCreate as faultsOfCreate, validateStatusUpdate, validateUpdate as faultsOfUpdate } from '@bayplan/api';
import type { FieldError, KubeObject } from '@bayplan/api';
import type { StoredResource } from '../served-resource.ts';

/** Throws `Invalid` with every fault of a new object, which is in the stored version. */
export async function validateCreate(object: KubeObject, resource: StoredResource): Promise<void> {
  const kind = resource.storage.resource;
  const faults = faultsOfCreate(kind, object);
  if (resource.custom !== undefined) await addCustomFaults(faults, object, undefined, resource, '');
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}

/** Throws `Invalid` with every fault of an update, through the object itself or one of its subresources. */
export async function validateUpdate(object: KubeObject, old: KubeObject, resource: StoredResource, subresource: string): Promise<void> {
  const kind = resource.storage.resource;
  const faults =
    subresource === '' || subresource === 'scale' ? faultsOfUpdate(kind, object, old) : validateStatusUpdate(kind, object, old);
  if (resource.custom !== undefined) await addCustomFaults(faults, object, old, resource, subresource);
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}

/** Kubernetes only warns of a plain finalizer on a custom resource. */
const plainFinalizer = 'name is neither a standard finalizer name nor is it fully qualified';

async function addCustomFaults(
  faults: FieldError[],
  object: KubeObject,
  old: KubeObject | undefined,
  resource: StoredResource,
  subresource: string,
): Promise<void> {
  const found = (await resource.custom?.faults(object, old, subresource)) ?? [];
  const kept = faults.filter((fault) => !fault.body.endsWith(plainFinalizer));
  faults.splice(0, faults.length, ...kept, ...found);
}
