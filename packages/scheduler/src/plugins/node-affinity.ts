import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts';
import type { PodShape } from '../framework/pod-shape.ts';
import type { Snapshot } from '../framework/snapshot.ts';
import { nodesOfTerm } from './node-selector-terms.ts';

/** `spec.nodeSelector` and node affinity: required terms rule nodes out, preferred ones score by weight. */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  scope: 'node',
  events: clusterEvents.nodeAdd | clusterEvents.nodeLabel,
  normalize: 'max',
  preFilter: (shape) => (Object.keys(shape.nodeSelector).length === 0 && requiredTerms(shape) === undefined ? 'skip' : 'run'),
  filter(shape, snapshot, mask) {
    const rejected = mask.candidates.clone().subtract(requiredNodes(shape, snapshot));
    mask.reject(rejected, "node(s) didn't match Pod's node affinity/selector", { unresolvable: true });
  },
  preScore: (shape) => ((shape.affinity.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).length > 0 ? 'run' : 'skip'),
  score(shape, snapshot, nodes, scores) {
    nodes.forEach((row) => (scores[row] = 0));
    for (const { weight, preference } of shape.affinity.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      nodesOfTerm(preference, snapshot)
        .intersect(nodes)
        .forEach((row) => (scores[row] = (scores[row] ?? 0) + weight));
    }
  },
};

function requiredTerms(shape: PodShape) {
  return shape.affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

/** Nodes that satisfy the selector and at least one required term. */
export function requiredNodes(shape: PodShape, snapshot: Snapshot): Bitset {
  const nodes = snapshot.live.clone();
  for (const [key, value] of Object.entries(shape.nodeSelector)) nodes.intersect(snapshot.labelled(key, value));
  const terms = requiredTerms(shape);
  if (terms === undefined) return nodes;
  const matching = new Bitset(snapshot.rows);
  for (const term of terms) matching.union(nodesOfTerm(term, snapshot));
  return nodes.intersect(matching);
}
