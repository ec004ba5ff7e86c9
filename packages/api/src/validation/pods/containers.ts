import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Container, ContainerPort, EphemeralContainer, PodSpec } from '../../generated/types.ts';
import { dns1123LabelFaults, portNameFaults, portNumberFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkOneOf, checkUnique, eachOf } from '../faults.ts';
import { validateRequirements } from '../resources.ts';
import type { PodContext } from './context.ts';
import { isSidecar } from './context.ts';
import { validateEnvironment } from './environment.ts';
import { validateVolumeUse } from './mounts.ts';
import { validateLifecycle, validateProbes } from './probes.ts';
import { validateSecurity } from './security.ts';

export const protocols = ['SCTP', 'TCP', 'UDP'];

function validatePorts(ports: readonly ContainerPort[], path: FieldPath, faults: Faults): void {
  const names = new Set<string>();
  eachOf(ports, path, ({ name, containerPort, hostPort, protocol }, here) => {
    if (name) {
      const texts = portNameFaults(name);
      for (const text of texts) faults.push(fieldInvalid(here.child('name'), name, text));
      if (texts.length === 0) checkUnique(name, names, here.child('name'), faults);
    }
    if (!containerPort) faults.push(fieldRequired(here.child('containerPort')));
    else for (const fault of portNumberFaults(containerPort)) faults.push(fieldInvalid(here.child('containerPort'), containerPort, fault));
    if (hostPort) for (const fault of portNumberFaults(hostPort)) faults.push(fieldInvalid(here.child('hostPort'), hostPort, fault));
    checkOneOf(protocol ?? 'TCP', protocols, here.child('protocol'), faults, true);
  });
}

/** One port of the host can be given to one container only. */
function checkHostPorts(containers: readonly Container[], path: FieldPath, faults: Faults): void {
  let taken: Set<string> | undefined;
  for (const [at, { ports }] of containers.entries()) {
    for (const [position, { hostPort, hostIP, protocol }] of (ports ?? []).entries()) {
      if (!hostPort) continue;
      taken ??= new Set();
      const key = `${protocol ?? 'TCP'}/${hostIP ?? ''}/${hostPort.toString()}`;
      checkUnique(key, taken, path.index(at).child('ports').index(position).child('hostPort'), faults);
    }
  }
}

