import type { Container, Pod, PodSpec, PodTemplate, ResourceRequirements } from '../generated/types.ts';
import type { FeatureGates } from '../features/gates.ts';
import { parseQuantity } from '../quantity.ts';
import type { Quantity } from '../quantity.ts';
import { defaultPodSpec } from './pod-spec.ts';

/** Resources that may be asked for a pod as a whole. */
const podLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || hugePages(name);
/** Huge pages cannot be promised twice: what is asked for is also the limit. */
const hugePages = (name: string): boolean => name.startsWith('hugepages-');

/** Of a pod itself, not of a template. */
export function defaultPod(pod: Pod, gates: FeatureGates): void {
  const spec = pod.spec;
  if (!spec) return;
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    defaultRequests(container.resources);
    if (spec.hostNetwork === true) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
  if (gates.get('PodLevelResources') !== true) return;
  defaultPodHugePages(spec);
  defaultPodRequests(spec);
}

/** A limit without a request asks for as much. */
function defaultRequests(resources: ResourceRequirements | undefined): void {
  if (!resources?.limits) return;
  const requests = resources.requests ?? {};
  for (const [name, limit] of Object.entries(resources.limits)) requests[name] ??= limit;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** Limits of huge pages of the pod as a whole, where it says anything of itself: what its containers may use together. */
function defaultPodHugePages({ resources, containers, initContainers }: PodSpec): void {
  if (!resources || Object.keys({ ...resources.limits, ...resources.requests }).length === 0) return;
  const limits = resources.limits ?? {};
  for (const [name, amount] of together({ containers, initContainers }, 'limits'))
    if (hugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= amount.toString();
  if (Object.keys(limits).length > 0) resources.limits = limits;
}

/** Requests of the pod as a whole, where it has limits: what its containers ask for together, or else the limit. */
function defaultPodRequests(spec: PodSpec): void {
  const limits = spec.resources?.limits;
  if (!spec.resources || !limits || Object.keys(limits).length === 0) return;
  const requests = spec.resources.requests ?? {};
  for (const [name, amount] of together(spec, 'requests')) if (podLevel(name) && !hugePages(name)) requests[name] ??= amount.toString();
  for (const [name, limit] of Object.entries(limits)) if (podLevel(name)) requests[name] ??= limit;
  if (Object.keys(requests).length > 0) spec.resources.requests = requests;
}

/** The larger of what runs at once in steady state and of each init container beside the sidecars started before it. */
function together(spec: Pick<PodSpec, 'containers' | 'initContainers'>, of: 'limits' | 'requests'): Map<string, Quantity> {
  const running = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  const add = (container: Container, to: Map<string, Quantity>): void => {
    for (const [name, text] of Object.entries(container.resources?.[of] ?? {})) {
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
