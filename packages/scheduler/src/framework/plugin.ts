import type { Pod } from '@bayplan/api';
import type { Bitset } from './bitset.ts';
import type { PodShape } from './pod-shape.ts';
import type { Snapshot } from './snapshot.ts';

/** Changes of the cluster that can make an unschedulable pod fit, as bits of a set. */
export const clusterEvents = {
  nodeAdd: 1,
  nodeAllocatable: 2,
  nodeLabel: 4,
  nodeTaint: 8,
  assignedPodAdd: 16,
  assignedPodUpdate: 32,
  assignedPodDelete: 64,
  /** The pod itself changed in something that placement depends on. */
  podUpdate: 128,
  /** A claim, a volume, a class or what a node can attach. */
  storage: 256,
} as const;

/** Why a node was ruled out. The text reaches the user's Event unchanged. */
export interface Rejection {
  readonly plugin: string;
  readonly reason: string;
  /** Whether removing other pods could not help. */
  readonly unresolvable: boolean;
  /** The reason is about the pod and the same on every node, so that nodes are not counted. */
  readonly ofPod?: boolean;
}

/** What is left of the candidates while filters run. */
export interface NodeMask {
  /** The nodes that the plugin has to judge. Does not change until the plugin returns. */
  readonly candidates: Bitset;
  /** Rules nodes out, for one reason. A plugin may rule out a node for several. `nodes` is read at once and not kept. */
  reject(nodes: Bitset, reason: string, options: { readonly unresolvable: boolean; readonly ofPod?: boolean }): void;
}

/** What a plugin computed for a shape before nodes were looked at; lives as long as one pass. */
export type CycleState = Map<string, unknown>;

export interface Plugin {
  readonly name: string;
  /** Bits of `clusterEvents` after which a pod that this plugin rejected may fit. */
  readonly events?: number;
}

/** Decides whether a pod may enter the queue at all. */
export interface PreEnqueuePlugin extends Plugin {
  preEnqueue(pod: Pod): 'admit' | 'hold';
}

/** The order of the queue: negative when `left` goes first. */
export interface QueueSortPlugin extends Plugin {
  compare(left: QueuedPod, right: QueuedPod): number;
}

export interface QueuedPod {
  readonly priority: number;
  readonly queuedAtMs: number;
}

/**
 * Rules out nodes. Pure and synchronous: same shape, snapshot and state, same result.
 */
export interface FilterPlugin extends Plugin {
  /**
   * `node`: the verdict on a node depends on the shape and that node alone, so it is asked again only
   * about nodes that changed. `cluster`: it depends on where other pods are.
   */
  readonly scope: 'node' | 'cluster';
  /** Prepares state; `skip` leaves the plugin out for this shape. */
  preFilter?(shape: PodShape, snapshot: Snapshot, state: CycleState): 'run' | 'skip';
  filter(shape: PodShape, snapshot: Snapshot, mask: NodeMask, state: CycleState): void;
}

export interface ScorePlugin extends Plugin {
  readonly scope: 'node' | 'cluster';
  /**
   * `none`: scores are 0 to 100 already. `max`: scaled so that the best node gets 100. `reverse`: the
   * same, turned over. `range`: lowest 0, highest 100.
   */
  readonly normalize: 'none' | 'max' | 'reverse' | 'range';
  preScore?(shape: PodShape, snapshot: Snapshot, nodes: Bitset, state: CycleState): 'run' | 'skip';
  /** Writes the score of every row in `nodes`; other rows are left alone. */
  score(shape: PodShape, snapshot: Snapshot, nodes: Bitset, scores: Float64Array, state: CycleState): void;
}

export interface WeightedScore {
  readonly plugin: ScorePlugin;
  readonly weight: number;
}

/** The plugins of one scheduler name, in the order they are called. */
export interface Profile {
  readonly schedulerName: string;
  readonly queueSort: QueueSortPlugin;
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly WeightedScore[];
}
