/** An IPv4 range cut into equal blocks. */
export interface BlockRange {
  readonly count: number;
  /** The block with this index, in CIDR notation. */
  cidrOf(index: number): string;
  /** The index of a block in CIDR notation; undefined for anything else. */
  indexOf(cidr: string): number | undefined;
  /** First and last block that a range has addresses in; undefined when it lies outside. Throws for what is no range. */
  overlap(cidr: string): { readonly first: number; readonly last: number } | undefined;
}

/** Cuts `cidr` into blocks of prefix length `blockPrefix`. Throws when that is impossible. */
export function cutIpv4(cidr: string, blockPrefix: number): BlockRange {
  const { address, prefix } = parseIpv4Cidr(cidr);
  if (blockPrefix < prefix || blockPrefix > 32) throw new Error(`${cidr} cannot be cut into blocks of /${String(blockPrefix)}`);
  const size = 2 ** (32 - blockPrefix);
  const count = 2 ** (blockPrefix - prefix);
  const base = address - (address % 2 ** (32 - prefix));
  return {
    count,
    cidrOf: (index) => `${format(base + index * size)}/${String(blockPrefix)}`,
    overlap: (range) => {
      const other = parseIpv4Cidr(range);
      const length = 2 ** (32 - other.prefix);
      const start = other.address - (other.address % length) - base;
      const end = start + length - 1;
      return end < 0 || start >= count * size
        ? undefined
        : { first: Math.max(0, Math.floor(start / size)), last: Math.min(count - 1, Math.floor(end / size)) };
    },
    indexOf: (block) => {
      const match = /^[\d.]+\/\d+$/.test(block) ? parseIpv4Cidr(block) : undefined;
      if (match?.prefix !== blockPrefix) return undefined;
      const index = (match.address - base) / size;
      return Number.isInteger(index) && index >= 0 && index < count ? index : undefined;
    },
  };
}

function parseIpv4Cidr(cidr: string): { address: number; prefix: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const parts = match?.slice(1).map(Number);
  if (parts?.length !== 5 || parts.slice(0, 4).some((part) => part > 255) || (parts[4] ?? 33) > 32)
    throw new Error(`${cidr} is not an IPv4 range`);
  return { address: parts.slice(0, 4).reduce((sum, part) => sum * 256 + part, 0), prefix: parts[4] ?? 0 };
}

function format(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
