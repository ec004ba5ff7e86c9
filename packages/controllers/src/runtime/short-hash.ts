const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A short suffix for names, the same for the same text (FNV-1a, 32 bits, in Kubernetes' suffix alphabet). */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => alphabet.charAt(digit.charCodeAt(0) % alphabet.length)).join('');
}
