/**
 * The order of a merged list: the elements that the patch names in the patch's order, the server's
 * own in theirs, and between the two groups whichever came first on the server.
 * @param merged the elements after merging, in any order
 * @param identify the identity of an element (its merge key's value, or itself)
 * @param patchOrder identities in the order that the client wants
 * @param serverOrder identities in the order before the patch
 */
export function orderElements(
  merged: readonly unknown[],
  identify: (element: unknown) => unknown,
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
): unknown[] {
  const wanted = places(patchOrder);
  const before = places(serverOrder);
  const named: unknown[] = [];
  const own: unknown[] = [];
  for (const element of merged) (wanted.has(identify(element)) ? named : own).push(element);
  sortBy(named, (element) => wanted.get(identify(element)));
  sortBy(own, (element) => before.get(identify(element)));
  const result: unknown[] = [];
  let next = 0;
  for (const element of named) {
    const at = before.get(identify(element));
    while (at !== undefined && next < own.length) {
      const ownAt = before.get(identify(own[next]));
      if (ownAt === undefined || ownAt >= at) break;
      result.push(own[next++]);
    }
    result.push(element);
  }
  return result.concat(own.slice(next));
}

function places(identities: readonly unknown[]): Map<unknown, number> {
  const found = new Map<unknown, number>();
  for (const [at, identity] of identities.entries()) if (!found.has(identity)) found.set(identity, at);
  return found;
}

/** Stable; elements without a place stay behind those that have one. */
function sortBy(elements: unknown[], place: (element: unknown) => number | undefined): void {
  elements.sort((left, right) => (place(left) ?? Number.MAX_SAFE_INTEGER) - (place(right) ?? Number.MAX_SAFE_INTEGER));
}
