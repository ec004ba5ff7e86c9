/** Larger objects are compared by what surrounds their common ends only. */
const maxCompared = 3000;
const contextLines = 3;

interface Step {
  readonly mark: ' ' | '-' | '+';
  readonly line: string;
}

/** The steps from one list of lines to the other, by the longest common subsequence. */
function stepsBetween(before: readonly string[], after: readonly string[]): Step[] {
  if (before.length * after.length > maxCompared * maxCompared) {
    return [...before.map((line): Step => ({ mark: '-', line })), ...after.map((line): Step => ({ mark: '+', line }))];
  }
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const skip = Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
      common[i * width + j] = before[i] === after[j] ? (common[(i + 1) * width + j + 1] ?? 0) + 1 : skip;
    }
  }
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      steps.push({ mark: ' ', line: before[i] ?? '' });
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))) {
      steps.push({ mark: '-', line: before[i++] ?? '' });
    } else steps.push({ mark: '+', line: after[j++] ?? '' });
  }
  return steps;
}

function rangeOf(start: number, length: number): string {
  if (length === 1) return (start + 1).toString();
  return `${(length === 0 ? start : start + 1).toString()},${length.toString()}`;
}

/** How two JSON values differ, as a unified diff of their indented texts; empty when they are the same. */
export function unifiedDiff(old: unknown, next: unknown): string {
  const linesOf = (value: unknown): string[] => JSON.stringify(value ?? null, null, 1).split('\n');
  const before = linesOf(old);
  const after = linesOf(next);
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const middle = stepsBetween(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  if (middle.length === 0) return '';
  const same = (line: string): Step => ({ mark: ' ', line });
  const steps = [...before.slice(0, head).map(same), ...middle, ...before.slice(before.length - tail).map(same)];
  const near = steps.map((_, at) => steps.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({ mark }) => mark !== ' '));
  const text: string[] = ['--- ', '+++ '];
  let from = { old: 0, next: 0 };
  for (let at = 0; at < steps.length; at++) {
    if (near[at] === true && near[at - 1] !== true) {
      const end = near.indexOf(false, at);
      const hunk = steps.slice(at, end < 0 ? undefined : end);
      const removed = hunk.filter(({ mark }) => mark !== '+').length;
      const added = hunk.filter(({ mark }) => mark !== '-').length;
      text.push(`@@ -${rangeOf(from.old, removed)} +${rangeOf(from.next, added)} @@`);
      text.push(...hunk.map(({ mark, line }) => mark + line));
    }
    const mark = steps[at]?.mark;
    from = { old: from.old + (mark === '+' ? 0 : 1), next: from.next + (mark === '-' ? 0 : 1) };
  }
  return `${text.slice(2).join('\n')}\n`;
}
