import { fieldInvalid } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import { canonicalIp, ipBytes, ipFamily } from '../names.ts';
import type { Faults } from './faults.ts';

const ipFault = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const cidrFault = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
const sloppyIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Numbers with leading zeros, which some programs read as octal. */
function hasLeadingZeros(address: string): boolean {
  return sloppyIpv4.test(address) && address.split('.').every((part) => Number(part) <= 255);
}

function isMapped(address: string): boolean {
  const bytes = address.includes(':') ? ipBytes(address) : undefined;
  return bytes !== undefined && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** An address. `known` are values that an older object has, sound or not: they may stay. */
export function checkIp(value: string, path: FieldPath, faults: Faults, known: readonly string[] = []): boolean {
  if (known.includes(value)) return true;
  const fault =
    ipFamily(value) !== undefined
      ? isMapped(value)
        ? 'must not be an IPv4-mapped IPv6 address'
        : undefined
      : hasLeadingZeros(value)
        ? 'must not have leading 0s'
        : ipFault;
  if (fault !== undefined) faults.push(fieldInvalid(path, value, fault));
  return fault === undefined;
}

/** An address in the one form everybody writes. */
export function checkCanonicalIp(value: string, path: FieldPath, faults: Faults): boolean {
  if (!checkIp(value, path, faults)) return false;
  const canonical = canonicalIp(value);
  if (canonical !== value) faults.push(fieldInvalid(path, value, `must be in canonical form (${JSON.stringify(canonical)})`));
  return canonical === value;
}

/** A range of addresses, parsed: its first address and how many leading bits are fixed. */
export interface Range {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function masked(bytes: readonly number[], bits: number): number[] {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - at * 8))) & 0xff);
}

export function parseRange(value: string): Range | undefined {
  const [address = '', length = '', ...rest] = value.split('/');
  const bytes = ipBytes(address);
  if (bytes === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined;
  return { bytes: masked(bytes, Number(length)), bits: Number(length) };
}

/** Whether `inner` lies in `outer` and is smaller. */
export function isInside(inner: Range, outer: Range): boolean {
  if (inner.bytes.length !== outer.bytes.length || inner.bits <= outer.bits) return false;
  return masked(inner.bytes, outer.bits).every((byte, at) => byte === outer.bytes[at]);
}

/** A range. `known` as for `checkIp`. */
export function checkCidr(value: string, path: FieldPath, faults: Faults, known: readonly string[] = []): boolean {
  if (known.includes(value)) return true;
  const [address = '', length = ''] = value.split('/');
  const range = parseRange(value);
  let fault: string | undefined;
  if (range === undefined) {
    const sloppy = hasLeadingZeros(address) && /^\d+$/.test(length) && Number(length) <= 32;
    fault = sloppy ? 'must not have leading 0s in IP or prefix length' : cidrFault;
  } else if (/^0\d/.test(length)) fault = 'must not have leading 0s in IP or prefix length';
  else if (isMapped(address)) fault = 'must not have an IPv4-mapped IPv6 address';
  else if (range.bytes.some((byte, at) => byte !== ipBytes(address)?.[at])) fault = 'must not have bits set beyond the prefix length';
  if (fault !== undefined) faults.push(fieldInvalid(path, value, fault));
  return fault === undefined;
}

/** One of each family, or one alone. */
export function isDualStack(addresses: readonly string[]): boolean {
  const families = new Set(addresses.map((address) => ipFamily(address.split('/')[0] ?? '')));
  return families.size === 2 && addresses.length >= 2;
}

/** An address that an endpoint or external address can have: not one that means this machine or this link. */
export function checkEndpointIp(value: string, path: FieldPath, faults: Faults): void {
  const bytes = ipBytes(value);
  if (bytes === undefined) {
    faults.push(fieldInvalid(path, value, 'must be a valid IP address'));
    return;
  }
  const v4 = bytes.length === 4 ? bytes : isMapped(value) ? bytes.slice(12) : undefined;
  const say = (fault: string): void => void faults.push(fieldInvalid(path, value, fault));
  if (bytes.every((byte) => byte === 0)) say(`may not be unspecified (${value})`);
  const last = bytes.length === 16 && bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1;
  if (v4?.[0] === 127 || last) say('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  const [first = 0, second = 0] = bytes;
  if ((v4?.[0] === 169 && v4[1] === 254) || (bytes.length === 16 && first === 0xfe && (second & 0xc0) === 0x80)) {
    say('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if ((v4?.[0] === 224 && v4[1] === 0 && v4[2] === 0) || (bytes.length === 16 && first === 0xff && (second & 0x0f) === 0x02)) {
    say('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}