function validateResizePolicy(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  const seen = new Set<string>();
  eachOf(container.resizePolicy, path, ({ resourceName, restartPolicy }, here) => {
    checkUnique(resourceName, seen, here, faults);
    // Kubernetes names the whole list for what follows.
    checkOneOf(resourceName, ['cpu', 'memory'], path, faults, true);
    checkOneOf(restartPolicy, ['NotRequired', 'RestartContainer'], path, faults, true);
    if (context.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      faults.push(fieldInvalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  });
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

/** What holds for containers of every sort. */
function validateContainer(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  const { name, image = '' } = container;
  if (!name) faults.push(fieldRequired(path.child('name')));
  else for (const fault of dns1123LabelFaults(name)) faults.push(fieldInvalid(path.child('name'), name, fault));
  if (image === '') faults.push(fieldRequired(path.child('image')));
  checkMember(container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError'], path.child('terminationMessagePolicy'), faults);
  if (container.ports) validatePorts(container.ports, path.child('ports'), faults);
  if (container.env ?? container.envFrom) validateEnvironment(container, path, faults);
  validateVolumeUse(container, context, path, faults);
  checkMember(container.imagePullPolicy, pullPolicies, path.child('imagePullPolicy'), faults);
  validateRequirements(container.resources, context, path.child('resources'), faults);
  if (container.resizePolicy) validateResizePolicy(container, context, path.child('resizePolicy'), faults);
  validateSecurity(container.securityContext, context, path.child('securityContext'), faults);
}

const maxRestartRules = 20;
const maxExitCodes = 255;
const restartPolicies = ['Always', 'Never', 'OnFailure'];

function validateRestart(container: Container, path: FieldPath, faults: Faults): void {
  const { restartPolicy, restartPolicyRules } = container;
  const rules = path.child('restartPolicyRules');
  if (restartPolicy === undefined) {
    if ((restartPolicyRules ?? []).length > 0) {
      faults.push(fieldRequired(path.child('restartPolicy'), 'must specify restartPolicy when restart rules are used'));
    }
  } else checkMember(restartPolicy, restartPolicies, path.child('restartPolicy'), faults);
  if ((restartPolicyRules ?? []).length > maxRestartRules) faults.push(fieldTooLong(rules, maxRestartRules));
  eachOf(restartPolicyRules, rules, ({ action, exitCodes }, here) => {
    if (action !== 'Restart') faults.push(fieldNotSupported(here.child('action'), action, ['Restart']));
    if (exitCodes === undefined) {
      faults.push(fieldRequired(here.child('exitCodes'), 'must be specified'));
      return;
    }
    checkMember(exitCodes.operator, ['In', 'NotIn'], here.child('exitCodes', 'operator'), faults);
    if ((exitCodes.values ?? []).length > maxExitCodes) faults.push(fieldTooLong(here.child('exitCodes', 'values'), maxExitCodes));
  });
}

/** The containers that make up the pod. */
export function validateContainers(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  // A list that was not sent is null in a decoded object.
  const containers = spec.containers as MaybeList<Container>;
  if (!containers || containers.length === 0) {
    faults.push(fieldRequired(path));
    return;
  }
  const names = new Set<string>();
  eachOf(containers, path, (container, here) => {
    validateContainer(container, context, here, faults);
    checkUnique(container.name, names, here.child('name'), faults);
    validateLifecycle(container.lifecycle, context, here.child('lifecycle'), faults);
    validateProbes(container, context, here, faults);
    if (container.restartPolicy !== undefined || container.restartPolicyRules) validateRestart(container, here, faults);
  });
  checkHostPorts(containers, path, faults);
}

const onlyBeside = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** Containers that run before the others, and sidecars. */
export function validateInitContainers(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  if (!spec.initContainers) return;
  const names = new Set((spec.containers as MaybeList<Container>)?.map(({ name }) => name));
  eachOf(spec.initContainers, path, (container, here) => {
    validateContainer(container, context, here, faults);
    if (container.restartPolicy !== undefined) {
      const rules = (container.restartPolicyRules ?? []).length > 0;
      if (!isSidecar(container)) validateRestart(container, here, faults);
      else if (rules) {
        const fault = 'restartPolicyRules are not allowed for init containers with restart policy Always';
        faults.push(fieldForbidden(here.child('restartPolicyRules'), fault));
      }
    }
    if (container.name) checkUnique(container.name, names, here.child('name'), faults);
    if (container.ports) checkHostPorts([container], path, faults);
    if (isSidecar(container)) {
      validateLifecycle(container.lifecycle, context, here.child('lifecycle'), faults);
      validateProbes(container, context, here, faults);
      return;
    }
    for (const field of onlyBeside) {
      if (container[field] !== undefined) {
        faults.push(fieldForbidden(here.child(field), 'may not be set for init containers without restartPolicy=Always'));
      }
    }
  });
}

const notEphemeral = [
  'ports',
  'resources',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
] as const;

/** Containers added to a running pod to look at it. */
export function validateEphemeralContainers(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  if (!spec.ephemeralContainers) return;
  const others = new Set([...((spec.containers as MaybeList<Container>) ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  eachOf<EphemeralContainer>(spec.ephemeralContainers, path, (container, here) => {
    validateContainer(container, context, here, faults);
    checkImageText(container, here, faults);
    if (names.has(container.name)) faults.push(fieldDuplicate(here.child('name'), container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) faults.push(fieldNotFound(here.child('targetContainerName'), target));
    for (const field of notEphemeral) {
      const value = container[field] as unknown;
      const empty = value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
      if (!empty) faults.push(fieldForbidden(here.child(field), 'cannot be set for an Ephemeral Container'));
    }
    eachOf(container.volumeMounts, here.child('volumeMounts'), (mount, at) => {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field]) faults.push(fieldForbidden(at.child(field), 'cannot be set for an Ephemeral Container'));
      }
    });
  });
}

/** Of pods only: templates that were always allowed white space around an image keep it. */
export function checkImageText({ image = '' }: Pick<Container, 'image'>, path: FieldPath, faults: Faults): void {
  if (image.trim() !== image) faults.push(fieldInvalid(path.child('image'), image, 'must not have leading or trailing whitespace'));
}

/** On the host's network a port of a container is that port of the host. */
export function checkHostNetworkPorts(spec: PodSpec, isPod: boolean, path: FieldPath, faults: Faults): void {
  if (spec.hostNetwork !== true) return;
  eachOf(spec.containers as MaybeList<Container>, path.child('containers'), ({ ports }, at) => {
    eachOf(ports, at.child('ports'), ({ hostPort = 0, containerPort }, here) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        faults.push(fieldInvalid(here.child('hostPort'), hostPort, 'must match `containerPort` when `hostNetwork` is true'));
      }
    });
  });
}
