import type { FieldPath } from '../errors/field-path.ts';
import { canonicalIp } from '../names.ts';
import { isQuantity, parseQuantity } from '../quantity.ts';

type Amounts = Readonly<Record<string, string>> | undefined;

/** Of amounts of bytes that are no whole number. */
export function warnOfFractions(amounts: Amounts, names: readonly string[], path: FieldPath, warnings: string[]): void {
  if (!amounts) return;
  for (const name of names) {
    const text = amounts[name];
    // Only suffixes below one, and decimal points, make fractions.
    if (text === undefined || !/[munµ.eE]/.test(text) || !isQuantity(text)) continue;
    const amount = parseQuantity(text);
    if (amount.nanos % 1_000_000_000n === 0n) continue;
    warnings.push(
      `${path.key(name).toString()}: fractional byte value ${JSON.stringify(amount.toString())} is invalid, must be an integer`,
    );
  }
}

/** Of an IPv6 address that is not written in the one form of RFC 5952. */
export function warnOfAddress(address: string | undefined, path: FieldPath, warnings: string[]): void {
  if (!address?.includes(':')) return;
  const canonical = canonicalIp(address);
  if (canonical === address) return;
  const shown = JSON.stringify(address);
  warnings.push(`${path.toString()}: IPv6 address ${shown} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`);
}
