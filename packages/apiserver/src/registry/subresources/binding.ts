import { badRequest, conflict, invalid, fieldRequired, FieldPath } from '@bayplan/api';
import type { Binding, Pod } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { ResourceContext } from '../../chain/context.ts';
import type { Outcome } from '../../chain/outcome.ts';
import { decodeBody } from '../decode-object.ts';
import type { SpecialHandler } from '../dispatch.ts';
import { trackUpdate } from '../managed-fields.ts';
import type { VerbServices } from '../verbs/services.ts';
import { writeOptions } from '../verbs/write-options.ts';
import { success } from './success.ts';

const bindingType = { group: '', version: 'v1', kind: 'Binding' } as const;

/** POST to `pods/NAME/binding`, and the older POST to `bindings`: gives a pod its node, once. */
export const bindPod: SpecialHandler = async (services, context) => {
  const options = writeOptions(context);
  const binding = (await decodeBody(context, bindingType, options.fieldValidation)) as Binding;
  const name = context.info.name || (binding.metadata.name ?? '');
  if (context.info.name !== '' && (binding.metadata.name ?? context.info.name) !== context.info.name)
    throw badRequest('name in URL does not match name in Binding object');
  if (!binding.target.name) throw invalid({ group: '', kind: 'Binding' }, name, [fieldRequired(FieldPath.of('target').child('name'), '')]);
  if (binding.target.kind && binding.target.kind !== 'Node')
    throw badRequest(`pods can only be bound to nodes, not to a ${binding.target.kind}`);
  return bind(services, context, name, binding, options);
};

async function bind(
  services: VerbServices,
  context: ResourceContext,
  name: string,
  binding: Binding,
  options: ReturnType<typeof writeOptions>,
): Promise<Outcome> {
  const pods = services.registry.stored('', 'v1', 'pods');
  await pods.storage.update(context.info.namespace, name, (current) => {
    const pod = current.object as Pod;
    const refuse = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why);
    if (binding.metadata.uid && binding.metadata.uid !== pod.metadata.uid)
      throw refuse(`Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid ?? ''}`);
    if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
    if (pod.spec?.nodeName) throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
    if ((pod.spec?.schedulingGates?.length ?? 0) > 0) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
    const next = bound(pod, binding, timestamp(services.clock.now()));
    trackUpdate(next, pod, pods, 'binding', options, services.clock);
    return Promise.resolve(options.dryRun ? current : next);
  });
  return { kind: 'value', status: 201, value: success(pods, { name }) };
}

function bound(pod: Pod, binding: Binding, now: string): Pod {
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  const { annotations } = binding.metadata;
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(annotations === undefined ? {} : { annotations: { ...pod.metadata.annotations, ...annotations } }) },
    spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: binding.target.name },
    status: { ...pod.status, conditions: [...conditions, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }] },
  };
}
