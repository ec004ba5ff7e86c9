interface Interval {
  readonly first: number;
  readonly last: number;
}

/**
 * A set of completion indexes, kept as intervals, as Job statuses write it: `1,3-5,7`. Immutable.
 */
export class IndexSet {
  static readonly empty = new IndexSet([]);
  readonly #intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  /** The indexes below `limit` that a text names. What cannot be read is left out. */
  static parse(text: string | undefined, limit: number): IndexSet {
    const intervals: Interval[] = [];
    for (const part of (text ?? '').split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
      if (match === null) continue;
      const first = Number(match[1]);
      const last = Math.min(Number(match[2] ?? match[1]), limit - 1);
      if (first <= last) intervals.push({ first, last });
    }
    return new IndexSet(merged(intervals));
  }

  static of(indexes: Iterable<number>): IndexSet {
    return new IndexSet(merged([...indexes].map((index) => ({ first: index, last: index }))));
  }

  get size(): number {
    return this.#intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.#intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { first, last } = this.#intervals[middle] as Interval;
      if (index < first) high = middle - 1;
      else if (index > last) low = middle + 1;
      else return true;
    }
    return false;
  }

  union(other: IndexSet): IndexSet {
    if (other.#intervals.length === 0) return this;
    if (this.#intervals.length === 0) return other;
    return new IndexSet(merged([...this.#intervals, ...other.#intervals]));
  }

  /** How many indexes both sets hold. */
  common(other: IndexSet): number {
    let count = 0;
    for (const a of this.#intervals)
      for (const b of other.#intervals) count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
    return count;
  }

  toString(): string {
    const texts = this.#intervals.flatMap(({ first, last }) => {
      if (first === last) return [String(first)];
      return last === first + 1 ? [String(first), String(last)] : [`${String(first)}-${String(last)}`];
    });
    return texts.join(',');
  }
}

function merged(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const next of [...intervals].sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (before && next.first <= before.last + 1)
      result[result.length - 1] = { first: before.first, last: Math.max(before.last, next.last) };
    else result.push(next);
  }
  return result;
}
