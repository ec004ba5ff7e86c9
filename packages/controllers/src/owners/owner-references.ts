import { apiVersionOf } from '@bayplan/api';
import type { KubeObject, OwnerReference, ResourceRef } from '@bayplan/api';
import type { Informer } from '@bayplan/client';

/** The reference to the controller that manages an object. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** A reference that makes `owner` the controller of whatever carries it. */
export function controllerReference(ref: ResourceRef, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

const controllerIndex = 'controller';

function controllerValues(object: KubeObject): readonly string[] {
  return [controllerOf(object)?.uid ?? `orphans of ${object.metadata.namespace ?? ''}`];
}

/** Makes an informer answer `controlledBy` and `orphansOf`. May be called again. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): Informer<T> {
  informer.addIndexers({ [controllerIndex]: controllerValues });
  return informer;
}

/** The cached objects whose controller has this uid. */
export function controlledBy<T extends KubeObject>(informer: Informer<T>, uid: string): readonly T[] {
  return informer.lister.byIndex(controllerIndex, uid);
}

/** The cached objects of a namespace that no controller manages. */
export function orphansOf<T extends KubeObject>(informer: Informer<T>, namespace: string): readonly T[] {
  return informer.lister.byIndex(controllerIndex, `orphans of ${namespace}`);
}
