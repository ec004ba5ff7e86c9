import { forbidden, notFound, statusOf, StatusError } from '@bayplan/api';
import type { Namespace } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

/** Namespaces that a cluster cannot be without. */
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that is absent or going; the cluster's own namespaces stay. */
export function namespaceLifecycle(registry: Registry): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async mutate(request) {
      const { resource, operation, namespace } = request;
      const isNamespace = resource.group === '' && resource.resource === 'namespaces';
      if (operation === 'DELETE' && isNamespace && immortal.has(request.name))
        throw forbidden(resource, request.name, 'this namespace may not be deleted');
      if (operation !== 'CREATE' || !resource.namespaced || request.subresource !== '') return;
      // Reviews are answered, not stored.
      if (resource.storage === undefined) return;
      await demandActive(registry, request, namespace);
    },
  };
}

async function demandActive(registry: Registry, request: AdmissionRequest, name: string): Promise<void> {
  const { storage, ...namespaces } = registry.stored('', 'v1', 'namespaces');
  await storage.cache.start();
  const found = storage.cache.get('', name)?.stored ?? (await storage.find('', name));
  if (found === undefined) throw notFound(namespaces, name);
  if (!found.object.metadata.deletionTimestamp && (found.object as Namespace).status?.phase !== 'Terminating') return;
  const refusal = forbidden(
    request.resource,
    request.name,
    `unable to create new content in namespace ${name} because it is being terminated`,
  );
  const status = statusOf(refusal);
  if (status === undefined) throw refusal;
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' };
  throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}
