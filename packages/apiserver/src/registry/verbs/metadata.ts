import { badRequest, conflict, fieldInvalid, invalid, sameJson } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Random } from '@bayplan/component-base';

import type { StoredResource } from '../served-resource.ts';
import { without } from '../without.ts';

/** The longest name that leaves room for a generated suffix. */
const maxGeneratedBase = 58;
const suffixLength = 5;

/** Sets what only the server decides about a new object. */
export function prepareMetadata(object: KubeObject, resource: StoredResource, clock: Clock, random: Random): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.generation;
  if (!resource.namespaced) delete metadata.namespace;
  metadata.uid = random.uuid();
  metadata.creationTimestamp = timestamp(clock.now());
  if (resource.strategy.countsGeneration) metadata.generation = 1;
}

/** Makes a name from `generateName` when there is none. True if it did. */
export function generateName(object: KubeObject, random: Random): boolean {
  const { metadata } = object;
  if (metadata.name || !metadata.generateName) return false;
  metadata.name = metadata.generateName.slice(0, maxGeneratedBase) + random.suffix(suffixLength);
  return true;
}

/** The namespace of a body must be that of the URL; one that is left out is filled in. Throws `BadRequest`. */
export function settleNamespace(object: KubeObject, namespace: string): void {
  const given = object.metadata.namespace ?? '';
  if (namespace === '') return;
  if (given !== '' && given !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  object.metadata.namespace = namespace;
}

/** Checks the optimistic lock and the identity of an update. Throws `Conflict`. */
export function checkPreconditions(object: KubeObject, current: KubeObject, resource: StoredResource): void {
  const name = current.metadata.name ?? '';
  const { resourceVersion, uid } = object.metadata;
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`);
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== '0' &&
    resourceVersion !== current.metadata.resourceVersion
  ) {
    throw conflict(resource, name);
  }
  if (resource.strategy.demandsResourceVersion && (resourceVersion === undefined || resourceVersion === '')) {
    const fault = fieldInvalid('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid({ group: resource.group, kind: resource.resource }, name, [fault]);
  }
}

/** Carries over what an update cannot change. */
export function keepSystemMetadata(object: KubeObject, current: KubeObject): void {
  const { metadata } = object;
  const old = current.metadata;
  const kept = {
    name: old.name,
    generateName: old.generateName,
    namespace: old.namespace,
    uid: old.uid,
    creationTimestamp: old.creationTimestamp,
    deletionTimestamp: old.deletionTimestamp,
    deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
    generation: old.generation,
  };
  for (const [key, value] of Object.entries(kept)) {
    if (value === undefined) Reflect.deleteProperty(metadata, key);
    else Reflect.set(metadata, key, value);
  }
  delete metadata.selfLink;
}

/** Counts the generation up when anything but metadata and status differs. */
export function countGeneration(object: KubeObject, current: KubeObject, resource: StoredResource): void {
  if (!resource.strategy.countsGeneration) return;
  const statusCounts = resource.custom !== undefined && !resource.subresources.some((one) => one.name === 'status');
  const { alsoCounts } = resource.strategy;
  const changed =
    !sameJson(desired(object, statusCounts), desired(current, statusCounts)) ||
    (alsoCounts !== undefined && !sameJson(alsoCounts(object), alsoCounts(current)));
  object.metadata.generation = (current.metadata.generation ?? 1) + (changed ? 1 : 0);
}

/** Without a subresource for it, a custom resource's status is a field like any other. */
function desired(object: KubeObject, withStatus: boolean): object {
  const rest = without(object, 'metadata', 'apiVersion', 'kind');
  return withStatus ? rest : without(rest as KubeObject & { status?: unknown }, 'status');
}
