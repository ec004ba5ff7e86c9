import { Bitset } from './bitset.ts';
import type { CycleState, FilterPlugin, NodeMask, Rejection } from './plugin.ts';
import type { PodShape } from './pod-shape.ts';
import type { Snapshot } from './snapshot.ts';

/** How many nodes were ruled out for a reason. */
export interface RejectionCount extends Rejection {
  readonly nodes: Bitset;
}

class Mask implements NodeMask {
  readonly candidates: Bitset;
  readonly #rejected: Bitset;
  readonly #found: RejectionCount[] | undefined;
  readonly #plugin: string;

  constructor(candidates: Bitset, rejected: Bitset, plugin: string, found: RejectionCount[] | undefined) {
    this.candidates = candidates;
    this.#rejected = rejected;
    this.#plugin = plugin;
    this.#found = found;
  }

  reject(
    nodes: Bitset,
    reason: string,
    { unresolvable, ofPod = false }: { readonly unresolvable: boolean; readonly ofPod?: boolean },
  ): void {
    this.#rejected.union(nodes);
    if (this.#found === undefined) return;
    const counted = nodes.clone().intersect(this.candidates);
    if (!counted.isEmpty) this.#found.push({ plugin: this.#plugin, reason, unresolvable, ofPod, nodes: counted });
  }
}

/** The filters that have something to say about a shape, after their PreFilter. */
export function activeFilters(filters: readonly FilterPlugin[], shape: PodShape, snapshot: Snapshot, state: CycleState): FilterPlugin[] {
  return filters.filter((plugin) => plugin.preFilter === undefined || plugin.preFilter(shape, snapshot, state) === 'run');
}

/**
 * Removes from `nodes` what any filter rules out, in the filters' order: a later one only judges what
 * the earlier ones left. Reasons are collected into `found` when it is given.
 */
export function runFilters(
  filters: readonly FilterPlugin[],
  shape: PodShape,
  snapshot: Snapshot,
  nodes: Bitset,
  state: CycleState,
  found?: RejectionCount[],
): void {
  for (const plugin of filters) {
    if (nodes.isEmpty) return;
    const rejected = new Bitset(snapshot.rows);
    plugin.filter(shape, snapshot, new Mask(nodes, rejected, plugin.name, found), state);
    nodes.subtract(rejected);
  }
}
