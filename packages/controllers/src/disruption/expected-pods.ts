import { resources } from '@bayplan/api';
import type { Deployment, OwnerReference, Pod, ReplicaSet } from '@bayplan/api';
import type { Informer } from '@bayplan/client';
import { controllerOf } from '../owners/owner-references.ts';
import { groupVersionOf } from '../scale/scale-targets.ts';
import type { ScaleTargets } from '../scale/scale-targets.ts';

export interface ExpectedPods {
  /** The sum of what the pods' controllers are to have. */
  readonly count: number;
  /** Pods without a controller, which nobody expects. */
  readonly unmanaged: readonly Pod[];
}

/** What the workloads of pods are sized to, from caches where there is one and else by their `scale` subresource. */
export class WorkloadScales {
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #deployments: Informer<Deployment>;
  readonly #targets: ScaleTargets;
  readonly #signal: AbortSignal;

  constructor(replicaSets: Informer<ReplicaSet>, deployments: Informer<Deployment>, targets: ScaleTargets, signal: AbortSignal) {
    this.#replicaSets = replicaSets;
    this.#deployments = deployments;
    this.#targets = targets;
    this.#signal = signal;
  }

  /** Throws an `Error` that says which pod has a controller without a size. */
  async expected(pods: readonly Pod[]): Promise<ExpectedPods> {
    const scales = new Map<string, number>();
    const asked = new Set<string>();
    const unmanaged: Pod[] = [];
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (owner === undefined) unmanaged.push(pod);
      else if (!asked.has(owner.uid)) {
        asked.add(owner.uid);
        const scale = await this.#scaleOf(owner, pod.metadata.namespace ?? '');
        if (scale === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name ?? ''}"`);
        scales.set(scale.uid, scale.replicas);
      }
    }
    return { count: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
  }

  async #scaleOf(owner: OwnerReference, namespace: string): Promise<{ uid: string; replicas: number } | undefined> {
    const { group } = groupVersionOf(owner.apiVersion);
    if (group === resources.replicaSets.group && owner.kind === resources.replicaSets.kind) {
      const replicaSet = this.#replicaSets.lister.get(`${namespace}/${owner.name}`);
      if (replicaSet?.metadata.uid !== owner.uid) return undefined;
      const above = controllerOf(replicaSet);
      // The Deployment's size counts once, however many ReplicaSets have pods during a rollout.
      if (above?.kind === 'Deployment') {
        const deployment = this.#deployments.lister.get(`${namespace}/${above.name}`);
        return deployment?.metadata.uid === above.uid ? { uid: above.uid, replicas: deployment.spec?.replicas ?? 1 } : undefined;
      }
      return { uid: owner.uid, replicas: replicaSet.spec?.replicas ?? 1 };
    }
    const found = this.#targets.find(owner);
    if (found === undefined) return undefined;
    if (!found.scalable) {
      const { ref } = found;
      throw new Error(`${ref.resource}${ref.group === '' ? '' : `.${ref.group}`} does not implement the scale subresource`);
    }
    const scale = await this.#targets.get(found.ref, { namespace, name: owner.name }, this.#signal);
    if (scale === undefined || (scale.metadata?.uid !== undefined && scale.metadata.uid !== owner.uid)) return undefined;
    return { uid: owner.uid, replicas: scale.spec?.replicas ?? 0 };
  }
}
