import { fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, Sysctl } from '../../generated/types.ts';
import { byteLength } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkMember, checkRange, checkUnique, eachOf, maxInt32 } from '../faults.ts';
import type { PodContext, PodLeniency } from './context.ts';
import { checkInnerPath } from './paths.ts';
import { validateWindowsOptions } from './windows.ts';

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
/** The longest path Linux takes, without its end. */
const maxProfilePath = 4095;

function checkProfileType(type: string | undefined, path: FieldPath, of: string, faults: Faults): void {
  if (!type) faults.push(fieldRequired(path, `type is required when ${of} is set`));
  else if (!profileTypes.includes(type)) faults.push(fieldNotSupported(path, type, profileTypes));
}

function validateSeccomp(profile: SeccompProfile | undefined, path: FieldPath, faults: Faults): void {
  if (profile === undefined) return;
  checkProfileType(profile.type, path.child('type'), 'seccompProfile', faults);
  const file = profile.localhostProfile;
  const here = path.child('localhostProfile');
  if (profile.type === 'Localhost') {
    if (file === undefined) faults.push(fieldRequired(here, 'must be set when seccomp type is Localhost'));
    else checkInnerPath(file, here, faults);
  } else if (file !== undefined) faults.push(fieldInvalid(here, profile, 'can only be set when seccomp type is Localhost'));
}

function validateAppArmor(profile: AppArmorProfile | undefined, path: FieldPath, faults: Faults): void {
  if (profile === undefined) return;
  const file = profile.localhostProfile;
  const here = path.child('localhostProfile');
  if (profile.type !== 'Localhost') {
    if (profileTypes.includes(profile.type) && file !== undefined) {
      faults.push(fieldInvalid(here, file, 'can only be set when AppArmor type is Localhost'));
    }
    checkProfileType(profile.type, path.child('type'), 'appArmorProfile', faults);
    return;
  }
  if (file === undefined) faults.push(fieldRequired(here, 'must be set when AppArmor type is Localhost'));
  else {
    if (file.trim() !== file) faults.push(fieldInvalid(here, file, 'must not be padded with whitespace'));
    else if (file === '') faults.push(fieldRequired(here, 'must be set when AppArmor type is Localhost'));
    if (byteLength(file) > maxProfilePath) faults.push(fieldTooLong(here, maxProfilePath));
  }
}

/** The security context of one container. */
export function validateSecurity(security: SecurityContext | undefined, context: PodContext, path: FieldPath, faults: Faults): void {
  if (security === undefined) return;
  const { allowPrivilegeEscalation, privileged, capabilities, procMount } = security;
  checkRange(security.runAsUser, 0, maxInt32, path.child('runAsUser'), faults);
  checkRange(security.runAsGroup, 0, maxInt32, path.child('runAsGroup'), faults);
  if (procMount !== undefined) {
    checkMember(procMount, ['Default', 'Unmasked'], path.child('procMount'), faults);
    if (context.hostUsers && procMount === 'Unmasked') {
      faults.push(fieldInvalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'));
    }
  }
  validateSeccomp(security.seccompProfile, path.child('seccompProfile'), faults);
  if (allowPrivilegeEscalation === false) {
    if (privileged === true) {
      faults.push(fieldInvalid(path, security, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
      faults.push(fieldInvalid(path, security, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  if (security.windowsOptions !== undefined) validateWindowsOptions(security.windowsOptions, path.child('windowsOptions'), faults);
  validateAppArmor(security.appArmorProfile, path.child('appArmorProfile'), faults);
}

const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `^(${segment}[\\./])*${segment}$`;
const sysctlName = new RegExp(sysctlPattern);
const maxSysctlName = 253;
const ipcSysctls = new Set(['kernel.sem', 'kernel.shm_rmid_forced']);
const ipcPrefixes = ['kernel.shm', 'kernel.msg', 'fs.mqueue.'];

/** The namespace a kernel setting belongs to, if it has one of its own. Slashes and dots may be swapped, as with sysctl(8). */
function namespaceOf(name: string): 'net' | 'ipc' | undefined {
  const at = name.search(/[./]/);
  const dotted = at >= 0 && name[at] === '/' ? name.replace(/[./]/g, (part) => (part === '/' ? '.' : '/')) : name;
  if (dotted.startsWith('net.')) return 'net';
  return ipcSysctls.has(dotted) || ipcPrefixes.some((prefix) => dotted.startsWith(prefix)) ? 'ipc' : undefined;
}

function validateSysctls(sysctls: readonly Sysctl[], spec: PodSpec, lenient: PodLeniency, path: FieldPath, faults: Faults): void {
  const names = new Set<string>();
  eachOf(sysctls, path, ({ name }, at) => {
    const here = at.child('name');
    if (!name) faults.push(fieldRequired(here));
    else if (name.length > maxSysctlName || !sysctlName.test(name)) {
      faults.push(fieldInvalid(here, name, `must have at most ${maxSysctlName.toString()} characters and match regex ${sysctlPattern}`));
    } else checkUnique(name, names, here, faults);
    if (lenient.hostSysctls === true) return;
    const namespace = namespaceOf(name);
    if (spec.hostNetwork === true && namespace === 'net')
      faults.push(fieldInvalid(here, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC === true && namespace === 'ipc')
      faults.push(fieldInvalid(here, name, "may not be specified when 'hostIPC' is true"));
  });
}

/** The security context of a pod, and the namespaces it shares with its host. */
export function validatePodSecurity(spec: PodSpec, context: PodContext, path: FieldPath, faults: Faults): void {
  const security: PodSecurityContext | undefined = spec.securityContext;
  const here = path.child('securityContext');
  if (security !== undefined) {
    checkRange(security.fsGroup, 0, maxInt32, here.child('fsGroup'), faults);
    checkRange(security.runAsUser, 0, maxInt32, here.child('runAsUser'), faults);
    checkRange(security.runAsGroup, 0, maxInt32, here.child('runAsGroup'), faults);
    eachOf(security.supplementalGroups, here.child('supplementalGroups'), (group, at) => {
      checkRange(group, 0, maxInt32, at, faults);
    });
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    faults.push(fieldInvalid(here.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  }
  if (security === undefined) return;
  if (security.sysctls) validateSysctls(security.sysctls, spec, context.lenient, here.child('sysctls'), faults);
  checkMember(security.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], here.child('fsGroupChangePolicy'), faults);
  validateSeccomp(security.seccompProfile, here.child('seccompProfile'), faults);
  if (security.windowsOptions !== undefined) validateWindowsOptions(security.windowsOptions, here.child('windowsOptions'), faults);
  validateAppArmor(security.appArmorProfile, here.child('appArmorProfile'), faults);
  checkMember(security.supplementalGroupsPolicy, ['Merge', 'Strict'], here.child('supplementalGroupsPolicy'), faults);
  checkMember(security.seLinuxChangePolicy, ['MountOption', 'Recursive'], here.child('seLinuxChangePolicy'), faults);
}
