import { notFound } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';
import { without } from '../../registry/without.ts';
import type { AdmissionRequest } from '../admission.ts';
import { convertedTo, isNamespace } from '../webhook/hook-matching.ts';
import type { Invocation } from '../webhook/hook-matching.ts';

/** The objects of a request in the version that a policy asked for. */
export async function shownObjects(request: AdmissionRequest, { resource }: Invocation): Promise<{ object: unknown; oldObject: unknown }> {
  const shown = async (object: KubeObject | undefined): Promise<unknown> =>
    object === undefined ? undefined : convertedTo(resource, request, object);
  return { object: await shown(request.object), oldObject: await shown(request.old) };
}

/** The variable `namespaceObject`: undefined for what has no namespace. Throws `NotFound`. */
export async function namespaceObjectOf(request: AdmissionRequest, registry: Registry): Promise<object | undefined> {
  if (isNamespace(request) || request.namespace === '') return undefined;
  const { storage, ...namespaces } = registry.stored('', 'v1', 'namespaces');
  await storage.cache.start();
  const found = storage.cache.get('', request.namespace)?.stored ?? (await storage.find('', request.namespace));
  if (found === undefined) throw notFound(namespaces, request.namespace);
  const { metadata, spec, status } = found.object as KubeObject & { spec?: unknown; status?: unknown };
  const shown = without(metadata, 'uid', 'managedFields', 'ownerReferences');
  return { metadata: { ...shown, UID: metadata.uid }, spec: spec ?? {}, status: status ?? {} };
}
