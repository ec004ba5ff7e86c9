import { regexOf } from '../library/regex-engine.ts';
import type { Node } from '../syntax/ast.ts';
import { parseDuration, parseTimestamp } from '../values/time-text.ts';
import { CelError } from '../values/value.ts';
import type { CheckFault } from './checker.ts';
import { childrenOf } from './checker.ts';

/** Literal arguments that can only fail: `duration("1")`, `x.matches("(")`. */
export function literalFaults(node: Node): CheckFault[] {
  const faults: CheckFault[] = [];
  const visit = (one: Node): void => {
    if (one.kind === 'call') {
      const argument = one.args.at(0);
      const last = one.args.at(-1);
      if (one.target === undefined && one.args.length === 1 && argument?.kind === 'literal' && argument.value.of === 'string') {
        const text = argument.value.value;
        if (one.name === 'duration' && parseDuration(text) instanceof CelError)
          faults.push({ at: argument.at, message: 'invalid duration argument' });
        if (one.name === 'timestamp' && parseTimestamp(text) instanceof CelError)
          faults.push({ at: argument.at, message: 'invalid timestamp argument' });
      }
      if (
        one.name === 'matches' &&
        last?.kind === 'literal' &&
        last.value.of === 'string' &&
        regexOf(last.value.value) instanceof CelError
      ) {
        faults.push({ at: last.at, message: 'invalid matches argument' });
      }
    }
    for (const child of childrenOf(one)) visit(child);
  };
  visit(node);
  return faults;
}
