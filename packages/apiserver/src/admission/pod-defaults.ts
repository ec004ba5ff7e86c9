import { forbidden } from '@bayplan/api';
import type { Pod, PriorityClass, RuntimeClass, Toleration } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const tolerationSeconds = 300;

function newPod(request: AdmissionRequest): Pod | undefined {
  const { resource, operation, subresource } = request;
  return resource.group === '' && resource.resource === 'pods' && operation === 'CREATE' && subresource === ''
    ? (request.object as Pod)
    : undefined;
}

/** Pods outlast a node's absence by five minutes unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    const pod = newPod(request);
    if (pod?.spec === undefined) return;
    const tolerations: Toleration[] = [...(pod.spec.tolerations ?? [])];
    for (const key of [notReady, unreachable]) {
      const tolerated = tolerations.some((one) => (one.key === key || !one.key) && (one.effect === 'NoExecute' || !one.effect));
      if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
    }
    pod.spec.tolerations = tolerations;
  },
};

/** Turns a pod's priority class into a number. */
export function priorityAdmission(registry: Registry): AdmissionPlugin {
  return {
    name: 'Priority',
    async mutate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const { storage } = registry.stored('scheduling.k8s.io', 'v1', 'priorityclasses');
      const name = pod.spec.priorityClassName ?? '';
      let found: PriorityClass | undefined;
      if (name !== '') {
        found = (await storage.find('', name))?.object as PriorityClass | undefined;
        if (found === undefined) throw forbidden(request.resource, request.name, `no PriorityClass with name ${name} was found`);
      } else {
        await storage.cache.start();
        const defaults = storage.cache
          .list({ matches: () => true })
          .map((entry) => entry.stored.object as PriorityClass)
          .filter((one) => one.globalDefault);
        found = defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
        if (found?.metadata?.name) pod.spec.priorityClassName = found.metadata.name;
      }
      const value = found?.value ?? 0;
      if (pod.spec.priority !== undefined && pod.spec.priority !== null && pod.spec.priority !== value) {
        throw forbidden(
          request.resource,
          request.name,
          `the integer value of priority (${pod.spec.priority.toString()}) must not be provided in pod spec; priority admission controller computed ${value.toString()} from the given PriorityClass name`,
        );
      }
      pod.spec.priority = value;
      pod.spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
    },
  };
}

/** A RuntimeClass's overhead and placement become the pod's. */
export function runtimeClassAdmission(registry: Registry): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    async mutate(request) {
      const pod = newPod(request);
      const name = pod?.spec?.runtimeClassName ?? '';
      if (pod?.spec === undefined || name === '') return;
      const found = (await registry.stored('node.k8s.io', 'v1', 'runtimeclasses').storage.find('', name))?.object as
        RuntimeClass | undefined;
      if (found === undefined)
        throw forbidden(request.resource, request.name, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
      if (found.overhead?.podFixed !== undefined) pod.spec.overhead = structuredClone(found.overhead.podFixed);
      if (found.scheduling?.nodeSelector !== undefined)
        pod.spec.nodeSelector = { ...pod.spec.nodeSelector, ...found.scheduling.nodeSelector };
      if (found.scheduling?.tolerations !== undefined)
        pod.spec.tolerations = [...(pod.spec.tolerations ?? []), ...structuredClone(found.scheduling.tolerations)];
    },
  };
}
