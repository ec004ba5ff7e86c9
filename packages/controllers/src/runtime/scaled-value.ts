/** An amount that is given as a number or as a percentage of `total`. Anything else counts as 0. */
export function scaledValue(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const number = Number.parseInt(value, 10);
  if (Number.isNaN(number)) return 0;
  if (!value.endsWith('%')) return number;
  const exact = (number * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
