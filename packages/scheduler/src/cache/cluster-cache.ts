import type { Node, Pod } from '@bayplan/api';
import type { PodShape } from '../framework/pod-shape.ts';
import { ShapeCache } from '../framework/pod-shape.ts';
import { ResourceNames } from '../framework/resources.ts';
import type { PlacedPod } from '../framework/snapshot.ts';
import { NodeColumns } from './node-columns.ts';

interface Placement {
  readonly pod: PlacedPod;
  readonly nodeName: string;
  /** Placed by us and not yet seen as bound. */
  readonly assumed: boolean;
}

/**
 * What occupies the cluster: nodes, the pods bound to them, and those about to be bound. A pod whose
 * node is not known yet is kept and charged when the node appears.
 */
export class ClusterCache {
  readonly resources = new ResourceNames();
  readonly shapes = new ShapeCache(this.resources);
  readonly columns = new NodeColumns(this.resources);
  readonly #placements = new Map<string, Placement>();
  readonly #byNode = new Map<string, Map<string, PlacedPod>>();
  #assumed = 0;

  get counts(): { readonly nodes: number; readonly pods: number; readonly assumed: number } {
    return { nodes: this.columns.live.size, pods: this.#placements.size, assumed: this.#assumed };
  }

  shapeOf(pod: Pod): PodShape {
    return this.shapes.shapeOf(pod);
  }

  /** Answers whether placement could come out differently now. */
  setNode(node: Node): boolean {
    const name = node.metadata.name ?? '';
    const isNew = this.columns.rowOf(name) === undefined;
    const changed = this.columns.setNode(node);
    const row = this.columns.rowOf(name);
    if (isNew && row !== undefined) for (const pod of this.#byNode.get(name)?.values() ?? []) this.columns.place(row, pod);
    return changed;
  }

  removeNode(name: string): void {
    const row = this.columns.rowOf(name);
    if (row === undefined) return;
    for (const pod of this.#byNode.get(name)?.values() ?? []) this.columns.displace(row, pod);
    this.columns.removeNode(name);
  }

  /** Takes note of a pod that the API server shows on a node; it confirms an assumed one. */
  setPod(pod: Pod): void {
    const nodeName = pod.spec?.nodeName ?? '';
    this.#put(this.#placedOf(pod), nodeName, false);
  }

  /** Charges a pod to a node before the API server knows. */
  assume(pod: Pod, nodeName: string): void {
    this.#put(this.#placedOf(pod), nodeName, true);
  }

  isAssumed(uid: string): boolean {
    return this.#placements.get(uid)?.assumed === true;
  }

  /** Takes back what was assumed; a pod that was seen as bound in the meantime stays. */
  forget(uid: string): boolean {
    return this.isAssumed(uid) && this.removePod(uid);
  }

  /** Answers whether the pod occupied anything. */
  removePod(uid: string): boolean {
    const placement = this.#placements.get(uid);
    if (placement === undefined) return false;
    this.#placements.delete(uid);
    if (placement.assumed) this.#assumed -= 1;
    const pods = this.#byNode.get(placement.nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byNode.delete(placement.nodeName);
    const row = this.columns.rowOf(placement.nodeName);
    if (row !== undefined) this.columns.displace(row, placement.pod);
    return true;
  }

  #put(pod: PlacedPod, nodeName: string, assumed: boolean): void {
    const known = this.#placements.get(pod.uid);
    const unchanged =
      known !== undefined && known.nodeName === nodeName && known.pod.shape === pod.shape && known.pod.terminating === pod.terminating;
    if (unchanged && known.assumed === assumed) return;
    if (unchanged) {
      this.#placements.set(pod.uid, { ...known, assumed });
      this.#assumed += assumed ? 1 : -1;
      return;
    }
    this.removePod(pod.uid);
    this.#placements.set(pod.uid, { pod, nodeName, assumed });
    if (assumed) this.#assumed += 1;
    const pods = this.#byNode.get(nodeName) ?? new Map<string, PlacedPod>();
    pods.set(pod.uid, pod);
    this.#byNode.set(nodeName, pods);
    const row = this.columns.rowOf(nodeName);
    if (row !== undefined) this.columns.place(row, pod);
  }

  #placedOf(pod: Pod): PlacedPod {
    return {
      uid: pod.metadata.uid ?? '',
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name ?? '',
      shape: this.shapeOf(pod),
      startedAtMs: Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '') || 0,
      terminating: pod.metadata.deletionTimestamp !== undefined,
    };
  }
}
