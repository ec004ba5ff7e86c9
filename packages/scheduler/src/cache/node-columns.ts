import type { Node } from '@bayplan/api';
import { Bitset } from '../framework/bitset.ts';
import { amountOf, cpu, memory } from '../framework/resources.ts';
import type { ResourceNames } from '../framework/resources.ts';
import type { PlacedPod, Snapshot, TaintColumn } from '../framework/snapshot.ts';
import { noVolumes } from '../framework/volumes.ts';
import type { VolumeView } from '../framework/volumes.ts';

/** A change that plans made earlier must take note of. */
export interface ColumnChanges {
  /** Grows when a node comes, goes or changes in something that plugins see. */
  readonly structure: number;
  /** Rows whose pods changed, oldest first, and how many were dropped from the front. */
  readonly rows: readonly number[];
  readonly dropped: number;
}

/** What a node contributes to sets, kept to take it out again. */
interface NodeFacts {
  readonly signature: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly taints: readonly string[];
  readonly images: readonly string[];
}

const maxChanges = 16_384;

/** The snapshot's columns and the only code that writes them. */
export class NodeColumns implements Snapshot {
  readonly resources: ResourceNames;
  readonly live = new Bitset();
  readonly unschedulable = new Bitset();
  /** Set once by whoever feeds the cache. */
  volumes: VolumeView = noVolumes;
  rows = 0;
  estimatedCpuMilli = new Float64Array(0);
  estimatedMemoryBytes = new Float64Array(0);
  #capacity = 0;
  #allocatable: Float64Array[] = [];
  #used: Float64Array[] = [];
  #names: string[] = [];
  #facts: (NodeFacts | undefined)[] = [];
  #pods: Map<string, PlacedPod>[] = [];
  #free: number[] = [];
  readonly #rowOf = new Map<string, number>();
  readonly #labels = new Map<string, Map<string, Bitset>>();
  readonly #taints = new Map<string, TaintColumn>();
  readonly #ports = new Map<string, Map<string, Bitset>>();
  readonly #images = new Map<string, { sizeBytes: number; readonly nodes: Bitset }>();
  readonly #affinityPods = new Map<string, { readonly row: number; readonly pod: PlacedPod }>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  #structure = 0;
  #changes: number[] = [];
  #dropped = 0;

  constructor(resources: ResourceNames) {
    this.resources = resources;
  }

