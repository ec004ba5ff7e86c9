import type { PodAffinityTerm, Selector, WeightedPodAffinityTerm } from '@bayplan/api';
import { selectorOf } from '@bayplan/api';
import { Bitset } from '../framework/bitset.ts';
import { clusterEvents } from '../framework/plugin.ts';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts';
import type { PodShape } from '../framework/pod-shape.ts';
import type { Snapshot } from '../framework/snapshot.ts';
import { countPods, selectorFor } from './pod-selection.ts';

/** What the required affinity of a pod that runs is worth to those it asks for, as Kubernetes' default has it. */
const hardAffinityWeight = 1;

interface Term {
  readonly topologyKey: string;
  /** 0 for a required term; negative for a wish to be apart. */
  readonly weight: number;
  readonly selector: Selector;
  readonly namespaces: readonly string[];
  readonly namespaceSelector: Selector;
}

interface Terms {
  readonly affinity: readonly Term[];
  readonly antiAffinity: readonly Term[];
  readonly preferred: readonly Term[];
}

/** Keeps pods near others or apart from them, by wishes of the pod itself and of those that run. */
export const interPodAffinity: FilterPlugin & ScorePlugin = {
  name: 'InterPodAffinity',
  scope: 'cluster',
  events:
    clusterEvents.nodeAdd |
    clusterEvents.nodeLabel |
    clusterEvents.assignedPodAdd |
    clusterEvents.assignedPodUpdate |
    clusterEvents.assignedPodDelete,
  normalize: 'range',
  preFilter(shape, snapshot) {
    const { affinity, antiAffinity } = termsOf(shape);
    if (affinity.length > 0 || antiAffinity.length > 0) return 'run';
    for (const { pod } of snapshot.affinityPods) if (termsOf(pod.shape).antiAffinity.length > 0) return 'run';
    return 'skip';
  },
  filter(shape, snapshot, mask) {
    const { affinity, antiAffinity } = termsOf(shape);
    const left = mask.candidates.clone();
    const reject = (nodes: Bitset, text: string, unresolvable: boolean): void => {
      nodes.intersect(left);
      mask.reject(nodes, text, { unresolvable });
      left.subtract(nodes);
    };
    if (affinity.length > 0)
      reject(mask.candidates.clone().subtract(nodesNear(shape, affinity, snapshot)), "node(s) didn't match pod affinity rules", true);
    const apart = new Bitset(snapshot.rows);
    for (const term of antiAffinity)
      apart.union(
        domainsOf(
          term.topologyKey,
          rowsWith(snapshot, (other) => selects(term, other, snapshot)),
          snapshot,
        ),
      );
    reject(apart, "node(s) didn't match pod anti-affinity rules", false);
    reject(nodesClosedBy(shape, snapshot), "node(s) didn't satisfy existing pods anti-affinity rules", false);
  },
  preScore(shape, snapshot) {
    if (termsOf(shape).preferred.length > 0) return 'run';
    for (const { pod } of snapshot.affinityPods) {
      const terms = termsOf(pod.shape);
      if (terms.preferred.length > 0 || terms.affinity.length > 0) return 'run';
    }
    return 'skip';
  },
  score(shape, snapshot, nodes, scores) {
    nodes.forEach((row) => (scores[row] = 0));
    const reward = (members: Bitset, amount: number): void =>
      members.forEach((row) => {
        if (nodes.has(row)) scores[row] = (scores[row] ?? 0) + amount;
      });
    for (const term of termsOf(shape).preferred) {
      const counts = countPods(snapshot, (other) => selects(term, other, snapshot));
      for (const [, members] of snapshot.valuesOf(term.topologyKey)) {
        let count = 0;
        members.forEach((row) => (count += counts[row] ?? 0));
        if (count > 0) reward(members, count * term.weight);
      }
    }
    eachTermAbout(
      shape,
      snapshot,
      ({ affinity, preferred }) => [...preferred, ...affinity],
      (members, term) => reward(members, term.weight === 0 ? hardAffinityWeight : term.weight),
    );
  },
};

