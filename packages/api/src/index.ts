// The 600 generated interfaces are the one exception to "no export *": their names are Kubernetes' own.
export type * from './generated/types.ts';
export { builtinResources, resources } from './generated/resources.ts';
export type { KubeList, KubeObject, ResourceRef, WatchEvent } from './object.ts';
export { apiVersionOf, pathOf } from './object.ts';
export type { ResourceInfo, SubresourceInfo } from './resources.ts';
export { findResource, findResourceOfKind } from './resources.ts';
export { builtinTypeNames, descriptorAt, schemaFor, schemaOfType } from './schema/builtin.ts';
export type {
  AnyDescriptor,
  AnyName,
  Descriptor,
  FieldDescriptor,
  ListDescriptor,
  MapDescriptor,
  ObjectDescriptor,
  PatchStrategy,
  ScalarDescriptor,
  ScalarName,
} from './schema/descriptor.ts';
