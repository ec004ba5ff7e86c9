/** An IPv4 range as numbers: `base` is the network address, `size` the count of addresses in it. */
export interface Ipv4Range {
  readonly base: number;
  readonly size: number;
}

/** Parses dotted decimal to an unsigned 32-bit number; throws on anything else. */
export function parseIpv4(text: string): number {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    throw new Error(`Not an IPv4 address: ${text}`);
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** Parses `a.b.c.d/n`; host bits are cleared. Throws on anything else. */
export function parseIpv4Range(cidr: string): Ipv4Range {
  const [address = '', bits = ''] = cidr.split('/');
  if (!/^\d{1,2}$/.test(bits) || Number(bits) > 32) throw new Error(`Not an IPv4 range: ${cidr}`);
  const size = 2 ** (32 - Number(bits));
  return { base: Math.floor(parseIpv4(address) / size) * size, size };
}
