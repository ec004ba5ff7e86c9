import { deprecations } from './deprecations.ts';
import { methodNotSupported, pathNotFound } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import { UnknownPath } from '../unknown-path.ts';
import type { Outcome } from '../chain/outcome.ts';
import { isStored, subresourceOf } from './served-resource.ts';
import { checkScope } from './scope.ts';
import type { ServedResource, StoredResource } from './served-resource.ts';
import { createObject } from './verbs/create.ts';
import { deleteCollection, deleteObject } from './verbs/delete.ts';
import { getObject, listObjects } from './verbs/read.ts';
import type { VerbCall, VerbServices } from './verbs/services.ts';
import { patchObject } from './verbs/patch.ts';
import { updateObject } from './verbs/update.ts';
import { watchObjects } from './verbs/watch.ts';

/** A handler of something that is not plain storage: a subresource, or a resource that only answers. */
export type SpecialHandler = (services: VerbServices, context: ResourceContext, resource: ServedResource) => Promise<Outcome>;

/** Finds the verb for a request to a resource. Throws `NotFound` and `MethodNotAllowed`. */
export async function dispatchResource(
  services: VerbServices,
  specials: ReadonlyMap<string, SpecialHandler>,
  asked: ResourceContext,
): Promise<Outcome> {
  const { group, version, resource: plural, subresource, verb } = asked.info;
  const resource = await services.registry.findLate(group, version, plural);
  if (resource === undefined) throw services.registry.serves(group, version) ? pathNotFound() : new UnknownPath();
  checkScope(asked, resource);
  // To authorisation a Namespace lies within itself; to storage it is an object like any other.
  const context: ResourceContext = resource.namespaced ? asked : { ...asked, info: { ...asked.info, namespace: '' } };
  if (subresource !== '' && subresourceOf(resource, subresource) === undefined) throw pathNotFound();
  const deprecation = deprecations[`${group}/${version}/${plural}`];
  if (deprecation !== undefined) context.warnings.push(deprecation);
  const special = specials.get(`${group}/${plural}${subresource === '' ? '' : `/${subresource}`}`);
  if (special !== undefined) return special(services, context, resource);
  if (resource.custom !== undefined && isStored(resource)) {
    resource.custom.admit(context, resource);
    if (subresource === 'scale') return resource.custom.scale(services, context, resource);
  }
  const allowed = subresource === '' ? resource.verbs : (subresourceOf(resource, subresource)?.verbs ?? []);
  const isNamedCreate = verb === 'create' && subresource === '' && asked.info.name !== '';
  if (!allowed.includes(verb) || isNamedCreate || !isStored(resource)) throw methodNotSupported(resource, verb);
  const outcome = await runVerb({ services, context, resource: resource as StoredResource });
  return resource.custom === undefined ? outcome : resource.custom.present(outcome);
}

function runVerb(call: VerbCall): Promise<Outcome> {
  switch (call.context.info.verb) {
    case 'get':
      return getObject(call);
    case 'list':
      return listObjects(call);
    case 'watch':
      return watchObjects(call);
    case 'create':
      return createObject(call);
    case 'update':
      return updateObject(call);
    case 'patch':
      return patchObject(call);
    case 'delete':
      return deleteObject(call);
    case 'deletecollection':
      return deleteCollection(call);
  }
}
