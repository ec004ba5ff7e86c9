/** 53 bits that follow from a text: two rounds of multiplicative hashing, mixed at the end. */
export function hashOf(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 4294967296 * (2097151 & high) + (low >>> 0);
}

/**
 * The hand of a flow: `handSize` different queues out of `deckSize`, the same for the same hash. Two flows seldom
 * share a whole hand, so one that floods its queues leaves others a way around.
 */
export function deal(hash: number, deckSize: number, handSize: number): number[] {
  const remainders: number[] = [];
  let rest = hash;
  for (let left = deckSize; remainders.length < handSize; left--) {
    remainders.push(rest % left);
    rest = Math.floor(rest / left);
  }
  const hand: number[] = [];
  for (const remainder of remainders) {
    // The remainder counts the cards that are still in the deck.
    let card = remainder;
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++;
    hand.push(card);
  }
  return hand;
}
