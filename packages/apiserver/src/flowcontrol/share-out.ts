export interface Claim {
  readonly min: number;
  readonly max: number;
  /** What the level would use if it could. */
  readonly target: number;
}

const rounds = 40;

/**
 * Deals `total` seats out: each level gets the same multiple of its target, but no less than its minimum and no
 * more than its maximum. Found by bisection, because each level's part only grows with the multiple. The parts may
 * miss `total` by the rounding of each.
 */
export function shareOut(total: number, claims: readonly Claim[]): { readonly seats: number[]; readonly fairFraction: number } {
  const parts = (fraction: number): number[] =>
    claims.map(({ min, max, target }) => Math.min(max, Math.max(min, Math.round(fraction * target))));
  const sum = (seats: readonly number[]): number => seats.reduce((all, one) => all + one, 0);
  let low = 0;
  let high = 1;
  while (high < 2 ** 30 && sum(parts(high)) < total) high *= 2;
  for (let round = 0; round < rounds; round++) {
    const middle = (low + high) / 2;
    if (sum(parts(middle)) <= total) low = middle;
    else high = middle;
  }
  return { seats: parts(low), fairFraction: low };
}
