import type { Value } from './value.ts';
import { CelDuration, CelTimestamp, CelUint } from './value.ts';

const sign = (less: boolean, more: boolean): number => (less ? -1 : more ? 1 : 0);

/** Code points, not UTF-16 units, decide the order of strings. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    const surrogates = left >= 0xd800 && right >= 0xd800;
    if (!surrogates) return left - right;
    return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates belong to code points above all others. */
const rank = (unit: number): number => (unit >= 0xe000 ? unit - 0x2000 : unit + 0x2000);

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Negative, 0 or positive; undefined when the two have no order; NaN when a number is not one. */
export function compareValues(a: Value, b: Value): number | undefined {
  const left = a instanceof CelUint ? a.value : a;
  const right = b instanceof CelUint ? b.value : b;
  if ((typeof left === 'bigint' || typeof left === 'number') && (typeof right === 'bigint' || typeof right === 'number')) {
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.NaN;
    // Across kinds, integers count as the doubles next to them.
    const [a1, b1] = typeof left === typeof right ? [left, right] : [Number(left), Number(right)];
    return sign(a1 < b1, a1 > b1);
  }
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  if (left instanceof CelTimestamp && right instanceof CelTimestamp) return sign(left.nanos < right.nanos, left.nanos > right.nanos);
  if (left instanceof CelDuration && right instanceof CelDuration) return sign(left.nanos < right.nanos, left.nanos > right.nanos);
  return undefined;
}
