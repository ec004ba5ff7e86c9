import type { Container, Pod, SeccompProfile } from '@bayplan/api';
import type { Draft, LinuxContainerSecurityContext, LinuxSandboxSecurityContext, NamespaceOption, SecurityProfile } from '@bayplan/rpc';
import path from 'node:path';

/** Paths of /proc and /sys that show or change the host, hidden or read-only unless a container is privileged. */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface SecurityDefaults {
  readonly seccompDefault: boolean;
  /** Folder of `Localhost` seccomp profiles. */
  readonly seccompDir: string;
}

/** What the image says about its user. */
export interface ImageUser {
  readonly uid: number | undefined;
  readonly username: string;
}

export function sandboxSecurity(pod: Pod, defaults: SecurityDefaults): Draft<LinuxSandboxSecurityContext> {
  const context = pod.spec?.securityContext;
  return {
    namespaceOptions: namespaceOptions(pod, undefined),
    privileged: [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(
      (container) => container.securityContext?.privileged === true,
    ),
    seccomp: seccomp(context?.seccompProfile, defaults),
    supplementalGroups: groups(pod),
    ...(context?.runAsUser === undefined ? {} : { runAsUser: { value: context.runAsUser } }),
    ...(context?.runAsUser === undefined || context.runAsGroup === undefined ? {} : { runAsGroup: { value: context.runAsGroup } }),
  };
}

/** @param targetId container whose PID namespace an ephemeral container joins. */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: ImageUser,
  defaults: SecurityDefaults,
  targetId?: string,
): Draft<LinuxContainerSecurityContext> {
  const podContext = pod.spec?.securityContext;
  const own = container.securityContext;
  const privileged = own?.privileged === true;
  const runAsUser = own?.runAsUser ?? podContext?.runAsUser;
  const runAsGroup = own?.runAsGroup ?? podContext?.runAsGroup;
  const unmasked = privileged || own?.procMount === 'Unmasked';
  return {
    privileged,
    capabilities: {
      addCapabilities: (own?.capabilities?.add ?? []).map(capabilityName),
      dropCapabilities: (own?.capabilities?.drop ?? []).map(capabilityName),
    },
    namespaceOptions: namespaceOptions(pod, targetId),
    readonlyRootfs: own?.readOnlyRootFilesystem === true,
    noNewPrivs: own?.allowPrivilegeEscalation === false && !privileged,
    supplementalGroups: groups(pod),
    supplementalGroupsPolicy: podContext?.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    seccomp: privileged ? { profileType: 'Unconfined' } : seccomp(own?.seccompProfile ?? podContext?.seccompProfile, defaults),
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    ...(runAsUser !== undefined
      ? { runAsUser: { value: runAsUser } }
      : image.uid !== undefined
        ? { runAsUser: { value: image.uid } }
        : image.username !== ''
          ? { runAsUsername: image.username }
          : {}),
    ...(runAsGroup === undefined ? {} : { runAsGroup: { value: runAsGroup } }),
  };
}

/** Why a container that must not run as root would do so; undefined when it would not. */
export function runAsNonRootProblem(pod: Pod, container: Container, image: ImageUser, podDescription: string): string | undefined {
  const required = container.securityContext?.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot;
  if (required !== true) return undefined;
  const user = container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser;
  const where = `(pod: "${podDescription}", container: ${container.name})`;
  if (user !== undefined) return user === 0 ? `container's runAsUser breaks non-root policy ${where}` : undefined;
  if (image.uid === 0 || (image.uid === undefined && image.username === ''))
    return `container has runAsNonRoot and image will run as root ${where}`;
  if (image.uid === undefined)
    return `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`;
  return undefined;
}

function namespaceOptions(pod: Pod, targetId: string | undefined): Draft<NamespaceOption> {
  const spec = pod.spec;
  return {
    network: spec?.hostNetwork === true ? 'NODE' : 'POD',
    ipc: spec?.hostIPC === true ? 'NODE' : 'POD',
    pid: spec?.hostPID === true ? 'NODE' : spec?.shareProcessNamespace === true ? 'POD' : targetId === undefined ? 'CONTAINER' : 'TARGET',
    ...(targetId === undefined ? {} : { targetId }),
  };
}

function seccomp(profile: SeccompProfile | undefined, defaults: SecurityDefaults): Draft<SecurityProfile> {
  switch (profile?.type) {
    case 'RuntimeDefault':
      return { profileType: 'RuntimeDefault' };
    case 'Unconfined':
      return { profileType: 'Unconfined' };
    case 'Localhost':
      return { profileType: 'Localhost', localhostRef: path.join(defaults.seccompDir, profile.localhostProfile ?? '') };
    default:
      return { profileType: defaults.seccompDefault ? 'RuntimeDefault' : 'Unconfined' };
  }
}

function groups(pod: Pod): number[] {
  const context = pod.spec?.securityContext;
  return [...(context?.fsGroup === undefined ? [] : [context.fsGroup]), ...(context?.supplementalGroups ?? [])];
}

/** Kubernetes names capabilities without their prefix; runtimes take both. */
function capabilityName(name: string): string {
  return name.replace(/^CAP_/, '');
}
