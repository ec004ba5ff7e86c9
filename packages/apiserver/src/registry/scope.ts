import { methodNotAllowed, methodNotSupported, pathNotFound } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { ServedResource } from './served-resource.ts';

/**
 * A URL must have the form that its resource has. Otherwise a cluster-scoped object could be reached through
 * a namespace, where a RoleBinding of that namespace would allow it. Throws `NotFound` and `MethodNotAllowed`.
 */
export function checkScope({ info, request }: ResourceContext, resource: ServedResource): void {
  const { namespace, name, verb, subresource } = info;
  if (request.method === 'OPTIONS' && subresource !== 'proxy') throw methodNotAllowed();
  if (!resource.namespaced) {
    const itself = resource.group === '' && resource.resource === 'namespaces' && name === namespace;
    if (namespace !== '' && !itself) throw pathNotFound();
  } else if (namespace === '' && verb !== 'list' && verb !== 'watch') {
    // Collections of all namespaces can be read, nothing else.
    throw name === '' ? methodNotSupported(resource, verb) : pathNotFound();
  }
  const needsName = subresource !== '' || verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete';
  if (needsName ? name === '' : verb === 'create' && name !== '') throw methodNotSupported(resource, verb);
}
