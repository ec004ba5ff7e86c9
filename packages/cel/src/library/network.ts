import type { FunctionDeclaration, OverloadOptions } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { constant, scan } from '../cost/call-costs.ts';
import { fixed, scaled, sum, unknownSize } from '../cost/estimates.ts';
import { boolType, intType, opaqueOf, stringType } from '../types/types.ts';
import { sizeOf } from '../values/fits.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { CelError, CelObject } from '../values/value.ts';
import type { AddressBytes } from './addresses.ts';
import { addressText, isMapped, masked, parseAddress, sameBytes } from './addresses.ts';

export const ipType = opaqueOf('net.IP');
export const cidrType = opaqueOf('net.CIDR');

class CelIp extends CelObject {
  readonly type = ipType;
  readonly bytes: AddressBytes;

  constructor(bytes: AddressBytes) {
    super();
    this.bytes = bytes;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelIp && sameBytes(this.bytes, other.bytes);
  }
}

class CelCidr extends CelObject {
  readonly type = cidrType;
  readonly bytes: AddressBytes;
  readonly prefix: number;

  constructor(bytes: AddressBytes, prefix: number) {
    super();
    this.bytes = bytes;
    this.prefix = prefix;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelCidr && this.prefix === other.prefix && sameBytes(this.bytes, other.bytes);
  }

  contains(bytes: AddressBytes): boolean {
    return bytes.length === this.bytes.length && sameBytes(masked(bytes, this.prefix), masked(this.bytes, this.prefix));
  }
}

const quoted = (text: string): string => JSON.stringify(text);

function parseIp(value: Value): CelIp | CelError {
  const text = value as string;
  const [plain = '', zone] = text.split('%');
  const bytes = parseAddress(plain);
  if (bytes === undefined || (zone !== undefined && bytes.length === 4)) {
    return new CelError(
      `IP Address ${quoted(text)} parse error during conversion from string: ParseAddr(${quoted(text)}): unable to parse IP`,
    );
  }
  if (zone !== undefined) return new CelError(`IP address ${quoted(text)} with zone value is not allowed`);
  if (isMapped(bytes)) return new CelError(`IPv4-mapped IPv6 address ${quoted(text)} is not allowed`);
  return new CelIp(bytes);
}

const cidrFault = (text: string, why: string): CelError =>
  new CelError(
    `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${quoted(text)}): ${why}`,
  );

function parseCidr(value: Value): CelCidr | CelError {
  const text = value as string;
  const slash = text.lastIndexOf('/');
  if (slash < 0) return cidrFault(text, "no '/'");
  const bytes = parseAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (bytes === undefined) return cidrFault(text, `ParseAddr(${quoted(text.slice(0, slash))}): unable to parse IP`);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(bits)) return cidrFault(text, `bad bits after slash: ${quoted(bits)}`);
  if (Number(bits) > bytes.length * 8) return cidrFault(text, 'prefix length out of range');
  if (isMapped(bytes))
    return new CelError(
      `network address parse error during conversion from string: IPv4-mapped IPv6 address ${quoted(text)} is not allowed`,
    );
  return new CelCidr(bytes, Number(bits));
}

const bytesOf = (value: Value): AddressBytes => (value as CelIp).bytes;
const is4 = (bytes: AddressBytes): boolean => bytes.length === 4;
const [first, second] = [(bytes: AddressBytes): number => bytes[0] ?? 0, (bytes: AddressBytes): number => bytes[1] ?? 0];
const isUnspecified = (bytes: AddressBytes): boolean => bytes.every((byte) => byte === 0);
const isLoopback = (bytes: AddressBytes): boolean =>
  is4(bytes) ? first(bytes) === 127 : bytes.at(-1) === 1 && bytes.slice(0, 15).every((byte) => byte === 0);
const isMulticast = (bytes: AddressBytes): boolean => (is4(bytes) ? (first(bytes) & 0xf0) === 0xe0 : first(bytes) === 0xff);
const isLinkLocalMulticast = (bytes: AddressBytes): boolean =>
  is4(bytes) ? first(bytes) === 224 && second(bytes) === 0 && bytes[2] === 0 : first(bytes) === 0xff && (second(bytes) & 0x0f) === 2;
const isLinkLocalUnicast = (bytes: AddressBytes): boolean =>
  is4(bytes) ? first(bytes) === 169 && second(bytes) === 254 : first(bytes) === 0xfe && (second(bytes) & 0xc0) === 0x80;
const isGlobalUnicast = (bytes: AddressBytes): boolean =>
  !(isUnspecified(bytes) || isLoopback(bytes) || isMulticast(bytes) || isLinkLocalUnicast(bytes)) &&
  !(is4(bytes) && bytes.every((byte) => byte === 255));

