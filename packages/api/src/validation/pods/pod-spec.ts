import { fieldForbidden, fieldInvalid, fieldNotFound, fieldNotSupported, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { ObjectMeta, PodDNSConfig, PodResourceClaim, PodSpec, PodTemplateSpec } from '../../generated/types.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults, qualifiedNameFaults, underscoreSubdomainFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkMember, checkOptional, checkRange, checkSyntax, checkUnique, eachOf, maxInt32 } from '../faults.ts';
import { checkIp } from '../ip.ts';
import { validateAnnotations, validateLabels } from '../object-meta.ts';
import { validateRequirements } from '../resources.ts';
import { validateMatchingProfiles, validatePodAnnotations } from './annotations.ts';
import { checkHostNetworkPorts, validateContainers, validateEphemeralContainers, validateInitContainers } from './containers.ts';
import type { PodContext, PodLeniency } from './context.ts';
import { eachContainer, strict } from './context.ts';
import { validatePodResources } from './pod-resources.ts';
import { validateAffinity, validateSpread, validateTolerations } from './scheduling.ts';
import { validatePodSecurity } from './security.ts';
import { validateVolumes } from './volumes.ts';
import { validateForLinux, validateForWindows, validateHostProcess } from './windows.ts';

/** Which spec it is and what it may keep. */
export interface PodSpecOptions {
  /** The metadata of a pod; absent for a template. */
  readonly meta?: ObjectMeta | undefined;
  readonly lenient?: PodLeniency;
}

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

function validateDns(config: PodDNSConfig | undefined, policy: string | undefined, path: FieldPath, faults: Faults): void {
  if (policy === 'None') {
    if (config === undefined) {
      faults.push(fieldRequired(path, 'must provide `dnsConfig` when `dnsPolicy` is None'));
      return;
    }
    if ((config.nameservers ?? []).length === 0) {
      faults.push(fieldRequired(path.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
      return;
    }
  }
  if (config === undefined) return;
  const { nameservers = [], searches = [] } = config;
  if (nameservers.length > maxNameservers) {
    faults.push(fieldInvalid(path.child('nameservers'), nameservers, `must not have more than ${maxNameservers.toString()} nameservers`));
  }
  eachOf(nameservers, path.child('nameservers'), (server, here) => {
    checkIp(server, here, faults);
  });
  const list = path.child('searches');
  if (searches.length > maxSearches)
    faults.push(fieldInvalid(list, searches, `must not have more than ${maxSearches.toString()} search paths`));
  if (searches.join(' ').length > maxSearchLength) {
    const fault = `must not have more than ${maxSearchLength.toString()} characters (including spaces) in the search list`;
    faults.push(fieldInvalid(list, searches, fault));
  }
  eachOf(searches, list, (search, here) => {
    if (search !== '.') checkSyntax(search.replace(/\.$/, ''), underscoreSubdomainFaults, here, faults);
  });
  eachOf(config.options, path.child('options'), ({ name }, here) => {
    if (!name) faults.push(fieldRequired(here, 'must not be empty'));
  });
}

function validateClaims(claims: MaybeList<PodResourceClaim>, meta: ObjectMeta | undefined, path: FieldPath, faults: Faults): void {
  const names = new Set<string>();
  eachOf(claims, path, (claim, here) => {
    if (meta?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
      faults.push(fieldForbidden('', 'static pods do not support resource claims'));
      return;
    }
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) faults.push(fieldRequired(here.child('name')));
    else if (checkUnique(name, names, here.child('name'), faults)) checkSyntax(name, dns1123LabelFaults, here.child('name'), faults);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      faults.push(fieldInvalid(here, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      faults.push(fieldInvalid(here, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field];
      if (value !== undefined) checkSyntax(value, dns1123SubdomainFaults, here.child(field), faults);
    }
  });
}

function validateOs(spec: PodSpec, path: FieldPath, faults: Faults): void {
  if (spec.os === undefined) return;
  const { name } = spec.os;
  if (!name) faults.push(fieldRequired(path.child('os', 'name')));
  else if (name === 'linux') validateForLinux(spec, path, faults);
  else if (name === 'windows') validateForWindows(spec, path, faults);
  else faults.push(fieldNotSupported(path.child('os'), name, ['linux', 'windows']));
}

/** What a user namespace of the pod's own cannot be combined with. */
function validateHostUsers(spec: PodSpec, path: FieldPath, faults: Faults): void {
  if (spec.hostUsers !== false) return;
  const fault = 'when `hostUsers` is false';
  if (spec.hostNetwork === true) faults.push(fieldForbidden(path.child('hostNetwork'), fault));
  if (spec.hostPID === true) faults.push(fieldForbidden(path.child('HostPID'), fault));
  if (spec.hostIPC === true) faults.push(fieldForbidden(path.child('HostIPC'), fault));
}

const maxHostname = 64;

function validateHostname(spec: PodSpec, path: FieldPath, faults: Faults): void {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  const here = path.child('hostnameOverride');
  if (spec.setHostnameAsFQDN === true) faults.push(fieldForbidden(here, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork === true) faults.push(fieldForbidden(here, 'may not be specified when hostNetwork is true'));
  if (name.length > maxHostname) faults.push(fieldTooLong(here, maxHostname));
  checkSyntax(name, dns1123SubdomainFaults, here, faults);
}

/** Files of environment variables lie in volumes that the pod's own containers write. */
function validateFileVolumes(spec: PodSpec, path: FieldPath, faults: Faults): void {
  eachContainer(spec, path, ({ env }, at) => {
    eachOf(env, at.child('env'), ({ valueFrom }, here) => {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) return;
      const there = here.child('valueFrom', 'fileKeyRef', 'volumeName');
      const volume = spec.volumes?.find((one) => one.name === name);
      if (volume === undefined) faults.push(fieldNotFound(there, name));
      else if (volume.emptyDir === undefined) faults.push(fieldInvalid(there, name, 'referenced volume must be of type emptyDir'));
    });
  });
}

function validateGates(spec: PodSpec, path: FieldPath, faults: Faults): void {
  eachOf(spec.readinessGates, path.child('readinessGates'), ({ conditionType }, here) => {
    checkSyntax(conditionType, qualifiedNameFaults, here.child('conditionType'), faults);
  });
  const names = new Set<string>();
  eachOf(spec.schedulingGates, path.child('schedulingGates'), ({ name }, here) => {
    checkSyntax(name, qualifiedNameFaults, here, faults);
    checkUnique(name, names, here, faults);
  });
}

function validateIdentity(spec: PodSpec, path: FieldPath, faults: Faults): void {
  checkOptional(spec.serviceAccountName, dns1123SubdomainFaults, path.child('serviceAccountName'), faults);
  checkOptional(spec.nodeName, dns1123SubdomainFaults, path.child('nodeName'), faults);
  checkRange(spec.activeDeadlineSeconds, 1, maxInt32, path.child('activeDeadlineSeconds'), faults);
  checkOptional(spec.hostname, dns1123LabelFaults, path.child('hostname'), faults);
  checkOptional(spec.subdomain, dns1123LabelFaults, path.child('subdomain'), faults);
  if (spec.tolerations) validateTolerations(spec.tolerations, path.child('tolerations'), faults);
  eachOf(spec.hostAliases, path.child('hostAliases'), ({ ip, hostnames }, here) => {
    checkIp(ip, here.child('ip'), faults);
    eachOf(hostnames, here.child('hostnames'), (name, at) => {
      checkSyntax(name, dns1123SubdomainFaults, at, faults);
    });
  });
  checkOptional(spec.priorityClassName, dns1123SubdomainFaults, path.child('priorityClassName'), faults);
  if (spec.runtimeClassName !== undefined)
    checkSyntax(spec.runtimeClassName, dns1123SubdomainFaults, path.child('runtimeClassName'), faults);
  checkMember(spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], path.child('preemptionPolicy'), faults);
}

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const noClaims: ReadonlySet<string> = new Set();

/** A pod's spec, wherever it stands. It is defaulted. */
export function validatePodSpec(spec: PodSpec, { meta, lenient = strict }: PodSpecOptions, path: FieldPath, faults: Faults): void {
  const isPod = meta !== undefined;
  const claimNames = spec.resourceClaims ? new Set(spec.resourceClaims.map(({ name }) => name)) : noClaims;
  const context: PodContext = {
    volumes: validateVolumes(spec.volumes, { meta, isPod, lenient }, path.child('volumes'), faults),
    claimNames,
    gracePeriodSeconds: spec.terminationGracePeriodSeconds,
    os: spec.os?.name,
    restartPolicy: spec.restartPolicy ?? 'Always',
    hostUsers: spec.hostUsers !== false,
    isPod,
    lenient,
  };
  if (spec.resourceClaims) validateClaims(spec.resourceClaims, meta, path.child('resourceClaims'), faults);
  validateContainers(spec, context, path.child('containers'), faults);
  validateInitContainers(spec, context, path.child('initContainers'), faults);
  validateEphemeralContainers(spec, context, path.child('ephemeralContainers'), faults);
  validatePodResources(spec, context, path, faults);
  checkHostNetworkPorts(spec, isPod, path, faults);
  checkMember(spec.restartPolicy, restartPolicies, path.child('restartPolicy'), faults);
  checkMember(spec.dnsPolicy, dnsPolicies, path.child('dnsPolicy'), faults);
  validateLabels(spec.nodeSelector, path.child('nodeSelector'), faults);
  validatePodSecurity(spec, context, path, faults);
  validateAffinity(spec.affinity, lenient, path.child('affinity'), faults);
  validateDns(spec.dnsConfig, spec.dnsPolicy, path.child('dnsConfig'), faults);
  validateGates(spec, path, faults);
  validateSpread(spec.topologySpreadConstraints, lenient, path.child('topologySpreadConstraints'), faults);
  validateHostProcess(spec, path, faults);
  validateHostUsers(spec, path, faults);
  validateHostname(spec, path, faults);
  validateIdentity(spec, path, faults);
  if (spec.overhead) validateRequirements({ limits: spec.overhead }, { claimNames: noClaims }, path.child('overhead'), faults);
  validateOs(spec, path, faults);
  validateFileVolumes(spec, path, faults);
}

/** A template of pods, as workloads have it. */
export function validatePodTemplate(template: PodTemplateSpec, path: FieldPath, faults: Faults, lenient: PodLeniency = strict): void {
  const { metadata, spec = { containers: [] } } = template;
  validateLabels(metadata?.labels, path.child('labels'), faults);
  validateAnnotations(metadata?.annotations, path.child('annotations'), faults);
  validatePodAnnotations(metadata?.annotations, spec, lenient, path.child('annotations'), faults);
  validatePodSpec(spec, { lenient }, path.child('spec'), faults);
  validateMatchingProfiles(metadata?.annotations, spec, path.child('spec'), faults);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    faults.push(fieldForbidden(path.child('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
  }
}
