import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotFound, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { Container, ContainerPort, EnvVar, PodSpec, VolumeMount } from '../generated/types.ts';
import { dns1123LabelFaults, environmentNameFaults, portNameFaults, portNumberFaults } from '../names.ts';
import type { Faults } from './faults.ts';
import { checkOneOf, checkRange, checkRequired, checkSyntax } from './faults.ts';
import { validateProbes } from './probes.ts';
import { validateContainerResources } from './resources.ts';
import { validateInnerPath } from './volumes.ts';

export const protocols = ['SCTP', 'TCP', 'UDP'];
const maxId = 2_147_483_647;

function validatePorts(ports: readonly ContainerPort[], hostNetwork: boolean, path: FieldPath, faults: Faults): void {
  const names = new Set<string>();
  for (const [at, port] of ports.entries()) {
    const here = path.index(at);
    if (port.name) {
      checkSyntax(port.name, portNameFaults, here.child('name'), faults);
      if (names.has(port.name)) faults.push(fieldDuplicate(here.child('name'), port.name));
      names.add(port.name);
    }
    if (!port.containerPort) faults.push(fieldRequired(here.child('containerPort')));
    else
      for (const fault of portNumberFaults(port.containerPort))
        faults.push(fieldInvalid(here.child('containerPort'), port.containerPort, fault));
    if (port.hostPort) {
      for (const fault of portNumberFaults(port.hostPort)) faults.push(fieldInvalid(here.child('hostPort'), port.hostPort, fault));
      if (hostNetwork && port.hostPort !== port.containerPort) {
        faults.push(fieldInvalid(here.child('hostPort'), port.hostPort, 'must match `containerPort` when `hostNetwork` is true'));
      }
    }
    checkOneOf(port.protocol ?? 'TCP', protocols, here.child('protocol'), faults, true);
  }
}

function validateEnv(env: readonly EnvVar[], path: FieldPath, faults: Faults): void {
  for (const [at, variable] of env.entries()) {
    const here = path.index(at);
    checkRequired(variable.name, environmentNameFaults, here.child('name'), faults);
    const from = variable.valueFrom;
    if (from === undefined) continue;
    const sources = Object.values(from).filter((source) => source !== undefined);
    const there = here.child('valueFrom');
    if (variable.value) faults.push(fieldInvalid(there, '', 'may not be specified when `value` is not empty'));
    else if (sources.length === 0) {
      faults.push(fieldInvalid(there, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'));
    } else if (sources.length > 1) faults.push(fieldInvalid(there, '', 'may not have more than one field specified at a time'));
    if (from.configMapKeyRef !== undefined) {
      checkRequired(from.configMapKeyRef.name, undefined, there.child('configMapKeyRef', 'name'), faults);
      checkRequired(from.configMapKeyRef.key, undefined, there.child('configMapKeyRef', 'key'), faults);
    }
    if (from.secretKeyRef !== undefined) {
      checkRequired(from.secretKeyRef.name, undefined, there.child('secretKeyRef', 'name'), faults);
      checkRequired(from.secretKeyRef.key, undefined, there.child('secretKeyRef', 'key'), faults);
    }
    if (from.fieldRef !== undefined) checkRequired(from.fieldRef.fieldPath, undefined, there.child('fieldRef', 'fieldPath'), faults);
    if (from.resourceFieldRef !== undefined)
      checkRequired(from.resourceFieldRef.resource, undefined, there.child('resourceFieldRef', 'resource'), faults);
  }
}

function validateMounts(mounts: readonly VolumeMount[], volumes: ReadonlySet<string>, path: FieldPath, faults: Faults): void {
  const places = new Set<string>();
  for (const [at, mount] of mounts.entries()) {
    const here = path.index(at);
    if (!mount.name) faults.push(fieldRequired(here.child('name')));
    else if (!volumes.has(mount.name)) faults.push(fieldNotFound(here.child('name'), mount.name));
    if (!mount.mountPath) faults.push(fieldRequired(here.child('mountPath')));
    if (places.has(mount.mountPath)) faults.push(fieldInvalid(here.child('mountPath'), mount.mountPath, 'must be unique'));
    places.add(mount.mountPath);
    if (mount.subPath) validateInnerPath(mount.subPath, here.child('subPath'), faults);
    if (mount.subPathExpr) {
      if (mount.subPath)
        faults.push(fieldInvalid(here.child('subPathExpr'), mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      validateInnerPath(mount.subPathExpr, here.child('subPathExpr'), faults);
    }
  }
}

function validateSecurity(container: Container, path: FieldPath, faults: Faults): void {
  const security = container.securityContext;
  if (security === undefined) return;
  checkRange(security.runAsUser, 0, maxId, path.child('runAsUser'), faults);
  checkRange(security.runAsGroup, 0, maxId, path.child('runAsGroup'), faults);
  if (security.allowPrivilegeEscalation === false && security.privileged === true) {
    faults.push(fieldInvalid(path, security, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  }
  if (security.allowPrivilegeEscalation === false && security.capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
    faults.push(fieldInvalid(path, security, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
  }
}

/** What containers of a pod share. */
export interface PodContext {
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

function validateContainer(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  checkRequired(container.name, dns1123LabelFaults, path.child('name'), faults);
  const image = container.image ?? '';
  if (image === '') faults.push(fieldRequired(path.child('image')));
  else if (image.trim() !== image) faults.push(fieldInvalid(path.child('image'), image, 'must not have leading or trailing whitespace'));
  validateProbes(container, path, faults);
  checkOneOf(container.terminationMessagePolicy, ['FallbackToLogsOnError', 'File'], path.child('terminationMessagePolicy'), faults);
  validatePorts(container.ports ?? [], context.hostNetwork, path.child('ports'), faults);
  validateEnv(container.env ?? [], path.child('env'), faults);
  for (const [at, source] of (container.envFrom ?? []).entries()) {
    const here = path.child('envFrom').index(at);
    if (source.configMapRef !== undefined) checkRequired(source.configMapRef.name, undefined, here.child('configMapRef', 'name'), faults);
    if (source.secretRef !== undefined) checkRequired(source.secretRef.name, undefined, here.child('secretRef', 'name'), faults);
    if (source.configMapRef === undefined && source.secretRef === undefined) {
      faults.push(fieldInvalid(here, '', 'must specify one of: `configMapRef` or `secretRef`'));
    }
  }
  validateMounts(container.volumeMounts ?? [], context.volumes, path.child('volumeMounts'), faults);
  checkOneOf(container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], path.child('imagePullPolicy'), faults);
  validateContainerResources(container.resources, path.child('resources'), faults);
  validateSecurity(container, path.child('securityContext'), faults);
}

/** Containers and init containers of a pod; names are unique across both. */
export function validateContainers(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  // A list that was not sent is null in a decoded object.
  const containers = (spec.containers as readonly Container[] | null | undefined) ?? [];
  if (containers.length === 0) faults.push(fieldRequired(path.child('containers')));
  const names = new Set<string>();
  const visit = (container: Container, here: FieldPath): void => {
    validateContainer(container, context, here, faults);
    if (names.has(container.name)) faults.push(fieldDuplicate(here.child('name'), container.name));
    names.add(container.name);
  };
  for (const [at, container] of containers.entries()) visit(container, path.child('containers').index(at));
  for (const [at, container] of (spec.initContainers ?? []).entries()) {
    const here = path.child('initContainers').index(at);
    visit(container, here);
    if (container.restartPolicy === 'Always') continue;
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined)
        faults.push(fieldForbidden(here.child(field), 'may not be set for init containers without restartPolicy=Always'));
    }
  }
}
