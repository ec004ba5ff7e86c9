import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../generated/types.ts';

/** What a node selector looks at. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether any term of the selector matches the node. A selector without terms matches nothing. */
export function nodeSelectorMatches(selector: NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => termMatches(term, node));
}

/** Whether a node meets every requirement of a term. A term without requirements matches no node. */
export function termMatches(term: NodeSelectorTerm, node: SelectableNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every((expression) => requirementHolds(expression, node.labels[expression.key])) &&
    fields.every((field) => field.key === 'metadata.name' && requirementHolds(field, node.name))
  );
}

function requirementHolds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const [have, bound] = [integerOf(value), integerOf(values[0])];
      return have !== undefined && bound !== undefined && (operator === 'Gt' ? have > bound : have < bound);
    }
    default:
      return false;
  }
}

function integerOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}
