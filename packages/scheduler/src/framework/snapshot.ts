import type { Bitset } from './bitset.ts';
import type { PodShape } from './pod-shape.ts';
import type { ResourceNames } from './resources.ts';
import type { VolumeView } from './volumes.ts';

export interface TaintColumn {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
  readonly nodes: Bitset;
}

/** A pod that occupies a node, bound or about to be. */
export interface PlacedPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly shape: PodShape;
  readonly startedAtMs: number;
  readonly terminating: boolean;
}

/**
 * All nodes as columns: row n of every column is the same node. Rows of removed nodes are reused, so
 * only rows in `live` mean anything. Plugins read it and never change it.
 */
export interface Snapshot {
  /** Number of rows, used or not: the length to give to sets and score columns. */
  readonly rows: number;
  readonly live: Bitset;
  readonly resources: ResourceNames;
  nameOf(row: number): string;
  rowOf(name: string): number | undefined;
  /** One amount a row, in the unit of the resource; valid until the next change of nodes. */
  allocatable(resource: number): Float64Array;
  /** Requested by pods that are bound or assumed. */
  used(resource: number): Float64Array;
  /** As `used`, with a guess for pods that ask for nothing. For scoring only. */
  readonly estimatedCpuMilli: Float64Array;
  readonly estimatedMemoryBytes: Float64Array;
  readonly unschedulable: Bitset;
  readonly taints: Iterable<TaintColumn>;
  /** Nodes with this label and value; undefined when there is none. */
  labelled(key: string, value: string): Bitset | undefined;
  /** Nodes with this label, whatever its value. */
  labelledKey(key: string): Bitset | undefined;
  /** A node's value of a label; undefined when it has none. */
  labelOf(row: number, key: string): string | undefined;
  /** Every value of a label with its nodes. */
  valuesOf(key: string): Iterable<readonly [string, Bitset]>;
  /** Which addresses of a host port are taken, and where. */
  portHolders(protocol: string, port: number): Iterable<readonly [string, Bitset]>;
  /** Size and holders of an image; undefined when no node has it. */
  image(name: string): { readonly sizeBytes: number; readonly nodes: Bitset } | undefined;
  podsOn(row: number): Iterable<PlacedPod>;
  /** Pods that have wishes about other pods, with their rows. */
  readonly affinityPods: Iterable<{ readonly row: number; readonly pod: PlacedPod }>;
  /** Empty for namespaces that are not known. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>>;
  /** The cluster's storage as it is now: unlike the columns it changes between two passes without notice. */
  readonly volumes: VolumeView;
}
