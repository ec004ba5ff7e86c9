import { fieldInvalid, fieldNotSupported } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import { qualifiedNameFaults } from '../names.ts';
import type { Faults } from './faults.ts';

const compute = ['cpu', 'memory', 'ephemeral-storage'];
/** Objects that a quota counts under a name of their own. */
const counted = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const scoped = compute.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);

const containerResources = new Set(compute);
const standardResources = new Set([...scoped, ...counted, 'storage', 'requests.storage']);
const quotaResources = new Set([...scoped, ...counted, 'requests.storage']);
const integerResources = new Set(counted);

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** Resources of devices: their own domain, and short enough to be asked of a quota as `requests.NAME`. */
export function isExtendedResource(name: string): boolean {
  return !isNative(name) && !name.startsWith('requests.') && qualifiedNameFaults(`requests.${name}`).length === 0;
}

/** Whether requests may be lower than limits. */
export const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

/** Whether amounts are whole numbers. */
export const isInteger = (name: string): boolean => integerResources.has(name) || (name.includes('/') && isExtendedResource(name));

export const isQuotaResource = (name: string): boolean => quotaResources.has(name) || isQuotaHugePages(name);

/** Any name of a resource. Answers whether its syntax is sound. */
export function validateResourceName(name: string, path: FieldPath, faults: Faults): boolean {
  // The names met most are sound.
  if (containerResources.has(name)) return true;
  const texts = qualifiedNameFaults(name);
  for (const text of texts) faults.push(fieldInvalid(path, name, text));
  if (texts.length > 0) return false;
  if (!name.includes('/') && !standardResources.has(name) && !isQuotaHugePages(name)) {
    faults.push(fieldInvalid(path, name, 'must be a standard resource type or fully qualified'));
    return false;
  }
  return true;
}

export function validateContainerResourceName(name: string, path: FieldPath, faults: Faults): void {
  validateResourceName(name, path, faults);
  if (!name.includes('/')) {
    if (!containerResources.has(name) && !isHugePages(name)) {
      faults.push(fieldInvalid(path, name, 'must be a standard resource for containers'));
    }
  } else if (!isNative(name) && !isExtendedResource(name)) {
    faults.push(fieldInvalid(path, name, "doesn't follow extended resource name standard"));
  }
}

/** Of what may be asked for a pod as a whole. */
export function validatePodResourceName(name: string, path: FieldPath, faults: Faults): void {
  if (!validateResourceName(name, path, faults)) return;
  if (name !== 'cpu' && name !== 'memory' && !isHugePages(name))
    faults.push(fieldNotSupported(path, name, ['cpu', 'hugepages-', 'memory']));
}

export function validateQuotaResourceName(name: string, path: FieldPath, faults: Faults): void {
  validateResourceName(name, path, faults);
  if (!name.includes('/') && !isQuotaResource(name)) faults.push(fieldInvalid(path, name, 'must be a standard resource for quota'));
}
