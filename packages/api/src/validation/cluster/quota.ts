import { fieldForbidden, fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec } from '../../generated/types.ts';
import { qualifiedNameFaults } from '../../names.ts';
import type { Quantity } from '../../quantity.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import type { Faults } from '../faults.ts';
import { checkSyntax, checkUnique, eachOf, immutableFault } from '../faults.ts';
import {
  isQuotaResource,
  mayOvercommit,
  validateContainerResourceName,
  validateQuotaResourceName,
  validateResourceName,
} from '../resource-names.ts';
import { readAmount, validateAmounts } from '../resources.ts';

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');

const podResources = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];
const claimResources = ['persistentvolumeclaims', 'requests.storage'];
/** What each scope can limit. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: podResources,
  NotTerminating: podResources,
  NotBestEffort: podResources,
  PriorityClass: podResources,
  CrossNamespacePodAffinity: podResources,
  BestEffort: ['pods'],
  VolumeAttributesClass: claimResources,
};
const existsOnly = new Set(['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']);
const existsFault =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function checkScopes(
  names: readonly string[],
  wanted: ResourceQuotaSpec,
  shown: unknown,
  unknownAt: (name: string) => void,
  path: FieldPath,
  faults: Faults,
): void {
  for (const name of names) {
    const limited = scopes[name];
    if (limited === undefined) unknownAt(name);
    for (const resource of Object.keys(wanted.hard ?? {}).sort()) {
      if (limited === undefined || !isQuotaResource(resource) || limited.includes(resource)) continue;
      faults.push(fieldInvalid(path, shown, 'unsupported scope applied to resource'));
    }
  }
}

function checkPairs(names: readonly string[], shown: unknown, path: FieldPath, faults: Faults): void {
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const) {
    if (names.includes(one) && names.includes(other)) faults.push(fieldInvalid(path, shown, 'conflicting scopes'));
  }
}

function validateSelector(wanted: ResourceQuotaSpec, faults: Faults): void {
  const expressions = wanted.scopeSelector?.matchExpressions ?? [];
  const path = spec.child('scopeSelector', 'matchExpressions');
  for (const { scopeName, operator, values = [] } of expressions) {
    const unknown = (name: string): void => void faults.push(fieldInvalid(path.child('scopeName'), name, 'unsupported scope'));
    checkScopes([scopeName], wanted, wanted.scopeSelector, unknown, path, faults);
    if (existsOnly.has(scopeName) && operator !== 'Exists') faults.push(fieldInvalid(path.child('operator'), operator, existsFault));
    if (operator === 'In' || operator === 'NotIn') {
      const fault = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) faults.push(fieldRequired(path.child('values'), fault));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const fault = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) faults.push(fieldInvalid(path.child('values'), values, fault));
    } else faults.push(fieldInvalid(path.child('operator'), operator, 'not a valid selector operator'));
  }
  checkPairs(
    expressions.map(({ scopeName }) => scopeName),
    wanted.scopes ?? null,
    path,
    faults,
  );
}

function validateSpec(wanted: ResourceQuotaSpec, faults: Faults): void {
  validateAmounts(wanted.hard, spec.child('hard'), faults, validateQuotaResourceName);
  const named = wanted.scopes ?? [];
  const path = spec.child('scopes');
  const unknown = (): void => void faults.push(fieldInvalid(path, named, 'unsupported scope'));
  checkScopes(named, wanted, named, unknown, path, faults);
  checkPairs(named, named, path, faults);
  validateSelector(wanted, faults);
}

export function validateQuota(quota: ResourceQuota, faults: Faults): void {
  validateSpec(quota.spec ?? {}, faults);
}

export function validateQuotaUpdate(next: ResourceQuota, old: ResourceQuota, faults: Faults): void {
  const before = new Set(old.spec?.scopes);
  const after = new Set(next.spec?.scopes);
  if (before.size !== after.size || [...before].some((scope) => !after.has(scope))) {
    faults.push(fieldInvalid(spec.child('scopes'), next.spec?.scopes ?? null, immutableFault));
  }
}

export function validateQuotaStatus(next: ResourceQuota, _old: ResourceQuota, faults: Faults): void {
  validateAmounts(next.status?.hard, status.child('hard'), faults, validateQuotaResourceName);
  validateAmounts(next.status?.used, status.child('used'), faults, validateQuotaResourceName);
}

type Side = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';
const limitTypes = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);

function compareLimits(name: string, of: (side: Side) => Quantity | undefined, path: FieldPath, faults: Faults): void {
  const [min, max, preset, request, ratio] = (['min', 'max', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const).map(of);
  const above = (
    low: Quantity | undefined,
    high: Quantity | undefined,
    shown: Quantity | undefined,
    texts: readonly [side: Side, low: string, high: string],
  ): void => {
    if (low === undefined || high === undefined || low.compare(high) <= 0) return;
    const fault = `${texts[1]} value ${low.toString()} is greater than ${texts[2]} value ${high.toString()}`;
    faults.push(fieldInvalid(path.child(texts[0]).key(name), shown?.toString(), fault));
  };
  above(min, max, min, ['min', 'min', 'max']);
  above(min, request, request, ['defaultRequest', 'min', 'default request']);
  above(request, max, request, ['defaultRequest', 'default request', 'max']);
  above(request, preset, request, ['defaultRequest', 'default request', 'default limit']);
  above(min, preset, min, ['default', 'min', 'default']);
  above(preset, max, max, ['default', 'default', 'max']);
  const there = path.child('maxLimitRequestRatio').key(name);
  if (ratio !== undefined && ratio.nanos < 1_000_000_000n) {
    faults.push(fieldInvalid(there, ratio.toString(), `ratio ${ratio.toString()} is less than 1`));
  }
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const limit = Number(max.nanos) / Number(min.nanos);
    if (Number(ratio.nanos) / 1e9 > limit) {
      faults.push(fieldInvalid(there, ratio.toString(), `ratio ${ratio.toString()} is greater than max/min = ${limit.toFixed(6)}`));
    }
  }
  if (!mayOvercommit(name) && preset !== undefined && request !== undefined && preset.compare(request) !== 0) {
    const fault = `default value ${preset.toString()} must equal to defaultRequest value ${request.toString()} in ${name}`;
    faults.push(fieldInvalid(path.child('defaultRequest').key(name), request.toString(), fault));
  }
}

function validateLimit(limit: LimitRangeItem, path: FieldPath, faults: Faults): void {
  const nameOf = limit.type === 'Pod' || limit.type === 'Container' ? validateContainerResourceName : validateResourceName;
  const names = new Set<string>();
  const amounts = new Map<string, Quantity>();
  for (const side of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    if (limit.type === 'Pod' && (side === 'default' || side === 'defaultRequest')) {
      if (Object.keys(limit[side] ?? {}).length > 0)
        faults.push(fieldForbidden(path.child(side), "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const [name, text] of Object.entries(limit[side] ?? {})) {
      const here = path.child(side).key(name);
      nameOf(name, here, faults);
      names.add(name);
      const amount = isQuantity(text) ? parseQuantity(text) : readAmount(text, here, faults);
      if (amount !== undefined) amounts.set(`${side}/${name}`, amount);
    }
  }
  if (limit.type === 'PersistentVolumeClaim' && limit.min?.['storage'] === undefined && limit.max?.['storage'] === undefined) {
    faults.push(fieldRequired(path.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'));
  }
  for (const name of names) compareLimits(name, (side) => amounts.get(`${side}/${name}`), path, faults);
}

export function validateLimitRange({ spec: wanted }: LimitRange, faults: Faults): void {
  const types = new Set<string>();
  eachOf(wanted?.limits, spec.child('limits'), (limit, here) => {
    const type = limit.type;
    checkSyntax(type, qualifiedNameFaults, here.child('type'), faults);
    if (qualifiedNameFaults(type).length === 0 && !type.includes('/') && !limitTypes.has(type)) {
      faults.push(fieldInvalid(here.child('type'), type, 'must be a standard limit type or fully qualified'));
    }
    checkUnique(type, types, here.child('type'), faults);
    validateLimit(limit, here, faults);
  });
}