function containsIp(cidr: Value, other: Value): EvalValue {
  const ip = typeof other === 'string' ? parseIp(other) : (other as CelIp);
  return ip instanceof CelError ? ip : (cidr as CelCidr).contains(ip.bytes);
}

function containsCidr(cidr: Value, other: Value): EvalValue {
  const inner = typeof other === 'string' ? parseCidr(other) : (other as CelCidr);
  if (inner instanceof CelError) return inner;
  return (cidr as CelCidr).prefix <= inner.prefix && (cidr as CelCidr).contains(inner.bytes);
}

/** Comparing two addresses, `extra` times over, and reading the second when it is text. */
function containment(extra: number, text: boolean): OverloadOptions {
  const passes = 2 + extra;
  return {
    cost: ([cidr, other]) => {
      const bytes = (cidr as CelCidr).bytes.length;
      return Math.ceil(bytes * passes * 0.1) + extra + (text ? Math.ceil(sizeOf(other ?? null) * 0.1) : 0);
    },
    estimate: ([, other]) => {
      const compared = sum(scaled({ min: 4 * passes, max: 16 * passes }, 0.1), fixed(extra));
      return { cost: text ? sum(compared, scaled(other?.size ?? unknownSize, 0.1)) : compared };
    },
  };
}

const cheap = constant(1);
const check = (name: string, id: string, holds: (bytes: AddressBytes) => boolean): FunctionDeclaration =>
  declare(
    name,
    member(id, [ipType], boolType, (ip) => holds(bytesOf(ip)), cheap),
  );

/** IP addresses and networks. */
export const networkFunctions: readonly FunctionDeclaration[] = [
  declare(
    'ip',
    global('string_to_ip', [stringType], ipType, parseIp, scan(0)),
    member('cidr_ip', [cidrType], ipType, (cidr) => new CelIp((cidr as CelCidr).bytes), cheap),
  ),
  declare(
    'isIP',
    global('is_ip', [stringType], boolType, (text) => !(parseIp(text) instanceof CelError), scan(0)),
  ),
  declare(
    'ip.isCanonical',
    global(
      'ip_is_canonical',
      [stringType],
      boolType,
      (text) => {
        const ip = parseIp(text);
        return ip instanceof CelError ? ip : addressText(ip.bytes) === text;
      },
      scan(0, 2),
    ),
  ),
  declare(
    'family',
    member('ip_family', [ipType], intType, (ip) => (is4(bytesOf(ip)) ? 4n : 6n), cheap),
  ),
  check('isUnspecified', 'ip_is_unspecified', isUnspecified),
  check('isLoopback', 'ip_is_loopback', isLoopback),
  check('isLinkLocalMulticast', 'ip_is_link_local_multicast', isLinkLocalMulticast),
  check('isLinkLocalUnicast', 'ip_is_link_local_unicast', isLinkLocalUnicast),
  check('isGlobalUnicast', 'ip_is_global_unicast', isGlobalUnicast),
  declare('cidr', global('string_to_cidr', [stringType], cidrType, parseCidr, scan(0))),
  declare(
    'isCIDR',
    global('is_cidr', [stringType], boolType, (text) => !(parseCidr(text) instanceof CelError), scan(0)),
  ),
  declare(
    'containsIP',
    member('cidr_contains_ip_string', [cidrType, stringType], boolType, containsIp, containment(0, true)),
    member('cidr_contains_ip_ip', [cidrType, ipType], boolType, containsIp, containment(0, false)),
  ),
  declare(
    'containsCIDR',
    member('cidr_contains_cidr_string', [cidrType, stringType], boolType, containsCidr, containment(1, true)),
    member('cidr_contains_cidr', [cidrType, cidrType], boolType, containsCidr, containment(1, false)),
  ),
  declare(
    'prefixLength',
    member('cidr_prefix_length', [cidrType], intType, (cidr) => BigInt((cidr as CelCidr).prefix), cheap),
  ),
  declare(
    'masked',
    member(
      'cidr_masked',
      [cidrType],
      cidrType,
      (cidr) => new CelCidr(masked((cidr as CelCidr).bytes, (cidr as CelCidr).prefix), (cidr as CelCidr).prefix),
      cheap,
    ),
  ),
  declare(
    'string',
    global('ip_to_string', [ipType], stringType, (ip) => addressText(bytesOf(ip))),
    global(
      'cidr_to_string',
      [cidrType],
      stringType,
      (cidr) => `${addressText((cidr as CelCidr).bytes)}/${(cidr as CelCidr).prefix.toString()}`,
    ),
  ),
];
