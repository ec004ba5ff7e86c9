import { fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { IPAddress, ServiceCIDR } from '../../generated/types.ts';
import { canonicalIp, dns1123SubdomainFaults, ipFamily, ipFaults, pathSegmentFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable, checkOptional, checkRequired, eachOf, immutableFault } from '../faults.ts';
import { checkCidr, parseRange } from '../ip.ts';

const spec = FieldPath.of('spec');
const parent = spec.child('parentRef');
const ranges = spec.child('cidrs');

/** An IPAddress is named by the address it stands for, in the one form everybody writes. */
export function ipAddressNameFaults(name: string): string[] {
  const faults = ipFaults(name);
  if (faults.length > 0) return faults;
  const canonical = canonicalIp(name);
  return canonical === name ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

export function validateIpAddress({ spec: wanted }: IPAddress, faults: Faults): void {
  const reference = wanted?.parentRef as NonNullable<IPAddress['spec']>['parentRef'] | undefined;
  if (reference === undefined) {
    faults.push(fieldRequired(parent));
    return;
  }
  checkOptional(reference.group, dns1123SubdomainFaults, parent.child('group'), faults);
  checkRequired(reference.resource, pathSegmentFaults, parent.child('resource'), faults);
  checkRequired(reference.name, pathSegmentFaults, parent.child('name'), faults);
  checkOptional(reference.namespace, pathSegmentFaults, parent.child('namespace'), faults);
}

export function validateIpAddressUpdate(next: IPAddress, old: IPAddress, faults: Faults): void {
  checkImmutable(next.spec?.parentRef, old.spec?.parentRef, parent, faults);
}

export function validateServiceCidr({ spec: wanted }: ServiceCIDR, faults: Faults): void {
  const list = wanted?.cidrs ?? [];
  if (list.length === 0) faults.push(fieldRequired(ranges, 'at least one CIDR required'));
  else if (list.length > 2) faults.push(fieldInvalid(ranges, wanted, 'may only hold up to 2 values'));
  else {
    eachOf(list, ranges, (range, here) => {
      if (!checkCidr(range, here, faults)) return;
      const [address = '', length = ''] = range.split('/');
      const canonical = `${canonicalIp(address)}/${length}`;
      if (canonical !== range) faults.push(fieldInvalid(here, range, `must be in canonical form (${JSON.stringify(canonical)})`));
    });
    const [first, second] = list.map((range) => (parseRange(range) === undefined ? undefined : ipFamily(range.split('/')[0] ?? '')));
    if (list.length === 2 && first !== undefined && first === second) {
      const fault = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
      faults.push(fieldInvalid(ranges, list, fault));
    }
  }
}

/** A range stays; one of the other family may be added. */
export function validateServiceCidrUpdate(next: ServiceCIDR, old: ServiceCIDR, faults: Faults): void {
  const before = old.spec?.cidrs ?? [];
  const after = next.spec?.cidrs ?? [];
  const grows = before.length === 1 && after.length === 2;
  if (before.length !== after.length && !grows) {
    faults.push(fieldInvalid(ranges, after, immutableFault));
    return;
  }
  for (const [at, range] of before.entries())
    if (range !== after[at]) faults.push(fieldInvalid(ranges.index(at), after[at], immutableFault));
  if (grows) validateServiceCidr(next, faults);
}
