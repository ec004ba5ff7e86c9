import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts';
import { tolerates } from './tolerations.ts';

/** Keeps pods off nodes with a NoSchedule or NoExecute taint that they do not tolerate, and prefers nodes without PreferNoSchedule. */
export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  scope: 'node',
  events: clusterEvents.nodeAdd | clusterEvents.nodeTaint,
  normalize: 'reverse',
  filter(shape, snapshot, mask) {
    const left = mask.candidates.clone();
    for (const taint of snapshot.taints) {
      if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') continue;
      if (shape.tolerations.some((toleration) => tolerates(toleration, taint))) continue;
      // A node is named once, for the first of its taints.
      mask.reject(taint.nodes.clone().intersect(left), `node(s) had untolerated taint {${taint.key}: ${taint.value}}`, {
        unresolvable: true,
      });
      left.subtract(taint.nodes);
    }
  },
  preScore: (_shape, snapshot) => {
    for (const taint of snapshot.taints) if (taint.effect === 'PreferNoSchedule') return 'run';
    return 'skip';
  },
  score(shape, snapshot, nodes, scores) {
    nodes.forEach((row) => (scores[row] = 0));
    for (const taint of snapshot.taints) {
      if (taint.effect !== 'PreferNoSchedule' || shape.tolerations.some((toleration) => tolerates(toleration, taint))) continue;
      nodes.forEach((row) => {
        if (taint.nodes.has(row)) scores[row] = (scores[row] ?? 0) + 1;
      });
    }
  },
};
