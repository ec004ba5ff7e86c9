import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Container, Pod, PodSpec } from '../../generated/types.ts';
import { sameJson } from '../../patch/json-value.ts';
import { qosClassOf } from '../../qos.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { eachOf, omit } from '../faults.ts';
import { mirrorKey } from './annotations.ts';
import { isSidecar } from './context.ts';
import { validatePodAgain } from './pod.ts';

const spec = FieldPath.of('spec');
const empty: PodSpec = { containers: [] };

type Amounts = Readonly<Record<string, string>> | undefined;

function asksForPod({ spec: wanted }: Pod): boolean {
  const { requests, limits } = wanted?.resources ?? {};
  return Object.keys(requests ?? {}).length + Object.keys(limits ?? {}).length > 0;
}

/** A node that can resize reports what each running container has. */
function canResize(pod: Pod): boolean {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

/** Same containers in the same order. Answers whether it is so. */
function checkOrder(next: MaybeList<Container>, old: MaybeList<Container>, list: 'containers' | 'initContainers', faults: Faults): boolean {
  if ((next ?? []).length !== (old ?? []).length) {
    faults.push(fieldForbidden(spec.child(list), `${list} may not be added or removed on resize`));
    return false;
  }
  const before = faults.length;
  eachOf(old, spec.child(list), ({ name }, here, at) => {
    if (next?.[at]?.name === name) return;
    faults.push(fieldForbidden(here.child('name'), `${list} may not be renamed or reordered on resize`));
  });
  return faults.length === before;
}

function isMissing(next: Amounts, old: Amounts): boolean {
  return Object.keys(old ?? {}).some((name) => next?.[name] === undefined);
}

function checkNothingRemoved(next: Container | undefined, old: Container, path: FieldPath, faults: Faults): void {
  const here = path.child('resources');
  if (isMissing(next?.resources?.requests, old.resources?.requests)) {
    faults.push(fieldForbidden(here.child('requests'), 'resource requests cannot be removed'));
  }
  if (isMissing(next?.resources?.limits, old.resources?.limits)) {
    faults.push(fieldForbidden(here.child('limits'), 'resource limits cannot be removed'));
  }
}

/** What of a container a resize leaves as it is: all but the amounts of CPU and memory. */
function fixedPart(container: Container): object {
  const amounts = (list: Amounts): object | undefined => {
    const rest = omit(list, 'cpu', 'memory');
    return Object.keys(rest).length === 0 ? undefined : rest;
  };
  const { requests, limits } = container.resources ?? {};
  const resources = omit({ ...container.resources, requests: amounts(requests), limits: amounts(limits) });
  return { ...omit(container, 'resources', 'resizePolicy'), ...(Object.keys(resources).length === 0 ? {} : { resources }) };
}

/** A change of what a pod's containers may use while they run. */
export function validatePodResize(next: Pod, old: Pod, faults: Faults): void {
  const refuse = (fault: string): void => {
    faults.length = 0;
    faults.push(fieldForbidden('', fault));
  };
  validatePodAgain(next, old, faults);
  if (asksForPod(old) || asksForPod(next)) {
    refuse('pods with pod-level resources cannot be resized');
    return;
  }
  if (old.metadata?.annotations?.[mirrorKey] !== undefined) {
    refuse('static pods cannot be resized');
    return;
  }
  if (old.spec?.os?.name === 'windows') {
    refuse('windows pods cannot be resized');
    return;
  }
  const qos = old.status?.qosClass ?? qosClassOf(old);
  if (qos !== qosClassOf(next)) {
    faults.push(fieldInvalid(spec, next.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  if (!canResize(old)) faults.push(fieldForbidden(spec, 'Pod running on node without support for resize'));
  const before = old.spec ?? empty;
  const after = next.spec ?? empty;
  const ordered = checkOrder(after.containers, before.containers, 'containers', faults);
  if (!checkOrder(after.initContainers, before.initContainers, 'initContainers', faults) || !ordered) return;
  eachOf(before.initContainers, spec.child('initContainers'), (container, here, at) => {
    if (isSidecar(container)) checkNothingRemoved(after.initContainers?.[at], container, here, faults);
  });
  eachOf(before.containers as MaybeList<Container>, spec.child('containers'), (container, here, at) => {
    checkNothingRemoved(after.containers[at], container, here, faults);
  });
  for (const [at, container] of before.containers.entries()) {
    const wanted = after.containers[at];
    if (wanted === undefined || sameJson(fixedPart(container), fixedPart(wanted))) continue;
    faults.push(fieldForbidden(spec, 'only cpu and memory resources are mutable'));
  }
  for (const [at, container] of (before.initContainers ?? []).entries()) {
    const wanted = after.initContainers?.[at];
    if (wanted === undefined) continue;
    if (!isSidecar(container)) {
      if (!sameJson(container, wanted)) faults.push(fieldForbidden(spec, 'resources for non-sidecar init containers are immutable'));
    } else if (!sameJson(fixedPart(container), fixedPart(wanted))) {
      faults.push(fieldForbidden(spec, 'only cpu and memory resources for sidecar containers are mutable'));
    }
  }
}
