import { invalid, loadValidation, validateCreate as faultsOfCreate, validateUpdateThrough } from '@bayplan/api';
import type { FieldError, KubeObject } from '@bayplan/api';
import type { StoredResource } from '../served-resource.ts';

/** Throws `Invalid` with every fault of a new object, which is in the stored version. */
export async function validateCreate(object: KubeObject, resource: StoredResource): Promise<void> {
  const kind = resource.storage.resource;
  // Most kinds' rules are there already, and waiting for nothing would cost a turn of the loop.
  const pending = loadValidation(kind);
  if (pending !== undefined) await pending;
  const faults = faultsOfCreate(kind, object);
  await addSpecialFaults(faults, object, undefined, resource, '');
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}

/** Throws `Invalid` with every fault of an update, through the object itself or one of its subresources. */
export async function validateUpdate(object: KubeObject, old: KubeObject, resource: StoredResource, subresource: string): Promise<void> {
  const kind = resource.storage.resource;
  const pending = loadValidation(kind);
  if (pending !== undefined) await pending;
  const faults = validateUpdateThrough(kind, subresource, object, old);
  await addSpecialFaults(faults, object, old, resource, subresource);
  if (faults.length > 0) throw invalid(kind, object.metadata.name ?? '', faults);
}

/** Kubernetes takes a plain finalizer on a custom resource, a definition and an APIService. */
const plainFinalizer = 'name is neither a standard finalizer name nor is it fully qualified';
const lenientGroups = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

/** What the kind's own table does not say. */
async function addSpecialFaults(
  faults: FieldError[],
  object: KubeObject,
  old: KubeObject | undefined,
  resource: StoredResource,
  subresource: string,
): Promise<void> {
  const found = (await (resource.custom ?? resource.strategy).faults?.(object, old, subresource)) ?? [];
  const lenient = resource.custom !== undefined || lenientGroups.has(resource.group);
  const kept = !lenient ? faults : faults.filter((fault) => !fault.body.endsWith(plainFinalizer));
  faults.splice(0, faults.length, ...kept, ...found);
}
