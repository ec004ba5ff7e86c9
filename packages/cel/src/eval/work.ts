import { BudgetExceeded } from '../values/value.ts';

/**
 * Steps of about ten nanoseconds that one evaluation may take in what Kubernetes counts as one unit of cost, though it
 * grows with the data: sizes of long strings, copies of lists, comparisons of large objects. Sensible expressions stay
 * far below; without the bound, others could hold the event loop for seconds within their cost limit.
 */
const limit = 8_000_000;

let left = limit;
let depth = 0;

/** Runs an evaluation, which may run others inside it. */
export function working<T>(run: () => T): T {
  if (depth === 0) left = limit;
  depth += 1;
  try {
    return run();
  } finally {
    depth -= 1;
  }
}

/** Takes steps. Throws `BudgetExceeded` inside an evaluation that has none left. */
export function spend(steps: number): void {
  if (depth === 0) return;
  left -= steps;
  if (left < 0) throw new BudgetExceeded();
}
