import { builtinResources, resources } from '@bayplan/api';
import type { CustomResourceDefinition, ResourceRef } from '@bayplan/api';
import type { Lister } from '@bayplan/client';

/** Groups that serve the same objects twice; one of them is enough. */
function isDuplicate(ref: ResourceRef): boolean {
  return (ref.group === 'events.k8s.io' && ref.resource === 'events') || (ref.group === 'autoscaling' && ref.version === 'v1');
}

/** Every built-in resource whose objects are stored and can be listed and deleted. */
export function storedResources(): readonly ResourceRef[] {
  return builtinResources.filter((info) => info.verbs.includes('list') && info.verbs.includes('delete') && !isDuplicate(info));
}

/** The resource that an established CustomResourceDefinition adds, in its stored version. */
export function customResource(definition: CustomResourceDefinition): ResourceRef | undefined {
  const established = definition.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
  const version =
    definition.spec.versions.find((candidate) => candidate.storage && candidate.served) ??
    definition.spec.versions.find((candidate) => candidate.served);
  if (!established || version === undefined) return undefined;
  const { group, names, scope } = definition.spec;
  return { group, version: version.name, resource: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' };
}

/** Every namespaced resource that holds objects, pods first, since they need time to stop. */
export function namespacedResources(definitions: Lister<CustomResourceDefinition>): ResourceRef[] {
  const builtin = storedResources().filter((ref) => ref.namespaced && !(ref.group === '' && ref.resource === 'pods'));
  const custom = definitions.list().flatMap((definition) => customResource(definition) ?? []);
  return [resources.pods, ...builtin, ...custom.filter((ref) => ref.namespaced)];
}
