import type { RequestContext } from './context.ts';
import type { Outcome } from './outcome.ts';

/** One step: does its part, then calls `next` for the rest. Throws `StatusError` to end the request. */
export type Step = (context: RequestContext, next: () => Promise<Outcome>) => Promise<Outcome>;

/** Runs `steps` in order, then `last`. */
export function chain(
  steps: readonly Step[],
  last: (context: RequestContext) => Promise<Outcome>,
): (context: RequestContext) => Promise<Outcome> {
  return (context) => {
    const run = (position: number): Promise<Outcome> => {
      const step = steps[position];
      return step === undefined ? last(context) : step(context, () => run(position + 1));
    };
    return run(0);
  };
}
