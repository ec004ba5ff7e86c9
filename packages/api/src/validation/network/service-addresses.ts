import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { ServiceSpec } from '../../generated/types.ts';
import { ipFamily } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkMember, eachOf } from '../faults.ts';
import { checkIp, isDualStack } from '../ip.ts';

const spec = FieldPath.of('spec');
const addresses = spec.child('clusterIPs');
const families = spec.child('ipFamilies');
const policy = spec.child('ipFamilyPolicy');
const fixed = 'may not change once set';

function isHeadless({ clusterIPs }: ServiceSpec): boolean {
  return clusterIPs?.length === 1 && clusterIPs[0] === 'None';
}

/** The addresses of a Service and the families they are of. */
export function validateServiceAddresses(wanted: ServiceSpec, old: ServiceSpec | undefined, faults: Faults): void {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = wanted;
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) faults.push(fieldRequired(addresses));
    else if (clusterIPs[0] !== clusterIP) faults.push(fieldInvalid(addresses, clusterIPs, 'first value must match `clusterIP`'));
  } else if (clusterIPs.length > 0) faults.push(fieldInvalid(addresses, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  const seen = new Set<string>();
  eachOf(ipFamilies, families, (family, here) => {
    if (family !== 'IPv4' && family !== 'IPv6') faults.push(fieldNotSupported(here, family, ['IPv4', 'IPv6']));
    if (seen.has(family)) faults.push(fieldDuplicate(here, family));
    seen.add(family);
  });
  checkMember(wanted.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack'], policy, faults);
  let sound = true;
  eachOf(clusterIPs, addresses, (address, here, at) => {
    if (at === 0 && address === 'None') {
      if (clusterIPs.length === 1) return;
      sound = false;
      faults.push(fieldInvalid(addresses, clusterIPs, "'None' must be the first and only value"));
    } else sound = checkIp(address, here, faults, old?.clusterIPs) && sound;
  });
  if (clusterIPs.length > 2) faults.push(fieldInvalid(addresses, clusterIPs, 'may only hold up to 2 values'));
  if (!sound) return;
  if (clusterIPs.length > 1 && !isDualStack(clusterIPs)) {
    faults.push(fieldInvalid(addresses, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(wanted)) return;
  eachOf(clusterIPs, addresses, (address, here, at) => {
    const family = ipFamilies[at];
    const expected = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : undefined;
    if (expected === undefined || ipFamily(address) === expected) return;
    faults.push(
      fieldInvalid(here, address, `expected an IPv${expected.toString()} value as indicated by \`ipFamilies[${at.toString()}]\``),
    );
  });
}

function checkAddresses(next: ServiceSpec, old: ServiceSpec, faults: Faults): void {
  if (isHeadless(next) && isHeadless(old)) return;
  const after = next.clusterIPs ?? [];
  const before = old.clusterIPs ?? [];
  if (before.length === after.length) {
    for (const [at, address] of before.entries()) if (address !== after[at]) faults.push(fieldInvalid(addresses.index(at), after, fixed));
  } else if (before.length > after.length) {
    if (after.length === 0) faults.push(fieldInvalid(addresses.index(0), after, 'primary clusterIP can not be unset'));
    else if (after[0] !== before[0]) faults.push(fieldInvalid(addresses.index(0), after, fixed));
    if (after.length === 1 && next.ipFamilyPolicy !== 'SingleStack') {
      const fault = "must be set to 'SingleStack' when releasing the secondary clusterIP";
      faults.push(fieldInvalid(policy, next.ipFamilyPolicy ?? null, fault));
    }
  } else if (before.length > 0 && after[0] !== before[0]) faults.push(fieldInvalid(addresses.index(0), after, fixed));
}

function checkFamilies(next: ServiceSpec, old: ServiceSpec, faults: Faults): void {
  if (isHeadless(next) || isHeadless(old)) return;
  const after = next.ipFamilies ?? [];
  const before = old.ipFamilies ?? [];
  const first = families.index(0);
  if (before.length === after.length) {
    for (const [at, family] of before.entries()) if (family !== after[at]) faults.push(fieldInvalid(first, after, fixed));
  } else if (before.length > after.length) {
    if ((next.clusterIPs ?? []).length === 0) faults.push(fieldInvalid(first, after, 'primary ipFamily can not be unset'));
    if (after.length > 0 && after[0] !== before[0]) faults.push(fieldInvalid(first, next.clusterIPs ?? null, fixed));
    if (after.length === 1 && next.ipFamilyPolicy !== 'SingleStack') {
      const fault = "must be set to 'SingleStack' when releasing the secondary ipFamily";
      faults.push(fieldInvalid(policy, next.ipFamilyPolicy ?? null, fault));
    }
  } else if (before.length > 0 && after[0] !== before[0]) faults.push(fieldInvalid(first, next.clusterIPs ?? null, fixed));
}

/** The first address and family of a Service stay; a second one may come and go. */
export function validateServiceAddressesUpdate(next: ServiceSpec, old: ServiceSpec, faults: Faults): void {
  if (next.type === 'ExternalName' || old.type === 'ExternalName') return;
  checkAddresses(next, old, faults);
  checkFamilies(next, old, faults);
}
