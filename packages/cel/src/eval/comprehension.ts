import type { ComprehensionNode, Node } from '../syntax/ast.ts';
import { ArrayList, CelError, CelList, CelMap, EntryMap } from '../values/value.ts';
import type { EvalValue, Value } from '../values/value.ts';
import type { Frame, Step } from './frame.ts';
import type { Planner } from './planner.ts';

/** A loop over a list or the keys of a map. */
export function planComprehension(planner: Planner, node: ComprehensionNode): Step {
  const range = planner.plan(node.range);
  // The accumulator is changed in place, so each run needs its own.
  const init = freshAccumulator(node.init) ?? planner.plan(node.init);
  if (isBinding(node)) {
    return planner.withLocals([node.accumulator], ([slot = 0]) => {
      const result = planner.plan(node.result);
      return (frame) => {
        const value = init(frame);
        frame.locals[slot] = value;
        return result(frame);
      };
    });
  }
  return planner.withLocals([node.accumulator], ([accumulator = 0]) => {
    const result = planner.plan(node.result);
    const endless = node.condition.kind === 'literal';
    const variables = node.variable2 === undefined ? [node.variable] : [node.variable, node.variable2];
    return planner.withLocals(variables, ([first = 0, second]) => {
      const condition = planner.plan(node.condition);
      const step = planner.plan(node.step);
      const goOn = (frame: Frame, key: Value, value: Value): boolean => {
        frame.locals[first] = key;
        if (second !== undefined) frame.locals[second] = value;
        if (!endless && condition(frame) === false) return false;
        frame.locals[accumulator] = step(frame);
        return true;
      };
      return (frame) => {
        const over = range(frame);
        if (over instanceof CelError) return over;
        frame.locals[accumulator] = init(frame);
        const fault = iterate(frame, over, second !== undefined, goOn);
        return fault ?? result(frame);
      };
    });
  });
}

function iterate(
  frame: Frame,
  over: Value,
  pairs: boolean,
  goOn: (frame: Frame, key: Value, value: Value) => boolean,
): EvalValue | undefined {
  if (over instanceof CelList) {
    for (let position = 0; position < over.size; position += 1) {
      const value = over.at(position);
      if (!goOn(frame, pairs ? BigInt(position) : value, value)) break;
    }
    return undefined;
  }
  if (over instanceof CelMap) {
    for (const key of over.keys()) {
      const value = pairs ? (over.get(key) ?? null) : null;
      if (value instanceof CelError) return value;
      if (!goOn(frame, key, value)) break;
    }
    return undefined;
  }
  return new CelError(`got '${over === null ? 'null' : typeof over}', expected iterable type`);
}

function freshAccumulator(init: Node): Step | undefined {
  if (init.kind === 'list' && init.elements.length === 0) return () => new ArrayList([]);
  return init.kind === 'map' && init.entries.length === 0 ? () => new EntryMap() : undefined;
}

/** A loop over nothing that only names a value. */
function isBinding(node: ComprehensionNode): boolean {
  return node.variable === '#unused';
}
