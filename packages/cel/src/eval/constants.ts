import type { LiteralValue, Node } from '../syntax/ast.ts';
import type { Value } from '../values/value.ts';
import { ArrayList, CelError, CelUint, EntryMap, keyText } from '../values/value.ts';

/** The value of a literal. */
export function literalValue(literal: LiteralValue): Value {
  switch (literal.of) {
    case 'null':
      return null;
    case 'uint':
      return new CelUint(literal.value);
    default:
      return literal.value;
  }
}

const conversions = new Set(['int', 'uint', 'double', 'string', 'bytes', 'bool', 'dyn', 'duration', 'timestamp']);

/**
 * The value of what is the same in every evaluation: literals, lists and maps of them, conversions of them. Such
 * values are made once and cost nothing. Undefined for everything else, and for what fails.
 */
export function constantOf(node: Node): Value | undefined {
  switch (node.kind) {
    case 'literal':
      return literalValue(node.value);
    case 'list': {
      if (node.optional.size > 0) return undefined;
      const items = node.elements.map(constantOf);
      const known = items.filter((item) => item !== undefined);
      return known.length === items.length ? new ArrayList(known) : undefined;
    }
    case 'map': {
      const made = new EntryMap();
      for (const entry of node.entries) {
        const [key, value] = [constantOf(entry.key), constantOf(entry.value)];
        const text = key === undefined ? undefined : keyText(key);
        if (key === undefined || value === undefined || text === undefined || entry.optional || made.entries.has(text)) return undefined;
        made.entries.set(text, [key, value]);
      }
      return made;
    }
    case 'call': {
      if (!conversions.has(node.name) || node.target !== undefined || node.args.length !== 1 || node.overloads?.length !== 1)
        return undefined;
      const [argument] = node.args;
      const value = argument === undefined ? undefined : constantOf(argument);
      const result = value === undefined ? undefined : node.overloads[0]?.run(value);
      return result instanceof CelError ? undefined : result;
    }
    default:
      return undefined;
  }
}
