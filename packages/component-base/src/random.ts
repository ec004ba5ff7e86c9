import { randomBytes, randomUUID } from 'node:crypto';

/** Where random values come from, so that tests can repeat them. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uuid(): string;
  /** `length` characters of Kubernetes' suffix alphabet, which has no vowels and no look-alikes. */
  suffix(length: number): string;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  uuid: () => randomUUID(),
  suffix: (length) => Array.from(randomBytes(length), (byte) => suffixAlphabet.charAt(byte % suffixAlphabet.length)).join(''),
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
