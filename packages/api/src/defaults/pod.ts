import type { Container, Pod, PodSpec, PodTemplate, ResourceRequirements } from '../generated/types.ts';
import { parseQuantity } from '../quantity.ts';
import type { Quantity } from '../quantity.ts';
import { defaultPodSpec } from './pod-spec.ts';

/** Resources that may be asked for a pod as a whole. */
const podLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** Of a pod itself, not of a template. */
export function defaultPod(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    defaultRequests(container.resources);
    if (spec.hostNetwork === true) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
  defaultPodRequests(spec);
}

/** A limit without a request asks for as much. */
function defaultRequests(resources: ResourceRequirements | undefined): void {
  if (!resources?.limits) return;
  const requests = resources.requests ?? {};
  for (const [name, limit] of Object.entries(resources.limits)) requests[name] ??= limit;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** Requests of the pod as a whole, where it has limits: what its containers ask for together, or else the limit. */
function defaultPodRequests(spec: PodSpec): void {
  const limits = spec.resources?.limits;
  if (!spec.resources || !limits || Object.keys(limits).length === 0) return;
  const requests = spec.resources.requests ?? {};
  for (const [name, amount] of containerRequests(spec)) if (podLevel(name)) requests[name] ??= amount.toString();
  for (const [name, limit] of Object.entries(limits)) if (podLevel(name)) requests[name] ??= limit;
  if (Object.keys(requests).length > 0) spec.resources.requests = requests;
}

/** The larger of what runs at once in steady state and of each init container beside the sidecars started before it. */
function containerRequests(spec: PodSpec): Map<string, Quantity> {
  const running = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  const add = (container: Container, to: Map<string, Quantity>): void => {
    for (const [name, text] of Object.entries(container.resources?.requests ?? {})) {
      const amount = parseQuantity(text);
      to.set(name, to.get(name)?.add(amount) ?? amount);
    }
  };
  for (const container of spec.initContainers ?? []) {
    const beside = new Map(running);
    add(container, beside);
    if (container.restartPolicy === 'Always') add(container, running);
    for (const [name, amount] of beside) if ((peak.get(name)?.compare(amount) ?? -1) < 0) peak.set(name, amount);
  }
  for (const container of spec.containers ?? []) add(container, running);
  for (const [name, amount] of peak) if ((running.get(name)?.compare(amount) ?? -1) < 0) running.set(name, amount);
  return running;
}

export function defaultPodTemplate(template: PodTemplate): void {
  defaultPodSpec(template.template?.spec);
}
