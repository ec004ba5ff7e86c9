import type { ResourceContext } from '../chain/context.ts';
import type { DeleteRequest } from '../registry/verbs/delete-options.ts';

const apiVersion = 'meta.k8s.io/v1';

/** The options of a write as admission shows them: a patch counts as what it does, an update or a create. */
export function writeOptionsObject(kind: 'CreateOptions' | 'UpdateOptions', context: ResourceContext): Record<string, unknown> {
  const { query } = context.request;
  const dryRun = query.getAll('dryRun');
  const fieldManager = query.get('fieldManager');
  const fieldValidation = query.get('fieldValidation');
  return {
    kind,
    apiVersion,
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

export function deleteOptionsObject(request: DeleteRequest): Record<string, unknown> {
  const { gracePeriodSeconds, propagationPolicy, uid, resourceVersion, dryRun } = request;
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return {
    kind: 'DeleteOptions',
    apiVersion,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  };
}
