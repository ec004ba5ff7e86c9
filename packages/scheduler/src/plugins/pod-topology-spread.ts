import type { Selector, TopologySpreadConstraint } from '@bayplan/api';
import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts';
import type { PodShape } from '../framework/pod-shape.ts';
import type { Snapshot } from '../framework/snapshot.ts';
import { requiredNodes } from './node-affinity.ts';
import { countPods, selectorFor } from './pod-selection.ts';
import { tolerates } from './tolerations.ts';

const reason = "node(s) didn't match pod topology spread constraints";

/** Limits how unevenly matching pods may lie over the values of a node label. */
export const podTopologySpread: FilterPlugin & ScorePlugin = {
  name: 'PodTopologySpread',
  scope: 'cluster',
  events:
    clusterEvents.nodeAdd |
    clusterEvents.nodeLabel |
    clusterEvents.nodeTaint |
    clusterEvents.assignedPodAdd |
    clusterEvents.assignedPodUpdate |
    clusterEvents.assignedPodDelete,
  normalize: 'reverse',
  preFilter: (shape) => (constraintsOf(shape, 'DoNotSchedule').length > 0 ? 'run' : 'skip'),
  filter(shape, snapshot, mask) {
    const constraints = constraintsOf(shape, 'DoNotSchedule');
    const keyed = nodesWithKeys(constraints, snapshot);
    const unkeyed = mask.candidates.clone().subtract(keyed);
    mask.reject(unkeyed, `${reason} (missing required label)`, { unresolvable: true });
    const left = mask.candidates.clone().subtract(unkeyed);
    for (const constraint of constraints) {
      const { domains, selfCount } = countDomains(shape, constraint, keyed, snapshot);
      const counts = domains.map((domain) => domain.count);
      const least = domains.length < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts);
      const uneven = new Bitset(snapshot.rows);
      for (const domain of domains) if (domain.count + selfCount - least > constraint.maxSkew) uneven.union(domain.all);
      uneven.intersect(left);
      mask.reject(uneven, reason, { unresolvable: false });
      left.subtract(uneven);
    }
  },
  preScore: (shape) => (constraintsOf(shape, 'ScheduleAnyway').length > 0 ? 'run' : 'skip'),
  score(shape, snapshot, nodes, scores) {
    const constraints = constraintsOf(shape, 'ScheduleAnyway');
    const keyed = nodesWithKeys(constraints, snapshot);
    nodes.forEach((row) => (scores[row] = 0));
    for (const constraint of constraints) {
      const { domains } = countDomains(shape, constraint, keyed, snapshot);
      // Fewer values of a label hold more pods each: this keeps constraints with few values from outweighing others.
      const weight = Math.log(domains.length + 2);
      for (const domain of domains) {
        domain.all.forEach((row) => {
          if (nodes.has(row)) scores[row] = (scores[row] ?? 0) + domain.count * weight + (constraint.maxSkew - 1);
        });
      }
    }
    // A node that a constraint says nothing about comes last.
    let worst = 0;
    nodes.forEach((row) => (worst = Math.max(worst, scores[row] ?? 0)));
    nodes.forEach((row) => {
      if (!keyed.has(row)) scores[row] = Math.max(worst, 1);
    });
  },
};

function constraintsOf(shape: PodShape, action: string): readonly TopologySpreadConstraint[] {
  return shape.topologySpread.filter((constraint) => constraint.whenUnsatisfiable === action);
}

function nodesWithKeys(constraints: readonly TopologySpreadConstraint[], snapshot: Snapshot): Bitset {
  const nodes = snapshot.live.clone();
  for (const { topologyKey } of constraints) nodes.intersect(snapshot.labelledKey(topologyKey));
  return nodes;
}

interface Domain {
  /** Every node with the value. */
  readonly all: Bitset;
  /** Matching pods on those of its nodes that count. */
  readonly count: number;
}

function countDomains(
  shape: PodShape,
  constraint: TopologySpreadConstraint,
  keyed: Bitset,
  snapshot: Snapshot,
): { readonly domains: readonly Domain[]; readonly selfCount: number } {
  const selector = selectorFor(constraint.labelSelector, shape.labels, constraint.matchLabelKeys ?? []);
  const counting = keyed.clone();
  if (constraint.nodeAffinityPolicy !== 'Ignore') counting.intersect(requiredNodes(shape, snapshot));
  if (constraint.nodeTaintsPolicy === 'Honor') counting.subtract(untolerated(shape, snapshot));
  const counts = countPods(
    snapshot,
    (other) => other.namespace === shape.namespace && matches(selector, other),
    (pod) => pod.terminating,
  );
  const domains: Domain[] = [];
  for (const [, all] of snapshot.valuesOf(constraint.topologyKey)) {
    const members = all.clone().intersect(counting);
    if (members.isEmpty) continue;
    let count = 0;
    members.forEach((row) => (count += counts[row] ?? 0));
    domains.push({ all, count });
  }
  return { domains, selfCount: matches(selector, shape) ? 1 : 0 };
}

function matches(selector: Selector, shape: PodShape): boolean {
  return selector.matches(shape.labels);
}

function untolerated(shape: PodShape, snapshot: Snapshot): Bitset {
  const nodes = new Bitset(snapshot.rows);
  for (const taint of snapshot.taints) {
    if (taint.effect !== 'PreferNoSchedule' && !shape.tolerations.some((toleration) => tolerates(toleration, taint)))
      nodes.union(taint.nodes);
  }
  return nodes;
}
