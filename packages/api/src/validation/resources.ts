import { fieldInvalid } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { ResourceRequirements } from '../generated/types.ts';
import { qualifiedNameFaults } from '../names.ts';
import { isQuantity, parseQuantity, quantityFault } from '../quantity.ts';
import type { Faults } from './faults.ts';
import { atLeastZero, checkSyntax } from './faults.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** One amount: a quantity, not negative. */
export function validateAmount(value: string | undefined, path: FieldPath, faults: Faults): void {
  if (value === undefined) return;
  if (!isQuantity(value)) faults.push(fieldInvalid(path, value, quantityFault));
  else if (parseQuantity(value).nanos < 0n) faults.push(fieldInvalid(path, value, atLeastZero));
}

/** Amounts by resource name, as quotas and capacities have them. */
export function validateAmounts(amounts: Amounts, path: FieldPath, faults: Faults): void {
  for (const [name, value] of Object.entries(amounts ?? {})) {
    checkSyntax(name, qualifiedNameFaults, path.key(name), faults);
    validateAmount(value, path.key(name), faults);
  }
}

function validateContainerAmounts(amounts: Amounts, path: FieldPath, faults: Faults): void {
  for (const [name, value] of Object.entries(amounts ?? {})) {
    checkSyntax(name, qualifiedNameFaults, path, faults);
    if (!name.includes('/') && !containerResources.has(name) && !name.startsWith('hugepages-')) {
      faults.push(fieldInvalid(path, name, 'must be a standard resource for containers'));
    }
    validateAmount(value, path.key(name), faults);
  }
}

/** Requests and limits of a container. */
export function validateContainerResources(resources: ResourceRequirements | undefined, path: FieldPath, faults: Faults): void {
  if (resources === undefined) return;
  const { limits, requests } = resources;
  validateContainerAmounts(limits, path.child('limits'), faults);
  validateContainerAmounts(requests, path.child('requests'), faults);
  for (const [name, value] of Object.entries(requests ?? {})) {
    const limit = limits?.[name];
    const whole = name.includes('/') || name.startsWith('hugepages-');
    if (limit === undefined || !isQuantity(limit) || !isQuantity(value)) continue;
    const order = parseQuantity(value).compare(parseQuantity(limit));
    if (whole && order !== 0) {
      faults.push(fieldInvalid(path.child('requests'), value, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      faults.push(fieldInvalid(path.child('requests'), value, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
}
