import { parseQuantity, Quantity } from '../quantity.ts';

/** How much of each resource; an absent name is nothing at all. */
export type Amounts = ReadonlyMap<string, Quantity>;

/** Reads a resource list. Throws `BadRequest` for what is no quantity. */
export function amountsOf(list: Readonly<Record<string, string | number>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]));
}

/** As the API writes it. */
export function resourceListOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]));
}

/** Adds `more` to `sum`, which changes. */
export function addTo(sum: Map<string, Quantity>, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, sum.get(name)?.add(amount) ?? amount);
}

/** Raises `most`, which changes, to what `other` has more of. */
export function raiseTo(most: Map<string, Quantity>, other: Amounts): void {
  for (const [name, amount] of other) {
    const present = most.get(name);
    if (present === undefined || amount.compare(present) > 0) most.set(name, amount);
  }
}

/** What `now` has more than `before`; nothing where it has less. */
export function growth(now: Amounts, before: Amounts): Map<string, Quantity> {
  const grown = new Map<string, Quantity>();
  for (const [name, amount] of now) {
    const difference = amount.subtract(before.get(name) ?? noAmount);
    if (difference.compare(noAmount) > 0) grown.set(name, difference);
  }
  return grown;
}

/** Only the named resources. */
export function only(amounts: Amounts, names: ReadonlySet<string>): Map<string, Quantity> {
  return new Map([...amounts].filter(([name]) => names.has(name)));
}

/** `cpu=1,memory=1Gi`, sorted: how messages show amounts. */
export function amountsText(amounts: Amounts): string {
  return [...amounts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${name}=${amount.toString()}`)
    .join(',');
}

export const noAmount = Quantity.ofCount(0);
export const oneAmount = Quantity.ofCount(1);
