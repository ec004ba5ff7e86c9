import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { PodSpec } from '../../generated/types.ts';
import type { Faults } from '../faults.ts';
import type { PodLeniency } from './context.ts';
import { eachContainer } from './context.ts';
import { checkInnerPath } from './paths.ts';

export const mirrorKey = 'kubernetes.io/config.mirror';
const deletionCostKey = 'controller.kubernetes.io/pod-deletion-cost';
const seccompKey = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

type Annotations = Readonly<Record<string, string>> | undefined;

function isInt32(text: string): boolean {
  if (!/^[+-]?\d+$/.test(text) || /^[+]?0\d/.test(text)) return false;
  const value = Number(text);
  return value >= -2_147_483_648 && value <= 2_147_483_647 && !text.startsWith('+') && (text === '0' || !/^-?0/.test(text));
}

function checkSeccomp(profile: string, path: FieldPath, faults: Faults): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return;
  if (profile.startsWith('localhost/')) checkInnerPath(profile.slice('localhost/'.length), path, faults);
  else faults.push(fieldInvalid(path, profile, 'must be a valid seccomp profile'));
}

function checkAppArmor(profile: string, path: FieldPath, faults: Faults): void {
  if (profile === '' || profile === 'runtime/default' || profile === 'unconfined' || profile.startsWith('localhost/')) return;
  faults.push(fieldInvalid(path, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
}

/** Annotations of pods that mean something to the cluster. */
export function validatePodAnnotations(
  annotations: Annotations,
  spec: PodSpec,
  lenient: PodLeniency,
  path: FieldPath,
  faults: Faults,
): void {
  if (!annotations) return;
  const mirror = annotations[mirrorKey];
  if (mirror !== undefined && !spec.nodeName) {
    faults.push(fieldInvalid(path.key(mirrorKey), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations[deletionCostKey];
  if (cost !== undefined && lenient.deletionCost !== true && !isInt32(cost)) {
    faults.push(fieldInvalid(path.key(deletionCostKey), cost, 'must be a 32bit integer'));
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompKey || key.startsWith(seccompPrefix)) checkSeccomp(value, path.child(key), faults);
    if (!key.startsWith(appArmorPrefix)) continue;
    const container = key.slice(appArmorPrefix.length);
    let found = false;
    eachContainer(spec, path, ({ name }) => (found ||= name === container));
    if (!found) faults.push(fieldInvalid(path.key(key), container, 'container not found'));
    checkAppArmor(value, path.key(key), faults);
  }
}

interface Profile {
  readonly type: string;
  readonly localhostProfile?: string | undefined;
}

function compareProfile(annotation: string, profile: Profile, named: 'seccomp' | 'apparmor', path: FieldPath, faults: Faults): void {
  const typeFault = `${named} type in annotation and field must match`;
  const plain = profile.type === 'Unconfined' ? ['unconfined'] : ['runtime/default', ...(named === 'seccomp' ? ['docker/default'] : [])];
  if (profile.type === 'Localhost') {
    if (!annotation.startsWith('localhost/')) faults.push(fieldForbidden(path.child('type'), typeFault));
    else if (annotation.slice('localhost/'.length) !== profile.localhostProfile) {
      faults.push(fieldForbidden(path.child('localhostProfile'), `${named} profile in annotation and field must match`));
    }
  } else if ((profile.type === 'Unconfined' || profile.type === 'RuntimeDefault') && !plain.includes(annotation)) {
    faults.push(fieldForbidden(path.child('type'), typeFault));
  }
}

/** Profiles said twice, by annotations of old and by fields, must be the same. */
export function validateMatchingProfiles(annotations: Annotations, spec: PodSpec, path: FieldPath, faults: Faults): void {
  if (!annotations) return;
  const security = spec.securityContext;
  const ofPod = annotations[seccompKey];
  if (ofPod !== undefined && security?.seccompProfile !== undefined) {
    compareProfile(ofPod, security.seccompProfile, 'seccomp', path.child('securityContext', 'seccompProfile'), faults);
  }
  eachContainer(spec, path, ({ name, securityContext }, here) => {
    const seccomp = annotations[seccompPrefix + name];
    if (seccomp !== undefined && securityContext?.seccompProfile !== undefined) {
      compareProfile(seccomp, securityContext.seccompProfile, 'seccomp', here.child('securityContext', 'seccompProfile'), faults);
    }
  });
  if (spec.os?.name === 'windows') return;
  eachContainer(spec, path, ({ name, securityContext }, here) => {
    const appArmor = annotations[appArmorPrefix + name];
    const profile = securityContext?.appArmorProfile ?? security?.appArmorProfile;
    if (appArmor === undefined || profile === undefined) return;
    compareProfile(appArmor, profile, 'apparmor', here.child('securityContext', 'appArmorProfile'), faults);
  });
}

/** What an update may not do to the annotations of a pod. */
export function validatePodAnnotationsUpdate(next: Annotations, old: Annotations, path: FieldPath, faults: Faults): void {
  const check = (key: string, verb: string): void => {
    if (key.startsWith(appArmorPrefix)) faults.push(fieldForbidden(path.key(key), `may not ${verb} AppArmor annotations`));
    if (key === mirrorKey) faults.push(fieldForbidden(path.key(key), `may not ${verb} mirror pod annotation`));
  };
  for (const [key, value] of Object.entries(old ?? {})) if (next?.[key] !== value) check(key, 'remove or update');
  for (const key of Object.keys(next ?? {})) if (old?.[key] === undefined) check(key, 'add');
}
