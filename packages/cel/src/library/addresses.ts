/** An IP address as its 4 or 16 bytes. */
export type AddressBytes = readonly number[];

function parse4(text: string): AddressBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

/** Groups of a part of an IPv6 address, its end possibly in IPv4 form. */
function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [position, part] of parts.entries()) {
    if (part.includes('.')) {
      const last = position === parts.length - 1 ? parse4(part) : undefined;
      if (last === undefined) return undefined;
      out.push(...last);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    const value = Number.parseInt(part, 16);
    out.push(value >> 8, value & 255);
  }
  return out;
}

function parse6(text: string): AddressBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groups(halves[0] ?? ''), groups(halves[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (head.length + tail.length > 14) return undefined;
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

/** Undefined for text that is no address. */
export function parseAddress(text: string): AddressBytes | undefined {
  return text.length > 64 ? undefined : text.includes(':') ? parse6(text) : parse4(text);
}

/** Whether it is an IPv4 address written as IPv6: `::ffff:1.2.3.4`. */
export function isMapped(bytes: AddressBytes): boolean {
  return bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
}

/** The canonical text (RFC 5952). */
export function addressText(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  let [start, length] = [-1, 1];
  for (let at = 0; at < 8; at += 1) {
    let run = 0;
    while (at + run < 8 && words[at + run] === 0) run += 1;
    if (run > length) [start, length] = [at, run];
  }
  const shown = words.map((word) => word.toString(16));
  if (start < 0) return shown.join(':');
  return `${shown.slice(0, start).join(':')}::${shown.slice(start + length).join(':')}`;
}

/** The address with all bits after `prefix` cleared. */
export function masked(bytes: AddressBytes, prefix: number): AddressBytes {
  return bytes.map((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefix - at * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
}

export const sameBytes = (a: AddressBytes, b: AddressBytes): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);
