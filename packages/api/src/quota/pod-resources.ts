import type { Container, ContainerStatus, Pod, ResourceRequirements } from '../generated/types.ts';
import type { Quantity } from '../quantity.ts';
import { addTo, amountsOf, raiseTo } from './amounts.ts';
import type { Amounts } from './amounts.ts';

type Kind = 'requests' | 'limits';

/**
 * What a whole pod requests: its containers and sidecars together or, if that is more, the largest moment of its
 * init containers; resources of the pod itself instead where given; and its overhead. Resizes that are under way
 * count with the larger of both sides.
 */
export function podRequests(pod: Pod): Map<string, Quantity> {
  const total = atPodLevel(pod, 'requests', ofContainers(pod, 'requests'));
  addTo(total, amountsOf(pod.spec?.overhead));
  return total;
}

/** What a whole pod is limited to, computed as `podRequests`; overhead only adds to limits that exist. */
export function podLimits(pod: Pod): Map<string, Quantity> {
  const total = atPodLevel(pod, 'limits', ofContainers(pod, 'limits'));
  addTo(total, new Map([...amountsOf(pod.spec?.overhead)].filter(([name]) => total.get(name)?.isZero() === false)));
  return total;
}

/** No container asks for or is held to any CPU or memory, nor is the pod as a whole. */
export function isBestEffortPod(pod: Pod): boolean {
  const { spec } = pod;
  const all: (ResourceRequirements | undefined)[] = [
    spec?.resources,
    ...[...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((container) => container.resources),
  ];
  return all.every((resources) =>
    [resources?.requests, resources?.limits].every((list) =>
      ['cpu', 'memory'].every((name) => amountsOf(list).get(name)?.isZero() ?? true),
    ),
  );
}

function ofContainers(pod: Pod, kind: Kind): Map<string, Quantity> {
  const { spec, status } = pod;
  const total = new Map<string, Quantity>();
  for (const container of spec?.containers ?? []) addTo(total, ofContainer(container, kind, status?.containerStatuses));
  const sidecars = new Map<string, Quantity>();
  const init = new Map<string, Quantity>();
  for (const container of spec?.initContainers ?? []) {
    const own = ofContainer(container, kind, status?.initContainerStatuses);
    if (container.restartPolicy === 'Always') {
      addTo(total, own);
      addTo(sidecars, own);
      raiseTo(init, sidecars);
    } else {
      const moment = new Map(own);
      addTo(moment, sidecars);
      raiseTo(init, moment);
    }
  }
  raiseTo(total, init);
  return total;
}

function ofContainer(container: Container, kind: Kind, statuses: readonly ContainerStatus[] | undefined): Amounts {
  const wanted = amountsOf(container.resources?.[kind]);
  const status = statuses?.find((candidate) => candidate.name === container.name);
  if (status?.resources === undefined) return wanted;
  raiseTo(wanted, amountsOf(status.resources[kind]));
  if (kind === 'requests') raiseTo(wanted, amountsOf(status.allocatedResources));
  return wanted;
}

/** Resources that a pod can have as a whole. */
const ofWholePods = /^(cpu|memory|hugepages-.*)$/;

function atPodLevel(pod: Pod, kind: Kind, sum: Map<string, Quantity>): Map<string, Quantity> {
  for (const [name, amount] of amountsOf(pod.spec?.resources?.[kind])) if (ofWholePods.test(name)) sum.set(name, amount);
  return sum;
}
