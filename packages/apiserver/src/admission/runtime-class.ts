import { amountsOf, sameJson } from '@bayplan/api';
import type { Pod, RuntimeClass, Toleration } from '@bayplan/api';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';
import { newPod } from './pod-defaults.ts';

/** A RuntimeClass's overhead and placement become the pod's; a pod's own overhead must be the same. */
export function runtimeClassAdmission(registry: Registry): AdmissionPlugin {
  const classOf = async (request: AdmissionRequest, pod: Pod): Promise<RuntimeClass | undefined> => {
    const name = pod.spec?.runtimeClassName ?? '';
    if (name === '') return undefined;
    const found = await registry.stored('node.k8s.io', 'v1', 'runtimeclasses').storage.find('', name);
    if (found === undefined) throw refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found.object as RuntimeClass;
  };
  return {
    name: 'RuntimeClass',
    async mutate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const found = await classOf(request, pod);
      if (found === undefined) return;
      const fixed = found.overhead?.podFixed;
      if (fixed !== undefined) {
        if (pod.spec.overhead !== undefined && !sameOverhead(pod.spec.overhead, fixed))
          throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        pod.spec.overhead = structuredClone(fixed);
      }
      place(request, pod, found);
    },
    async validate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const found = await classOf(request, pod);
      const fixed = found?.overhead?.podFixed ?? {};
      const own = pod.spec.overhead ?? {};
      if (sameOverhead(own, fixed)) return;
      throw refuse(
        request,
        Object.keys(fixed).length === 0
          ? 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
          : "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
      );
    },
  };
}

function place(request: AdmissionRequest, { spec }: Pod, { scheduling }: RuntimeClass): void {
  if (spec === undefined || scheduling === undefined) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value)
      throw refuse(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const tolerations: Toleration[] = [...(spec.tolerations ?? [])];
  for (const toleration of scheduling.tolerations ?? [])
    if (!tolerations.some((one) => sameJson(one, toleration))) tolerations.push(structuredClone(toleration));
  if (tolerations.length > 0) spec.tolerations = tolerations;
}

function sameOverhead(a: Record<string, string>, b: Record<string, string>): boolean {
  const [mine, theirs] = [amountsOf(a), amountsOf(b)];
  return mine.size === theirs.size && [...mine].every(([name, amount]) => theirs.get(name)?.compare(amount) === 0);
}
