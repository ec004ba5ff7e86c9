import { badRequest, conflict, FieldPath, fieldRequired, invalid, methodNotSupported } from '@bayplan/api';
import type { Binding, KubeObject, Pod } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { admissionRequest, admit } from '../admission/admission.ts';
import { writeOptionsObject } from '../admission/request-options.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import type { VerbServices } from '../registry/verbs/services.ts';
import { writeOptions } from '../registry/verbs/write-options.ts';
import { success } from './success.ts';

const bindingType = { group: '', version: 'v1', kind: 'Binding' } as const;

/** `pods/binding`, and `bindings` by which it was once done: gives a pod to a node, once. */
export const bindingHandler: SpecialHandler = async (services, context, resource) => {
  if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
  const options = writeOptions(context);
  const binding = (await decodeBody(context, bindingType, options.fieldValidation)) as Binding;
  const name = context.info.name || (binding.metadata?.name ?? '');
  if (name === '') throw badRequest('name is required');
  if (binding.metadata?.name && binding.metadata.name !== name) throw badRequest('name in URL does not match name in Binding object');
  const node = binding.target.name ?? '';
  if (node === '') throw invalid({ group: '', kind: 'Binding' }, name, [fieldRequired(FieldPath.of('target', 'name'), '')]);
  await admit(
    services.admission,
    admissionRequest(context, {
      operation: 'CREATE',
      resource,
      subresource: context.info.subresource,
      namespace: context.info.namespace,
      name,
      object: binding as KubeObject,
      old: undefined,
      bodyKind: bindingType,
      options: writeOptionsObject('CreateOptions', context),
      dryRun: options.dryRun,
    }),
  );
  if (!options.dryRun) await bind(services, context.info.namespace, name, node, binding);
  return success(201);
};

async function bind(services: VerbServices, namespace: string, name: string, node: string, binding: Binding): Promise<void> {
  const pods = services.registry.stored('', 'v1', 'pods');
  await pods.storage.update(namespace, name, (current) => {
    const pod = structuredClone(current.object) as Pod & { metadata: NonNullable<Pod['metadata']> };
    const { uid, resourceVersion } = binding.metadata ?? {};
    if (uid && uid !== pod.metadata.uid)
      throw conflict(pods, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`);
    if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) throw conflict(pods, name);
    if (pod.metadata.deletionTimestamp) throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    if (pod.spec === undefined) throw badRequest('the pod has no spec');
    if (pod.spec.nodeName) throw conflict(pods, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
    if ((pod.spec.schedulingGates ?? []).length > 0) throw conflict(pods, name, `pod ${name} has non-empty .spec.schedulingGates`);
    pod.spec.nodeName = node;
    Object.assign(
      pod.metadata,
      binding.metadata?.annotations === undefined ? {} : { annotations: { ...pod.metadata.annotations, ...binding.metadata.annotations } },
    );
    if (binding.metadata?.labels !== undefined) pod.metadata.labels = { ...pod.metadata.labels, ...binding.metadata.labels };
    const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
    const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(services.clock.now()) };
    pod.status = { ...pod.status, conditions: [...others, scheduled as never] };
    return Promise.resolve(pod);
  });
}
