/** Indexes of an indexed job from `first` to `last`, both included. */
export type IndexRange = readonly [first: number, last: number];

function parseNumber(text: string, fragment: string): number | string {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  return `cannot convert string to integer for index: ${JSON.stringify(text)}`.replace('index: ""', `index: ${JSON.stringify(fragment)}`);
}

/** Reads `1,3-5,7` as a job's status writes it. A text when it says nothing sensible: what is wrong. */
export function parseIndexes(text: string, completions: number): readonly IndexRange[] | string {
  if (text === '') return [];
  const ranges: IndexRange[] = [];
  for (const fragment of text.split(',')) {
    const parts = fragment.split('-');
    const shown = JSON.stringify(fragment);
    if (parts.length > 2)
      return `the fragment ${shown} violates the requirement that an index interval can have at most two parts separated by '-'`;
    const first = parseNumber(parts[0] ?? '', fragment);
    if (typeof first === 'string') return first;
    if (first >= completions) return `too large index: ${JSON.stringify(parts[0])}`;
    const last = parts.length === 2 ? parseNumber(parts[1] ?? '', fragment) : first;
    if (typeof last === 'string') return last;
    if (last >= completions) return `too large index: ${JSON.stringify(parts[1])}`;
    if (parts.length === 2 && first >= last) return `non-increasing order, previous: ${first.toString()}, current: ${last.toString()}`;
    const previous = ranges.at(-1)?.[1];
    if (previous !== undefined && previous >= first) {
      return `non-increasing order, previous: ${previous.toString()}, current: ${first.toString()}`;
    }
    ranges.push([first, last]);
  }
  return ranges;
}

/** The first index that both name, or undefined. */
export function sharedIndex(left: readonly IndexRange[], right: readonly IndexRange[]): number | undefined {
  for (const [first, last] of left) {
    const other = right.find(([from, to]) => from <= last && to >= first);
    if (other !== undefined) return Math.max(first, other[0]);
  }
  return undefined;
}
