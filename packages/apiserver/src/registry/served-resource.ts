import type { KubeObject, ResourceInfo, SubresourceInfo } from '@bayplan/api';
import type { CustomKind } from './custom-kind.ts';
import type { ResourceStorage } from './resource-storage.ts';
import type { Strategy } from './strategy.ts';

/** One resource of one version as it is served. Versions of one resource share their storage. */
export interface ServedResource extends ResourceInfo {
  readonly apiVersion: string;
  /** Undefined for what is answered but never stored, such as SubjectAccessReview. */
  readonly storage: ResourceStorage | undefined;
  readonly strategy: Strategy;
  /** Between this version and the stored one; undefined when they are the same. Neither changes its argument. */
  readonly conversion: Conversion | undefined;
  /** Set for resources of CustomResourceDefinitions. */
  readonly custom?: CustomKind | undefined;
}

export interface Conversion {
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

/** A served resource whose objects are stored. */
export interface StoredResource extends ServedResource {
  readonly storage: ResourceStorage;
}

export function isStored(resource: ServedResource): resource is StoredResource {
  return resource.storage !== undefined;
}

/** Whether two resources are versions of one: what is written through one shows in the other. */
export function sharesObjects(one: ServedResource, other: ServedResource): boolean {
  return one.storage !== undefined && one.storage.cache === other.storage?.cache;
}

export function subresourceOf(resource: ServedResource, name: string): SubresourceInfo | undefined {
  return resource.subresources.find((subresource) => subresource.name === name);
}
