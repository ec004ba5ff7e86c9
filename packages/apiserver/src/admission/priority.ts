import type { Pod, PriorityClass } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';
import { newPod } from './pod-defaults.ts';

const group = 'scheduling.k8s.io';

/** Turns a pod's priority class into a number, and keeps it at one default class. */
export function priorityAdmission(registry: Registry): AdmissionPlugin {
  const classes = async (): Promise<PriorityClass[]> => {
    const { cache } = registry.stored(group, 'v1', 'priorityclasses').storage;
    await cache.start();
    return cache.list({ matches: () => true }).map((entry) => entry.stored.object as PriorityClass);
  };
  return {
    name: 'Priority',
    async mutate(request) {
      const pod = newPod(request);
      if (pod?.spec !== undefined) settle(request, pod, await classOf(request, pod, registry, classes));
    },
    async validate(request) {
      const { resource, operation, subresource, object } = request;
      if (resource.group !== group || resource.resource !== 'priorityclasses' || subresource !== '') return;
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || (object as PriorityClass | undefined)?.globalDefault !== true) return;
      const other = (await classes()).find((one) => one.globalDefault === true && one.metadata.name !== object?.metadata.name);
      if (other === undefined) return;
      throw refuse(request, `PriorityClass ${other.metadata.name ?? ''} is already marked as default. Only one default can exist`);
    },
  };
}

async function classOf(
  request: AdmissionRequest,
  pod: Pod,
  registry: Registry,
  classes: () => Promise<PriorityClass[]>,
): Promise<PriorityClass | undefined> {
  const name = pod.spec?.priorityClassName ?? '';
  if (name === '') {
    // While there are several defaults, as after a race, the least important counts.
    const defaults = (await classes()).filter((one) => one.globalDefault);
    return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  }
  const found = await registry.stored(group, 'v1', 'priorityclasses').storage.find('', name);
  if (found === undefined) throw refuse(request, `no PriorityClass with name ${name} was found`);
  return found.object as PriorityClass;
}

function settle(request: AdmissionRequest, { spec }: Pod, found: PriorityClass | undefined): void {
  if (spec === undefined) return;
  if (!spec.priorityClassName && found?.metadata.name) spec.priorityClassName = found.metadata.name;
  const value = found?.value ?? 0;
  if (spec.priority !== undefined && spec.priority !== null && spec.priority !== value) {
    throw refuse(
      request,
      `the integer value of priority (${spec.priority.toString()}) must not be provided in pod spec; priority admission controller computed ${value.toString()} from the given PriorityClass name`,
    );
  }
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== null && spec.preemptionPolicy !== policy) {
    throw refuse(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  spec.preemptionPolicy = policy;
}
