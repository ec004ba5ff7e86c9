import { fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { ResourceRequirements } from '../generated/types.ts';
import { dns1123LabelFaults } from '../names.ts';
import type { Quantity } from '../quantity.ts';
import { isQuantity, parseQuantity, quantityFault } from '../quantity.ts';
import type { Faults } from './faults.ts';
import { atLeastZero, checkSyntax, checkUnique, eachOf, greaterThanZero } from './faults.ts';
import { isHugePages, isInteger, mayOvercommit, validateContainerResourceName, validateResourceName } from './resource-names.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

/** The amount a text stands for, or undefined after reporting that it is none. */
export function readAmount(value: string, path: FieldPath, faults: Faults): Quantity | undefined {
  if (isQuantity(value)) return parseQuantity(value);
  faults.push(fieldInvalid(path, value, quantityFault));
  return undefined;
}

/** One amount: a quantity, not negative. */
export function validateAmount(value: string | undefined, path: FieldPath, faults: Faults): void {
  if (value === undefined) return;
  const amount = readAmount(value, path, faults);
  if (amount !== undefined && amount.nanos < 0n) faults.push(fieldInvalid(path, amount.toString(), atLeastZero));
}

/** One amount: a quantity above zero. Answers whether it is sound. */
export function validatePositiveAmount(value: string, path: FieldPath, faults: Faults): boolean {
  const amount = readAmount(value, path, faults);
  if (amount === undefined) return false;
  if (amount.nanos > 0n) return true;
  faults.push(fieldInvalid(path, amount.toString(), greaterThanZero));
  return false;
}

const nanosPerUnit = 1_000_000_000n;

/** The amount of a resource: not negative, and whole where the resource is counted. */
export function validateAmountOf(resource: string, value: string, path: FieldPath, faults: Faults): Quantity | undefined {
  const amount = readAmount(value, path, faults);
  if (amount === undefined) return undefined;
  if (amount.nanos < 0n) faults.push(fieldInvalid(path, amount.toString(), atLeastZero));
  if (isInteger(resource) && amount.nanos % nanosPerUnit !== 0n) faults.push(fieldInvalid(path, amount.toString(), 'must be an integer'));
  return amount;
}

/** Amounts by resource name, as quotas and capacities have them. */
export function validateAmounts(
  amounts: Amounts,
  path: FieldPath,
  faults: Faults,
  nameOf: (name: string, path: FieldPath, faults: Faults) => void = validateResourceName,
): void {
  if (!amounts) return;
  for (const name in amounts) {
    const here = path.key(name);
    nameOf(name, here, faults);
    validateAmountOf(name, amounts[name] ?? '', here, faults);
  }
}

function checkPageSize(name: string, amount: Quantity | undefined, path: FieldPath, faults: Faults): void {
  if (amount === undefined) return;
  const size = name.slice('hugepages-'.length);
  const page = isQuantity(size) ? parseQuantity(size) : undefined;
  const divides = page !== undefined && page.nanos > 0n && page.nanos % nanosPerUnit === 0n && amount.nanos % page.nanos === 0n;
  if (!divides) faults.push(fieldInvalid(path, amount.toString(), `${amount.toString()} is not positive integer multiple of ${name}`));
}

/** What holds for the requests and limits of containers and, with other names, of pods as a whole. */
export interface RequirementRules {
  readonly nameOf?: (name: string, path: FieldPath, faults: Faults) => void;
  /** The names of the pod's resource claims. */
  readonly claimNames: ReadonlySet<string>;
}

/** Requests and limits. */
export function validateRequirements(
  resources: ResourceRequirements | undefined,
  { nameOf = validateContainerResourceName, claimNames }: RequirementRules,
  path: FieldPath,
  faults: Faults,
): void {
  if (resources === undefined) return;
  const { limits, requests, claims } = resources;
  let hugePages = false;
  let compute = false;
  const amounts = new Map<string, Quantity>();
  if (limits) {
    const limitsPath = path.child('limits');
    for (const name in limits) {
      const here = limitsPath.key(name);
      nameOf(name, here, faults);
      const amount = validateAmountOf(name, limits[name] ?? '', here, faults);
      if (amount !== undefined) amounts.set(name, amount);
      if (isHugePages(name)) {
        hugePages = true;
        checkPageSize(name, amount, here, faults);
      }
      compute ||= name === 'cpu' || name === 'memory';
    }
  }
  if (requests) {
    const requestsPath = path.child('requests');
    for (const name in requests) {
      const here = requestsPath.key(name);
      nameOf(name, here, faults);
      const amount = validateAmountOf(name, requests[name] ?? '', here, faults);
      if (amount !== undefined) compareToLimit(name, amount, amounts.get(name), limits?.[name] !== undefined, path, faults);
      if (isHugePages(name)) {
        hugePages = true;
        checkPageSize(name, amount, here, faults);
      }
      compute ||= name === 'cpu' || name === 'memory';
    }
  }
  if (hugePages && !compute) faults.push(fieldForbidden(path, 'HugePages require cpu or memory'));
  if (claims && claims.length > 0) validateClaims(claims, claimNames, path.child('claims'), faults);
}

function compareToLimit(
  name: string,
  amount: Quantity,
  limit: Quantity | undefined,
  limited: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const here = path.child('requests');
  if (limit === undefined) {
    if (!limited && !mayOvercommit(name))
      faults.push(fieldRequired(path.child('limits'), 'Limit must be set for non overcommitable resources'));
    return;
  }
  const order = amount.compare(limit);
  if (order !== 0 && !mayOvercommit(name)) {
    faults.push(fieldInvalid(here, amount.toString(), `must be equal to ${name} limit of ${limit.toString()}`));
  } else if (order > 0) {
    faults.push(fieldInvalid(here, amount.toString(), `must be less than or equal to ${name} limit of ${limit.toString()}`));
  }
}

function validateClaims(
  claims: NonNullable<ResourceRequirements['claims']>,
  known: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  const names = new Set<string>();
  eachOf(claims, path, ({ name, request }, here) => {
    if (!name) {
      faults.push(fieldRequired(here));
      return;
    }
    if (request) checkSyntax(request, dns1123LabelFaults, here.child('request'), faults);
    const key = request ? `${name}/${request}` : name;
    // All of a claim, or several of its requests: not both.
    if (names.has(name)) checkUnique(name, names, here, faults);
    else if (!request && [...names].some((other) => other.startsWith(`${name}/`))) checkUnique(name, new Set([name]), here, faults);
    else checkUnique(key, names, here, faults);
    if (known.has(name)) return;
    const list = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
    faults.push({
      type: 'FieldValueNotFound',
      field: here.toString(),
      body: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${list}`,
    });
  });
}
