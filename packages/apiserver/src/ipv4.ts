/** An IPv4 range: the numbers of its first and last address. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

/** Throws `RangeError` for what is no IPv4 CIDR. */
export function parseRange(cidr: string): Ipv4Range {
  const [address = '', bits = ''] = cidr.split('/');
  const length = Number(bits);
  const number = parseAddress(address);
  if (number === undefined || !Number.isInteger(length) || bits === '' || length < 0 || length > 32)
    throw new RangeError(`not an IPv4 range: ${cidr}`);
  const size = 2 ** (32 - length);
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1 };
}

/** Undefined for what is no dotted IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let number = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    number = number * 256 + Number(part);
  }
  return number;
}

export function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** The first usable address of a range. */
export function firstAddress(cidr: string): string {
  return formatAddress(parseRange(cidr).first + 1);
}