/** Nodes in whose domains all terms find company. The first of a group that asks for itself may go anywhere. */
function nodesNear(shape: PodShape, terms: readonly Term[], snapshot: Snapshot): Bitset {
  const selectsAll = (other: PodShape) => terms.every((term) => selects(term, other, snapshot));
  const company = rowsWith(snapshot, selectsAll);
  const first = company.isEmpty && selectsAll(shape);
  const nodes = snapshot.live.clone();
  for (const { topologyKey } of terms)
    nodes.intersect(first ? snapshot.labelledKey(topologyKey) : domainsOf(topologyKey, company, snapshot));
  return nodes;
}

/** Nodes in whose domains a pod runs that does not want this one near. */
function nodesClosedBy(shape: PodShape, snapshot: Snapshot): Bitset {
  const closed = new Bitset(snapshot.rows);
  eachTermAbout(
    shape,
    snapshot,
    (terms) => terms.antiAffinity,
    (members) => closed.union(members),
  );
  return closed;
}

function rowsWith(snapshot: Snapshot, matches: (shape: PodShape) => boolean): Bitset {
  const rows = new Bitset(snapshot.rows);
  countPods(snapshot, matches).forEach((count, row) => {
    if (count > 0) rows.add(row);
  });
  return rows;
}

/** All nodes that share the label's value with one of `rows`. */
function domainsOf(topologyKey: string, rows: Bitset, snapshot: Snapshot): Bitset {
  const nodes = new Bitset(snapshot.rows);
  for (const [, members] of snapshot.valuesOf(topologyKey)) if (!members.clone().intersect(rows).isEmpty) nodes.union(members);
  return nodes;
}

/**
 * Calls back for every term of a running pod that means `shape`, with the nodes it speaks of. Pods of
 * one shape have the same terms, so each shape is judged once.
 */
function eachTermAbout(
  shape: PodShape,
  snapshot: Snapshot,
  choose: (terms: Terms) => readonly Term[],
  visit: (members: Bitset, term: Term) => void,
): void {
  const judged = new Map<PodShape, readonly Term[]>();
  for (const { row, pod } of snapshot.affinityPods) {
    let terms = judged.get(pod.shape);
    if (terms === undefined) {
      terms = choose(termsOf(pod.shape)).filter((term) => selects(term, shape, snapshot));
      judged.set(pod.shape, terms);
    }
    for (const term of terms) {
      const value = snapshot.labelOf(row, term.topologyKey);
      const members = value === undefined ? undefined : snapshot.labelled(term.topologyKey, value);
      if (members !== undefined) visit(members, term);
    }
  }
}

/** Whether a term means this pod: by namespace and by labels. */
function selects(term: Term, shape: PodShape, snapshot: Snapshot): boolean {
  const inNamespace =
    term.namespaces.includes(shape.namespace) ||
    (!term.namespaceSelector.isNothing && term.namespaceSelector.matches(snapshot.namespaceLabels(shape.namespace)));
  return inNamespace && term.selector.matches(shape.labels);
}

const compiled = new WeakMap<PodShape, Terms>();

function termsOf(shape: PodShape): Terms {
  const known = compiled.get(shape);
  if (known !== undefined) return known;
  const { podAffinity, podAntiAffinity } = shape.affinity;
  const required = (terms: readonly PodAffinityTerm[] | undefined) => (terms ?? []).map((term) => compile(term, shape, 0));
  const preferred = (terms: readonly WeightedPodAffinityTerm[] | undefined, sign: 1 | -1) =>
    (terms ?? []).map((term) => compile(term.podAffinityTerm, shape, sign * term.weight));
  const terms: Terms = {
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
  };
  compiled.set(shape, terms);
  return terms;
}

function compile(term: PodAffinityTerm, shape: PodShape, weight: number): Term {
  const named = term.namespaces ?? [];
  return {
    topologyKey: term.topologyKey,
    weight,
    selector: selectorFor(term.labelSelector, shape.labels, term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? []),
    // Neither a list nor a selector means the pod's own namespace.
    namespaces: named.length === 0 && term.namespaceSelector === undefined ? [shape.namespace] : named,
    namespaceSelector: selectorOf(term.namespaceSelector),
  };
}
