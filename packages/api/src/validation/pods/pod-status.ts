import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults, qualifiedNameFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkImmutable, checkRange, checkRequired, checkSyntax, checkUnique, eachOf, maxInt32 } from '../faults.ts';
import { checkIp, isDualStack } from '../ip.ts';
import { validatePodAnnotationsUpdate } from './annotations.ts';
import { isSidecar } from './context.ts';

const status = FieldPath.of('status');
const systemConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);
const generationFault = 'must be a non-negative integer';

function validateConditions({ conditions }: PodStatus, faults: Faults): void {
  eachOf(conditions, status.child('conditions'), ({ type, observedGeneration = 0 }, here) => {
    if (observedGeneration < 0) faults.push(fieldInvalid(here.child('observedGeneration'), observedGeneration, generationFault));
    if (!systemConditions.has(type)) checkSyntax(type, qualifiedNameFaults, here.child('Type'), faults);
  });
}

/** Whether the rules of a container say that it starts again after this exit. */
function restarts(container: Container | undefined, spec: PodSpec, exitCode: number): boolean {
  for (const { action, exitCodes } of container?.restartPolicyRules ?? []) {
    const listed = exitCodes?.values?.includes(exitCode) === true;
    if (action === 'Restart' && exitCodes !== undefined && listed === (exitCodes.operator === 'In')) return true;
  }
  const policy = container?.restartPolicy ?? spec.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function checkTransitions(
  next: MaybeList<ContainerStatus>,
  old: MaybeList<ContainerStatus>,
  mayRestart: (name: string, exitCode: number) => boolean,
  path: FieldPath,
  faults: Faults,
): void {
  eachOf(old, path, ({ name, state }, here) => {
    if (state?.terminated === undefined || mayRestart(name, state.terminated.exitCode)) return;
    const now = next?.find((other) => other.name === name);
    if (now !== undefined && now.state?.terminated === undefined) {
      faults.push(fieldForbidden(here.child('state'), 'may not be transitioned to non-terminated state'));
    }
  });
}

function validateAddresses(
  addresses: MaybeList<{ readonly ip?: string | undefined }>,
  old: MaybeList<{ readonly ip?: string | undefined }>,
  path: FieldPath,
  faults: Faults,
): void {
  if (!addresses || addresses.length === 0) return;
  const known = (old ?? []).map(({ ip = '' }) => ip);
  eachOf(addresses, path, ({ ip = '' }, here) => {
    checkIp(ip, here, faults, known);
  });
  if (addresses.length > 1 && (addresses.length > 2 || !isDualStack(addresses.map(({ ip = '' }) => ip)))) {
    faults.push(fieldInvalid(path, addresses, 'may specify no more than one IP for each IP family'));
  }
}

function validateUsers(list: MaybeList<ContainerStatus>, os: string | undefined, path: FieldPath, faults: Faults): void {
  eachOf(list, path, ({ user }, at) => {
    const linux = user?.linux;
    if (linux === undefined) return;
    const here = at.child('user', 'linux');
    if (os === 'windows') {
      faults.push(fieldForbidden(here, 'cannot be set for a windows pod'));
      return;
    }
    checkRange(linux.uid, 0, maxInt32, here.child('uid'), faults);
    checkRange(linux.gid, 0, maxInt32, here.child('gid'), faults);
    eachOf(linux.supplementalGroups, here.child('supplementalGroups'), (group, there) => {
      checkRange(group, 0, maxInt32, there, faults);
    });
  });
}

const healths = ['Healthy', 'Unhealthy', 'Unknown'];

/** Devices and the health that their node reports. */
function validateDevices(list: MaybeList<ContainerStatus>, containers: MaybeList<Container>, path: FieldPath, faults: Faults): void {
  eachOf(list, path, ({ name, allocatedResourcesStatus }, at) => {
    const names = new Set<string>();
    const owner = containers?.find((container) => container.name === name);
    eachOf(allocatedResourcesStatus, at.child('allocatedResourcesStatus'), (resource, here) => {
      checkUnique(resource.name, names, here.child('name'), faults);
      const asked = owner?.resources?.requests?.[resource.name] !== undefined || resource.name.startsWith('claim:');
      if (owner !== undefined && !asked) {
        faults.push(fieldInvalid(here.child('name'), resource.name, "must match one of the container's resource requirements"));
      }
      const ids = new Set<string>();
      eachOf(resource.resources, here.child('resources'), ({ resourceID, health }, there) => {
        if (health !== undefined && !healths.includes(health)) faults.push(fieldNotSupported(there.child('health'), health, healths));
        checkUnique(resourceID, ids, there.child('resourceID'), faults);
      });
    });
  });
}

function validateClaims(pod: Pod, faults: Faults): void {
  const names = new Set<string>();
  eachOf(pod.status?.resourceClaimStatuses, status.child('resourceClaimStatuses'), ({ name, resourceClaimName }, here) => {
    if (pod.spec?.resourceClaims?.some((claim) => claim.name === name) !== true) {
      faults.push(fieldInvalid(here.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    checkUnique(name, names, here.child('name'), faults);
    if (resourceClaimName !== undefined) checkSyntax(resourceClaimName, dns1123SubdomainFaults, here.child('name'), faults);
  });
  const extended = pod.status?.extendedResourceClaimStatus;
  if (extended === undefined) return;
  const path = status.child('extendedResourceClaimStatus');
  const list = path.child('requestMappings');
  if ((extended.requestMappings ?? []).length === 0) faults.push(fieldRequired(list, 'at least one request mapping is required'));
  const containers = new Map([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((one) => [one.name, one]));
  const seen = new Set<string>();
  eachOf(extended.requestMappings, list, ({ containerName, resourceName, requestName }, here) => {
    const container = containers.get(containerName);
    if (container === undefined) {
      const fault = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      faults.push(fieldInvalid(here.child('containerName'), containerName, fault));
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const fault =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      faults.push(fieldInvalid(here.child('resourceName'), resourceName, fault));
    }
    checkSyntax(requestName, dns1123LabelFaults, path.child('requestName'), faults);
    const key = `${containerName}/${resourceName}`;
    if (seen.has(key)) {
      faults.push(fieldDuplicate(here.child('containerName'), containerName), fieldDuplicate(here.child('resourceName'), resourceName));
    }
    seen.add(key);
  });
  checkRequired(extended.resourceClaimName, dns1123SubdomainFaults, path.child('resourceClaimName'), faults);
}

/** What a pod's node, the scheduler and controllers report. */
export function validatePodStatus(next: Pod, old: Pod, faults: Faults): void {
  validatePodAnnotationsUpdate(next.metadata?.annotations, old.metadata?.annotations, FieldPath.of('metadata', 'annotations'), faults);
  const now = next.status ?? {};
  const before = old.status ?? {};
  const spec: PodSpec = old.spec ?? { containers: [] };
  validateConditions(now, faults);
  if (now.nominatedNodeName && now.nominatedNodeName !== before.nominatedNodeName) {
    const here = status.child('nominatedNodeName');
    checkSyntax(now.nominatedNodeName, dns1123SubdomainFaults, here, faults);
    if (spec.nodeName) faults.push(fieldForbidden(here, 'may not be set on pods that are already bound to a node'));
  }
  if ((now.observedGeneration ?? 0) < 0) {
    faults.push(fieldInvalid(status.child('observedGeneration'), now.observedGeneration, generationFault));
  }
  checkImmutable(now.qosClass ?? '', before.qosClass ?? '', status.child('qosClass'), faults);
  const named = (list: MaybeList<Container>, name: string): Container | undefined => list?.find((one) => one.name === name);
  const ofPod = (exitCode: number): boolean => spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && exitCode !== 0);
  const regular = (name: string, exitCode: number): boolean => restarts(named(spec.containers, name), spec, exitCode);
  const init = (name: string, exitCode: number): boolean => {
    const container = named(spec.initContainers, name);
    return (
      ofPod(exitCode) ||
      (container !== undefined &&
        (isSidecar(container) || (container.restartPolicyRules !== undefined && restarts(container, spec, exitCode))))
    );
  };
  checkTransitions(now.containerStatuses, before.containerStatuses, regular, status.child('containerStatuses'), faults);
  checkTransitions(now.initContainerStatuses, before.initContainerStatuses, init, status.child('initContainerStatuses'), faults);
  const never = (): boolean => false;
  checkTransitions(
    now.ephemeralContainerStatuses,
    before.ephemeralContainerStatuses,
    never,
    status.child('ephemeralContainerStatuses'),
    faults,
  );
  validateClaims(next, faults);
  validateAddresses(now.podIPs, before.podIPs, status.child('podIPs'), faults);
  if ((now.hostIPs ?? []).length > 0) {
    const first = now.hostIPs?.[0]?.ip;
    const list = status.child('hostIPs');
    if (first !== now.hostIP) faults.push(fieldInvalid(list.index(0).child('ip'), first, 'must be equal to `hostIP`'));
    validateAddresses(now.hostIPs, before.hostIPs, list, faults);
  }
  const os = next.spec?.os?.name;
  validateUsers(now.containerStatuses, os, status.child('containerStatuses'), faults);
  validateUsers(now.initContainerStatuses, os, status.child('initContainerStatuses'), faults);
  validateUsers(now.ephemeralContainerStatuses, os, status.child('ephemeralContainerStatuses'), faults);
  validateDevices(now.containerStatuses, spec.containers, status.child('containerStatuses'), faults);
  validateDevices(now.initContainerStatuses, spec.initContainers, status.child('initContainerStatuses'), faults);
  eachOf(now.ephemeralContainerStatuses, status.child('ephemeralContainerStatuses'), ({ allocatedResourcesStatus }, here) => {
    if ((allocatedResourcesStatus ?? []).length === 0) return;
    faults.push(fieldForbidden(here.child('allocatedResourcesStatus'), 'must not be specified in container status'));
  });
}
