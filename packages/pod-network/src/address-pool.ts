import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatIpv4, parseIpv4, parseIpv4Range } from './ipv4.ts';
import type { Ipv4Range } from './ipv4.ts';

/**
 * Which pod owns which address: one file per address, named after it and holding the owner's id. A file
 * appears complete or not at all, so a crash at any moment loses and leaks nothing that `load` cannot see.
 */
export class AddressPool {
  readonly #folder: string;
  #owners = new Map<number, string>();
  #addresses = new Map<string, number>();
  #range: Ipv4Range | undefined;
  #next = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads what earlier processes assigned. Call once, first. */
  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      const file = path.join(this.#folder, name);
      if (name.startsWith('.')) await rm(file, { force: true });
      else this.#remember(parseIpv4(name), await readFile(file, 'utf8'));
    }
  }

  /** Addresses are taken from this range from now on; those already assigned stay. */
  use(podCidr: string): void {
    this.#range = parseIpv4Range(podCidr);
  }

  get owners(): readonly string[] {
    return [...this.#addresses.keys()];
  }

  addressOf(owner: string): string | undefined {
    const address = this.#addresses.get(owner);
    return address === undefined ? undefined : formatIpv4(address);
  }

  /** The owner's address, a new one if it has none. Throws when the range is unset or full. */
  async assign(owner: string): Promise<string> {
    const known = this.addressOf(owner);
    if (known !== undefined) return known;
    const address = this.#takeFree(owner);
    const file = path.join(this.#folder, formatIpv4(address));
    const draft = path.join(this.#folder, `.${formatIpv4(address)}`);
    try {
      await writeFile(draft, owner, { mode: 0o600 });
      await link(draft, file);
    } catch (error) {
      this.#forget(owner);
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    return formatIpv4(address);
  }

  async release(owner: string): Promise<void> {
    const address = this.#addresses.get(owner);
    if (address === undefined) return;
    await rm(path.join(this.#folder, formatIpv4(address)), { force: true });
    this.#forget(owner);
  }

  #takeFree(owner: string): number {
    if (this.#range === undefined) throw new Error('The node has no range of pod addresses yet');
    // The first address is left to the node, network and broadcast address to nobody.
    const { base, size } = this.#range;
    const usable = size - 3;
    for (let tried = 0; tried < usable; tried += 1) {
      const offset = (this.#next + tried) % usable;
      const address = base + 2 + offset;
      if (this.#owners.has(address)) continue;
      // Going round makes the reuse of an address that peers may still remember as late as possible.
      this.#next = offset + 1;
      this.#remember(address, owner);
      return address;
    }
    throw new Error('All pod addresses of the node are in use');
  }

  #remember(address: number, owner: string): void {
    this.#owners.set(address, owner);
    this.#addresses.set(owner, address);
  }

  #forget(owner: string): void {
    const address = this.#addresses.get(owner);
    if (address !== undefined) this.#owners.delete(address);
    this.#addresses.delete(owner);
  }
}
