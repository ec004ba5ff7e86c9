import { fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Container, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types.ts';
import { configMapKeyFaults, dns1123LabelFaults, dns1123SubdomainFaults, environmentNameFaults, qualifiedNameFaults } from '../../names.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import type { Faults } from '../faults.ts';
import { checkRequired, checkSyntax, eachOf } from '../faults.ts';
import { checkNoBacksteps } from './paths.ts';

const inEnvironment = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const inVolume = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
/** Every field path that means something of a pod, whether or not it may be used where it stands. */
const convertible = new Set([...inEnvironment, ...inVolume, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host']);
const subscripted = /^(.*)\['(.*)'\]$/;

/** A field of the pod, as the environment (`volume` false) or a file of it. */
export function validateFieldRef(ref: ObjectFieldSelector, volume: boolean, path: FieldPath, faults: Faults): void {
  if (!ref.fieldPath) {
    faults.push(fieldRequired(path.child('fieldPath')));
    return;
  }
  const [, base = ref.fieldPath, subscript] = subscripted.exec(ref.fieldPath) ?? [];
  const version = ref.apiVersion ?? 'v1';
  if (version !== 'v1') {
    faults.push(fieldInvalid(path.child('fieldPath'), ref.fieldPath, `error converting fieldPath: unsupported pod version: ${version}`));
  } else if (subscript !== undefined && (base === 'metadata.annotations' || base === 'metadata.labels')) {
    checkSyntax(base === 'metadata.annotations' ? subscript.toLowerCase() : subscript, qualifiedNameFaults, path, faults);
  } else if (subscript !== undefined) {
    faults.push(
      fieldInvalid(
        path.child('fieldPath'),
        ref.fieldPath,
        `error converting fieldPath: field label does not support subscript: ${ref.fieldPath}`,
      ),
    );
  } else if (!convertible.has(base)) {
    faults.push(fieldInvalid(path.child('fieldPath'), ref.fieldPath, `error converting fieldPath: field label not supported: ${base}`));
  } else {
    const allowed = volume ? inVolume : inEnvironment;
    const known = base === 'spec.host' ? 'spec.nodeName' : base;
    if (!allowed.includes(known)) faults.push(fieldNotSupported(path.child('fieldPath'), known, allowed));
  }
}

const resources = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** An amount of a container, divided by one of a few units. */
export function validateResourceFieldRef(ref: ResourceFieldSelector, volume: boolean, path: FieldPath, faults: Faults): void {
  const { resource = '', containerName, divisor } = ref;
  const huge = /^(requests|limits)\.hugepages-/.test(resource);
  if (volume && !containerName) faults.push(fieldRequired(path.child('containerName')));
  else if (resource === '') faults.push(fieldRequired(path.child('resource')));
  else if (!resources.includes(resource) && !huge) faults.push(fieldNotSupported(path.child('resource'), resource, resources));
  if (divisor === undefined || !isQuantity(divisor) || parseQuantity(divisor).isZero()) return;
  const unit = parseQuantity(divisor).toString();
  const fault = (units: readonly string[], named: string): void => {
    if (units.includes(unit)) return;
    const listed = units.length === 2 ? '1m and 1' : units.join(', ');
    faults.push(fieldInvalid(path.child('divisor'), resource, `only divisor's values ${listed} are supported with the ${named} resource`));
  };
  if (resource.endsWith('.cpu')) fault(['1m', '1'], 'cpu');
  else if (resource.endsWith('.memory')) fault(byteDivisors, 'memory');
  else if (resource.endsWith('.ephemeral-storage')) fault(byteDivisors, 'local ephemeral storage');
  else if (huge) fault(byteDivisors, 'hugepages');
}

function validateKeyRef(ref: { name?: string | undefined; key: string }, path: FieldPath, faults: Faults): void {
  checkSyntax(ref.name ?? '', dns1123SubdomainFaults, path.child('name'), faults);
  checkRequired(ref.key, configMapKeyFaults, path.child('key'), faults);
}

function validateSource(from: EnvVarSource, value: string | undefined, path: FieldPath, faults: Faults): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = from;
  if (fieldRef !== undefined) validateFieldRef(fieldRef, false, path.child('fieldRef'), faults);
  if (resourceFieldRef !== undefined) validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef'), faults);
  if (configMapKeyRef !== undefined) validateKeyRef(configMapKeyRef, path.child('configMapKeyRef'), faults);
  if (secretKeyRef !== undefined) validateKeyRef(secretKeyRef, path.child('secretKeyRef'), faults);
  if (fileKeyRef !== undefined) {
    const here = path.child('fileKeyRef');
    checkRequired(fileKeyRef.key, environmentNameFaults, here.child('key'), faults);
    checkRequired(fileKeyRef.volumeName, dns1123LabelFaults, here.child('volumeName'), faults);
    if (!fileKeyRef.path) faults.push(fieldRequired(here.child('path')));
    else checkNoBacksteps(fileKeyRef.path, here.child('path'), faults);
  }
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined);
  if (sources.length === 0) {
    const fault = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    faults.push(fieldInvalid(path, '', fault));
  } else if (value) faults.push(fieldInvalid(path, '', 'may not be specified when `value` is not empty'));
  else if (sources.length > 1) faults.push(fieldInvalid(path, '', 'may not have more than one field specified at a time'));
}

/** The environment of a container: single variables and whole ConfigMaps and Secrets. */
export function validateEnvironment(container: Pick<Container, 'env' | 'envFrom'>, path: FieldPath, faults: Faults): void {
  if (container.env) {
    eachOf(container.env, path.child('env'), ({ name, value, valueFrom }, here) => {
      checkRequired(name, environmentNameFaults, here.child('name'), faults);
      if (valueFrom !== undefined) validateSource(valueFrom, value, here.child('valueFrom'), faults);
    });
  }
  if (!container.envFrom) return;
  const list = path.child('envFrom');
  eachOf(container.envFrom, list, ({ prefix, configMapRef, secretRef }, here) => {
    if (prefix) checkSyntax(prefix, environmentNameFaults, here.child('prefix'), faults);
    if (configMapRef !== undefined) checkRequired(configMapRef.name, dns1123SubdomainFaults, here.child('configMapRef', 'name'), faults);
    if (secretRef !== undefined) checkRequired(secretRef.name, dns1123SubdomainFaults, here.child('secretRef', 'name'), faults);
    if (configMapRef === undefined && secretRef === undefined) {
      faults.push(fieldInvalid(list, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      faults.push(fieldInvalid(list, '', 'may not have more than one field specified at a time'));
    }
  });
}
