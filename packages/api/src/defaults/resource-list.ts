import { parseQuantity, Quantity } from '../quantity.ts';

const nanosPerMilli = 1_000_000n;
/** How an amount is written that is no whole number of thousandths; decoding has brought amounts into their shortest form. */
const finerThanMilli = /^\d+(?:[nu]|e-\d+)$/;

/** Rounds amounts of resources up, in place, to thousandths: nothing finer is ever counted. */
export function roundResources(...lists: readonly (Record<string, string> | undefined)[]): void {
  for (const list of lists) {
    for (const [name, amount] of Object.entries(list ?? {})) if (list && finerThanMilli.test(amount)) list[name] = roundedUp(amount);
  }
}

function roundedUp(text: string): string {
  const { nanos, format } = parseQuantity(text);
  return new Quantity(((nanos + nanosPerMilli - 1n) / nanosPerMilli) * nanosPerMilli, format).toString();
}