  get changes(): ColumnChanges {
    return { structure: this.#structure, rows: this.#changes, dropped: this.#dropped };
  }

  get taints(): Iterable<TaintColumn> {
    return this.#taints.values();
  }

  nameOf(row: number): string {
    return this.#names[row] ?? '';
  }

  rowOf(name: string): number | undefined {
    return this.#rowOf.get(name);
  }

  allocatable(resource: number): Float64Array {
    return this.#column(this.#allocatable, resource);
  }

  used(resource: number): Float64Array {
    return this.#column(this.#used, resource);
  }

  labelled(key: string, value: string): Bitset | undefined {
    return this.#labels.get(key)?.get(value);
  }

  labelledKey(key: string): Bitset | undefined {
    const values = this.#labels.get(key);
    if (values === undefined) return undefined;
    const all = new Bitset(this.rows);
    for (const nodes of values.values()) all.union(nodes);
    return all;
  }

  labelOf(row: number, key: string): string | undefined {
    return this.#facts[row]?.labels.get(key);
  }

  valuesOf(key: string): Iterable<readonly [string, Bitset]> {
    return this.#labels.get(key) ?? [];
  }

  portHolders(protocol: string, port: number): Iterable<readonly [string, Bitset]> {
    return this.#ports.get(`${protocol}/${port}`) ?? [];
  }

  image(name: string): { readonly sizeBytes: number; readonly nodes: Bitset } | undefined {
    return this.#images.get(name);
  }

  podsOn(row: number): Iterable<PlacedPod> {
    return this.#pods[row]?.values() ?? [];
  }

  get affinityPods(): Iterable<{ readonly row: number; readonly pod: PlacedPod }> {
    return this.#affinityPods.values();
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    return this.#namespaces.get(namespace) ?? {};
  }

  /** Takes note of a namespace's labels; undefined when it is gone. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    this.#structure += 1;
  }

  /** Adds or updates a node. Answers whether anything changed that placement depends on. */
  setNode(node: Node): boolean {
    const name = node.metadata.name ?? '';
    const facts = factsOf(node);
    let row = this.#rowOf.get(name);
    if (row !== undefined && this.#facts[row]?.signature === facts.signature) return false;
    if (row === undefined) row = this.#newRow(name);
    else this.#removeFacts(row);
    this.#addFacts(row, node, facts);
    this.#structure += 1;
    return true;
  }

  /** Frees the row of a node whose pods were taken off before. */
  removeNode(name: string): void {
    const row = this.#rowOf.get(name);
    if (row === undefined) return;
    this.#removeFacts(row);
    this.#rowOf.delete(name);
    this.#facts[row] = undefined;
    this.live.delete(row);
    this.#free.push(row);
    this.#structure += 1;
  }

  place(row: number, pod: PlacedPod): void {
    this.#pods[row]?.set(pod.uid, pod);
    this.#charge(row, pod, 1);
    if (hasPodAffinity(pod)) {
      // What it wishes for bears on other nodes too, so every plan has to look again.
      this.#affinityPods.set(pod.uid, { row, pod });
      this.#structure += 1;
    }
    for (const { protocol, port, ip } of pod.shape.hostPorts) setOf(nested(this.#ports, `${protocol}/${port}`), ip).add(row);
  }

  displace(row: number, pod: PlacedPod): void {
    const others = this.#pods[row];
    if (others?.delete(pod.uid) !== true) return;
    this.#charge(row, pod, -1);
    if (this.#affinityPods.delete(pod.uid)) this.#structure += 1;
    for (const { protocol, port, ip } of pod.shape.hostPorts) {
      const still = [...others.values()].some((other) =>
        other.shape.hostPorts.some((held) => held.protocol === protocol && held.port === port && held.ip === ip),
      );
      if (!still) this.#ports.get(`${protocol}/${port}`)?.get(ip)?.delete(row);
    }
  }

  #charge(row: number, pod: PlacedPod, sign: 1 | -1): void {
    for (const { resource, amount } of pod.shape.requests) {
      const used = this.used(resource);
      used[row] = (used[row] ?? 0) + sign * amount;
    }
    this.estimatedCpuMilli[row] = (this.estimatedCpuMilli[row] ?? 0) + sign * pod.shape.estimatedCpuMilli;
    this.estimatedMemoryBytes[row] = (this.estimatedMemoryBytes[row] ?? 0) + sign * pod.shape.estimatedMemoryBytes;
    this.#changes.push(row);
    if (this.#changes.length > maxChanges) {
      this.#dropped += maxChanges / 2;
      this.#changes.splice(0, maxChanges / 2);
    }
  }

  #newRow(name: string): number {
    const row = this.#free.pop() ?? this.rows++;
    if (row >= this.#capacity) this.#grow(Math.max(64, this.#capacity * 2));
    this.#rowOf.set(name, row);
    this.#names[row] = name;
    this.#pods[row] = new Map();
    this.live.add(row);
    return row;
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const copy = new Float64Array(capacity);
      copy.set(column);
      return copy;
    };
    this.#allocatable = this.#allocatable.map(larger);
    this.#used = this.#used.map(larger);
    this.estimatedCpuMilli = larger(this.estimatedCpuMilli);
    this.estimatedMemoryBytes = larger(this.estimatedMemoryBytes);
  }

  #column(columns: Float64Array[], resource: number): Float64Array {
    while (columns.length <= resource) columns.push(new Float64Array(this.#capacity));
    return columns[resource] ?? new Float64Array(this.#capacity);
  }

  #addFacts(row: number, node: Node, facts: NodeFacts): void {
    this.#facts[row] = facts;
    for (const [name, quantity] of Object.entries(node.status?.allocatable ?? {})) {
      this.allocatable(this.resources.numberOf(name))[row] = amountOf(name, quantity);
    }
    // Columns exist from the start, so that scoring never meets a missing one.
    this.allocatable(cpu);
    this.allocatable(memory);
    if (node.spec?.unschedulable === true) this.unschedulable.add(row);
    for (const [key, value] of facts.labels) setOf(nested(this.#labels, key), value).add(row);
    for (const { key, value, effect } of node.spec?.taints ?? []) {
      const id = taintId(key, value ?? '', effect);
      const column = this.#taints.get(id) ?? { key, value: value ?? '', effect, nodes: new Bitset() };
      column.nodes.add(row);
      this.#taints.set(id, column);
    }
    for (const image of node.status?.images ?? []) {
      for (const name of image.names ?? []) {
        const column = this.#images.get(name) ?? { sizeBytes: 0, nodes: new Bitset() };
        column.sizeBytes = image.sizeBytes ?? column.sizeBytes;
        column.nodes.add(row);
        this.#images.set(name, column);
      }
    }
  }

  #removeFacts(row: number): void {
    const facts = this.#facts[row];
    if (facts === undefined) return;
    for (const column of this.#allocatable) column[row] = 0;
    this.unschedulable.delete(row);
    for (const [key, value] of facts.labels) drop(this.#labels.get(key), value, row, () => this.#labels.delete(key));
    for (const id of facts.taints) {
      const column = this.#taints.get(id);
      column?.nodes.delete(row);
      if (column?.nodes.isEmpty) this.#taints.delete(id);
    }
    for (const name of facts.images) {
      const column = this.#images.get(name);
      column?.nodes.delete(row);
      if (column?.nodes.isEmpty) this.#images.delete(name);
    }
  }
}

function factsOf(node: Node): NodeFacts {
  const labels = new Map(Object.entries(node.metadata.labels ?? {}));
  const taints = (node.spec?.taints ?? []).map((taint) => taintId(taint.key, taint.value ?? '', taint.effect));
  const images = (node.status?.images ?? []).flatMap((image) => [...(image.names ?? [])]);
  const signature = JSON.stringify([node.spec?.unschedulable ?? false, [...labels], taints, images, node.status?.allocatable]);
  return { signature, labels, taints, images };
}

function hasPodAffinity({ shape }: PlacedPod): boolean {
  return shape.affinity.podAffinity !== undefined || shape.affinity.podAntiAffinity !== undefined;
}

function taintId(key: string, value: string, effect: string): string {
  return `${key}=${value}:${effect}`;
}

function nested(map: Map<string, Map<string, Bitset>>, key: string): Map<string, Bitset> {
  const known = map.get(key) ?? new Map<string, Bitset>();
  map.set(key, known);
  return known;
}

function setOf(map: Map<string, Bitset>, key: string): Bitset {
  const known = map.get(key) ?? new Bitset();
  map.set(key, known);
  return known;
}

function drop(map: Map<string, Bitset> | undefined, key: string, row: number, whenEmpty: () => void): void {
  const nodes = map?.get(key);
  nodes?.delete(row);
  if (map === undefined || nodes?.isEmpty !== true) return;
  map.delete(key);
  if (map.size === 0) whenEmpty();
}
