import { builtinResources } from './generated/resources.ts';
import type { ResourceRef } from './object.ts';

/** What discovery says about a subresource. */
export interface SubresourceInfo {
  readonly name: string;
  /** Group, version and kind of the objects that it takes and gives; `Scale` is `autoscaling/v1`. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  /** HTTP methods that are handed through to the object behind it (exec, proxy); empty for the others. */
  readonly connect: readonly string[];
}

/** A resource with all that discovery says about it. */
export interface ResourceInfo extends ResourceRef {
  readonly singular: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
}

/** The GA resource of a group, version and plural, or undefined. */
export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  return builtinResources.find((item) => item.resource === resource && item.version === version && item.group === group);
}

/** The GA resource that holds objects of a kind, or undefined (options, reviews without a resource). */
export function findResourceOfKind(group: string, version: string, kind: string): ResourceInfo | undefined {
  return builtinResources.find((item) => item.kind === kind && item.version === version && item.group === group);
}
