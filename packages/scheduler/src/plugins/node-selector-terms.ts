import type { NodeSelectorRequirement, NodeSelectorTerm } from '@bayplan/api';
import { Bitset } from '../framework/bitset.ts';
import type { Snapshot } from '../framework/snapshot.ts';

/** Nodes that match every requirement of a term. A term without requirements matches none. */
export function nodesOfTerm(term: NodeSelectorTerm, snapshot: Snapshot): Bitset {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return new Bitset(snapshot.rows);
  const nodes = snapshot.live.clone();
  for (const field of fields) narrowByName(nodes, field, snapshot);
  for (const expression of expressions) narrowByLabel(nodes, expression, snapshot);
  return nodes;
}

function narrowByName(nodes: Bitset, field: NodeSelectorRequirement, snapshot: Snapshot): void {
  const named = new Bitset(snapshot.rows);
  for (const name of field.values ?? []) {
    const row = snapshot.rowOf(name);
    if (row !== undefined) named.add(row);
  }
  if (field.key !== 'metadata.name') nodes.clear();
  else if (field.operator === 'In') nodes.intersect(named);
  else if (field.operator === 'NotIn') nodes.subtract(named);
  else nodes.clear();
}

function narrowByLabel(nodes: Bitset, { key, operator, values = [] }: NodeSelectorRequirement, snapshot: Snapshot): void {
  switch (operator) {
    case 'In':
    case 'NotIn': {
      const having = new Bitset(snapshot.rows);
      for (const value of values) having.union(snapshot.labelled(key, value));
      if (operator === 'In') nodes.intersect(having);
      else nodes.subtract(having);
      return;
    }
    case 'Exists':
      nodes.intersect(snapshot.labelledKey(key));
      return;
    case 'DoesNotExist':
      nodes.subtract(snapshot.labelledKey(key));
      return;
    case 'Gt':
    case 'Lt': {
      const having = new Bitset(snapshot.rows);
      const bound = integerOf(values[0]);
      for (const [value, holders] of snapshot.valuesOf(key)) {
        const number = integerOf(value);
        if (number !== undefined && bound !== undefined && (operator === 'Gt' ? number > bound : number < bound)) having.union(holders);
      }
      nodes.intersect(having);
      return;
    }
    default:
      nodes.clear();
  }
}

function integerOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}
