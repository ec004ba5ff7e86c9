/** A set of node rows, one bit each. Sets of different lengths may be combined: what is missing counts as empty. */
export class Bitset {
  words: Uint32Array;

  constructor(bits = 0) {
    this.words = new Uint32Array((bits + 31) >>> 5);
  }

  has(bit: number): boolean {
    return (((this.words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  add(bit: number): void {
    const word = bit >>> 5;
    if (word >= this.words.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.words.length * 2));
      grown.set(this.words);
      this.words = grown;
    }
    this.words[word] = (this.words[word] ?? 0) | (1 << (bit & 31));
  }

  delete(bit: number): void {
    const word = bit >>> 5;
    if (word < this.words.length) this.words[word] = (this.words[word] ?? 0) & ~(1 << (bit & 31));
  }

  /** Makes this set equal to `other`. */
  copyFrom(other: Bitset): this {
    if (this.words.length < other.words.length) this.words = new Uint32Array(other.words.length);
    this.words.set(other.words);
    this.words.fill(0, other.words.length);
    return this;
  }

  clone(): Bitset {
    return new Bitset().copyFrom(this);
  }

  intersect(other: Bitset | undefined): this {
    for (let index = 0; index < this.words.length; index += 1) this.words[index] = (this.words[index] ?? 0) & (other?.words[index] ?? 0);
    return this;
  }

  subtract(other: Bitset | undefined): this {
    if (other === undefined) return this;
    const shared = Math.min(this.words.length, other.words.length);
    for (let index = 0; index < shared; index += 1) this.words[index] = (this.words[index] ?? 0) & ~(other.words[index] ?? 0);
    return this;
  }

  union(other: Bitset | undefined): this {
    if (other === undefined) return this;
    if (this.words.length < other.words.length) {
      const grown = new Uint32Array(other.words.length);
      grown.set(this.words);
      this.words = grown;
    }
    for (let index = 0; index < other.words.length; index += 1) this.words[index] = (this.words[index] ?? 0) | (other.words[index] ?? 0);
    return this;
  }

  clear(): this {
    this.words.fill(0);
    return this;
  }

  get isEmpty(): boolean {
    return this.words.every((word) => word === 0);
  }

  get size(): number {
    let count = 0;
    for (const word of this.words) {
      let left = word - ((word >>> 1) & 0x55555555);
      left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
      count += Math.imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return count;
  }

  /** Calls back for each member, in ascending order. */
  forEach(visit: (bit: number) => void): void {
    for (let index = 0; index < this.words.length; index += 1) {
      let word = this.words[index] ?? 0;
      while (word !== 0) {
        const low = word & -word;
        visit(index * 32 + (31 - Math.clz32(low)));
        word ^= low;
      }
    }
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.words.length; index += 1) {
      let word = this.words[index] ?? 0;
      while (word !== 0) {
        const low = word & -word;
        yield index * 32 + (31 - Math.clz32(low));
        word ^= low;
      }
    }
  }
}
