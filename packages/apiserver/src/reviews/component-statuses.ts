import { methodNotSupported, notFound } from '@bayplan/api';
import type { SpecialHandler } from '../registry/dispatch.ts';

/** Deprecated in Kubernetes and without use since components watch themselves: always empty. */
export const componentStatusesHandler: SpecialHandler = (_services, context, resource) => {
  if (context.info.verb === 'get') return Promise.reject(notFound(resource, context.info.name));
  if (context.info.verb !== 'list') return Promise.reject(methodNotSupported(resource, context.info.verb));
  return Promise.resolve({ kind: 'value', status: 200, value: { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: [] } });
};
