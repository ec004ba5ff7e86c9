import { randomFillSync, randomUUID } from 'node:crypto';

/** Where random values come from, so that tests can repeat them. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uuid(): string;
  /** `length` characters of Kubernetes' suffix alphabet, which has no vowels and no look-alikes. */
  suffix(length: number): string;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Random bytes are asked for in stock: a call of the generator costs more than the bytes. */
const stock = Buffer.alloc(4096);
let used = stock.length;

function take(count: number): number {
  if (used + count > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  used += count;
  return used - count;
}

export const systemRandom: Random = {
  next: () => stock.readUIntBE(take(6), 6) / 2 ** 48,
  uuid: () => randomUUID(),
  suffix(length) {
    let text = '';
    while (text.length < length) text += suffixAlphabet.charAt((stock[take(1)] ?? 0) % suffixAlphabet.length);
    return text;
  },
};

/** The same values for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = (alphabet: string) => alphabet.charAt(Math.floor(next() * alphabet.length));
  return {
    next,
    uuid: () => 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => pick('0123456789abcdef')),
    suffix: (length) => Array.from({ length }, () => pick(suffixAlphabet)).join(''),
  };
}
