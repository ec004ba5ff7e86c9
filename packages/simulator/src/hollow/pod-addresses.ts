/** Hands out the addresses of one node's pod range (IPv4), the first two and the last kept back. */
export class PodAddresses {
  readonly #base: number;
  readonly #size: number;
  readonly #used = new Set<number>();
  #next = 2;

  /** `cidr` as in `10.128.4.0/22`. Throws for anything else. */
  constructor(cidr: string) {
    const [address, bits] = cidr.split('/');
    const octets = (address ?? '').split('.').map(Number);
    const prefix = Number(bits);
    if (
      octets.length !== 4 ||
      octets.some((octet) => !Number.isInteger(octet) || octet < 0 || octet > 255) ||
      !Number.isInteger(prefix) ||
      prefix < 8 ||
      prefix > 30
    )
      throw new Error(`${cidr} is not an IPv4 range`);
    this.#base = octets.reduce((number, octet) => number * 256 + octet, 0);
    this.#size = 2 ** (32 - prefix);
  }

  /** A free address; undefined when all are taken. */
  take(): string | undefined {
    for (let tries = 0; tries < this.#size; tries += 1) {
      const offset = this.#next;
      this.#next = offset + 1 >= this.#size - 1 ? 2 : offset + 1;
      if (this.#used.has(offset)) continue;
      this.#used.add(offset);
      return format(this.#base + offset);
    }
    return undefined;
  }

  /** Marks an address that a pod has already. */
  adopt(address: string): void {
    this.#used.add(this.#offset(address));
  }

  release(address: string): void {
    this.#used.delete(this.#offset(address));
  }

  #offset(address: string): number {
    return address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0) - this.#base;
  }
}

function format(number: number): string {
  return [24, 16, 8, 0].map((shift) => String(Math.floor(number / 2 ** shift) % 256)).join('.');
}
