import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { PodSpec, WindowsSecurityContextOptions } from '../../generated/types.ts';
import { byteLength, dns1123SubdomainFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkSyntax } from '../faults.ts';
import { eachContainer } from './context.ts';

const maxCredentialKib = 64;
const maxDomain = 256;
const maxUser = 104;
// The names Windows takes: a NetBIOS name, or a DNS name.
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsDomain = new RegExp(`^${label}(?:\\.${label})*$`);
const control = /[\u0000-\u001f\u007f]/;

function userNameFaults(value: string): string[] {
  if (value === '') return ['runAsUserName cannot be an empty string'];
  if (control.test(value)) return ['runAsUserName cannot contain control characters'];
  const parts = value.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const faults: string[] = [];
  if (domain !== undefined && byteLength(domain) >= maxDomain) {
    faults.push(`runAsUserName's Domain length must be under ${maxDomain.toString()} characters`);
  }
  if (domain !== undefined && !netBios.test(domain) && !dnsDomain.test(domain)) {
    faults.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') faults.push("runAsUserName's User cannot be empty");
  else if (byteLength(user) > maxUser) faults.push(`runAsUserName's User length must not be longer than ${maxUser.toString()} characters`);
  if (/^[. ]+$/.test(user)) faults.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    faults.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return faults;
}

/** What a pod for Windows says of the user its processes run as. */
export function validateWindowsOptions(options: WindowsSecurityContextOptions, path: FieldPath, faults: Faults): void {
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined) {
    checkSyntax(gmsaCredentialSpecName, dns1123SubdomainFaults, path.child('gmsaCredentialSpecName'), faults);
  }
  if (gmsaCredentialSpec !== undefined) {
    const here = path.child('gmsaCredentialSpec');
    if (gmsaCredentialSpec === '') faults.push(fieldInvalid(here, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
    else if (byteLength(gmsaCredentialSpec) > maxCredentialKib * 1024) {
      faults.push(fieldInvalid(here, gmsaCredentialSpec, `gmsaCredentialSpec size must be under ${maxCredentialKib.toString()} KiB`));
    }
  }
  if (runAsUserName !== undefined) checkSyntax(runAsUserName, userNameFaults, path.child('runAsUserName'), faults);
}

/** Containers that run as processes of their Windows host: all of a pod's, or none. */
export function validateHostProcess(spec: PodSpec, path: FieldPath, faults: Faults): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let all = 0;
  let hosted = 0;
  eachContainer(spec, path, (container, here) => {
    all++;
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const fault = `pod hostProcess value must be identical if both are specified, was ${ofPod.toString()}`;
      faults.push(fieldInvalid(here.child('securityContext', 'windowsOptions', 'hostProcess'), own, fault));
    }
    if (own ?? ofPod ?? false) hosted++;
  });
  if (hosted === 0) return;
  if (hosted !== all) {
    faults.push(fieldInvalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'));
  }
  if (spec.hostNetwork !== true) {
    faults.push(fieldInvalid(path.child('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'));
  }
}

const podFields = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const;
const podSecurityFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const containerFields = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

/** What cannot be said of a pod for Windows, because only Linux has it. */
export function validateForWindows(spec: PodSpec, path: FieldPath, faults: Faults): void {
  const fault = 'cannot be set for a windows pod';
  for (const field of podFields) {
    const value = spec[field];
    const isSet = field === 'hostPID' || field === 'hostIPC' ? value === true : value !== undefined;
    if (isSet) faults.push(fieldForbidden(path.child(field), fault));
  }
  for (const field of podSecurityFields) {
    if (spec.securityContext?.[field] !== undefined) faults.push(fieldForbidden(path.child('securityContext', field), fault));
  }
  eachContainer(spec, path, (container, here) => {
    for (const field of containerFields) {
      if (container.securityContext?.[field] !== undefined) faults.push(fieldForbidden(here.child('securityContext', field), fault));
    }
  });
}

/** What cannot be said of a pod for Linux, because only Windows has it. */
export function validateForLinux(spec: PodSpec, path: FieldPath, faults: Faults): void {
  const fault = 'windows options cannot be set for a linux pod';
  if (spec.securityContext?.windowsOptions !== undefined) {
    faults.push(fieldForbidden(path.child('securityContext', 'windowsOptions'), fault));
  }
  eachContainer(spec, path, (container, here) => {
    if (container.securityContext?.windowsOptions !== undefined) {
      faults.push(fieldForbidden(here.child('securityContext', 'windowsOptions'), fault));
    }
  });
}
