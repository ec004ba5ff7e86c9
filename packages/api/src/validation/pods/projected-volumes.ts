import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
} from '../../generated/types.ts';
import { dns1123SubdomainFaults } from '../../names.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkRequired, eachOf } from '../faults.ts';
import { validateLabelSelector } from '../object-meta.ts';
import { isKubernetesSigner, validateSignerName } from '../signer-name.ts';
import type { PodLeniency } from './context.ts';
import { validateFieldRef, validateResourceFieldRef } from './environment.ts';
import { checkFileMode, checkFilePath } from './paths.ts';

/** Keys of a ConfigMap or Secret and the files they become. */
export function validateItems(items: MaybeList<KeyToPath>, path: FieldPath, faults: Faults): void {
  eachOf(items, path, ({ key, path: file, mode }, here) => {
    checkRequired(key, undefined, here.child('key'), faults);
    if (!file) faults.push(fieldRequired(here.child('path')));
    checkFilePath(file, here.child('path'), faults);
    checkFileMode(mode, here.child('mode'), faults);
  });
}

/** Files of the pod's own fields. Kubernetes leaves the index of a file out of its path. */
export function validateDownwardFiles(files: MaybeList<DownwardAPIVolumeFile>, path: FieldPath, faults: Faults): void {
  for (const { path: file, fieldRef, resourceFieldRef, mode } of files ?? []) {
    if (!file) faults.push(fieldRequired(path.child('path')));
    checkFilePath(file, path.child('path'), faults);
    if (fieldRef !== undefined) {
      validateFieldRef(fieldRef, true, path.child('fieldRef'), faults);
      if (resourceFieldRef !== undefined) {
        faults.push(fieldInvalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
      }
    } else if (resourceFieldRef !== undefined) validateResourceFieldRef(resourceFieldRef, true, path.child('resourceFieldRef'), faults);
    else faults.push(fieldRequired(path, 'one of fieldRef and resourceFieldRef is required'));
    checkFileMode(mode, path.child('mode'), faults);
  }
}

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

function validateToken(
  token: ServiceAccountTokenProjection,
  lenient: PodLeniency,
  path: FieldPath,
  volume: FieldPath,
  faults: Faults,
): void {
  const seconds = token.expirationSeconds;
  const here = path.child('expirationSeconds');
  if (seconds !== undefined && seconds < minTokenSeconds) {
    faults.push(fieldInvalid(here, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds !== undefined && seconds > maxTokenSeconds) {
    faults.push(fieldInvalid(here, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  if (!token.path) faults.push(fieldRequired(volume.child('path')));
  else if (lenient.tokenPaths !== true) checkFilePath(token.path, volume.child('path'), faults);
}

function bundleNameFaults(name: string): string[] {
  const colon = name.lastIndexOf(':');
  return dns1123SubdomainFaults(colon < 0 ? name : name.slice(colon + 1));
}

function validateBundle(bundle: ClusterTrustBundleProjection, path: FieldPath, faults: Faults): void {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    faults.push(fieldInvalid(path, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') faults.push(fieldRequired(path.child('name'), 'must be a valid object name'));
    for (const fault of bundleNameFaults(name)) {
      faults.push(fieldInvalid(path.child('name'), name, `not a valid clustertrustbundlename: ${fault}`));
    }
    if (labelSelector !== undefined) {
      faults.push(fieldInvalid(path.child('labelSelector'), labelSelector, 'labelSelector must be unset if name is specified'));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') faults.push(fieldRequired(path.child('signerName'), 'must be a valid signer name'));
    validateSignerName(signerName, path.child('signerName'), faults);
    validateLabelSelector(labelSelector, path.child('labelSelector'), faults);
  } else faults.push(fieldRequired(path, 'either name or signerName must be specified'));
  if (!bundle.path) faults.push(fieldRequired(path.child('path')));
  checkFilePath(bundle.path, path.child('path'), faults);
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const minCertificateSeconds = 3600;
const maxCertificateSeconds = 91 * 24 * 3600;
const maxKubernetesCertificateSeconds = 24 * 3600;

function validateCertificate(certificate: PodCertificateProjection, path: FieldPath, faults: Faults): string[] {
  const { signerName = '', keyType = '', maxExpirationSeconds: seconds } = certificate;
  validateSignerName(signerName, path.child('signerName'), faults);
  if (!keyTypes.includes(keyType)) faults.push(fieldNotSupported(path.child('keyType'), keyType, keyTypes));
  if (seconds !== undefined) {
    const here = path.child('maxExpirationSeconds');
    const max = isKubernetesSigner(signerName) ? maxKubernetesCertificateSeconds : maxCertificateSeconds;
    if (seconds < minCertificateSeconds) {
      faults.push(fieldInvalid(here, seconds, `if provided, maxExpirationSeconds must be >= ${minCertificateSeconds.toString()}`));
    }
    if (seconds > max) faults.push(fieldInvalid(here, seconds, `if provided, maxExpirationSeconds must be <= ${max.toString()}`));
  }
  const files: string[] = [];
  for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
    const file = certificate[field];
    if (!file) continue;
    checkFilePath(file, path.child(field), faults);
    files.push(file);
  }
  if (files.length === 0) {
    faults.push(fieldRequired(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
  }
  return files;
}

/** A volume put together of several sources, whose files may not meet. */
export function validateProjected(volume: ProjectedVolumeSource, lenient: PodLeniency, path: FieldPath, faults: Faults): void {
  checkFileMode(volume.defaultMode, path.child('defaultMode'), faults);
  const files = new Set<string>();
  const claim = (file: string | undefined, shown: string): void => {
    if (!file) return;
    if (files.has(file)) faults.push(fieldInvalid(path, shown, 'conflicting duplicate paths'));
    files.add(file);
  };
  eachOf(volume.sources, path.child('sources'), (source, here) => {
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
    for (const kind of ['secret', 'configMap'] as const) {
      const keyed = source[kind];
      if (keyed === undefined) continue;
      checkRequired(keyed.name, undefined, here.child(kind, 'name'), faults);
      validateItems(keyed.items, here.child(kind, 'items'), faults);
      for (const item of keyed.items ?? []) claim(item.path, keyed.name ?? '');
    }
    if (downwardAPI !== undefined) {
      validateDownwardFiles(downwardAPI.items, here.child('downwardAPI'), faults);
      for (const file of downwardAPI.items ?? []) claim(file.path, file.path);
    }
    if (serviceAccountToken !== undefined) validateToken(serviceAccountToken, lenient, here.child('serviceAccountToken'), path, faults);
    if (clusterTrustBundle !== undefined) {
      validateBundle(clusterTrustBundle, here.child('clusterTrustBundle'), faults);
      claim(clusterTrustBundle.path, clusterTrustBundle.path);
    }
    if (podCertificate !== undefined) {
      for (const file of validateCertificate(podCertificate, here.child('podCertificate'), faults)) claim(file, file);
    }
    const named = [secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate];
    if (named.filter((one) => one !== undefined).length > 1) {
      faults.push(fieldForbidden(here, 'may not specify more than 1 volume type per source'));
    }
  });
}
