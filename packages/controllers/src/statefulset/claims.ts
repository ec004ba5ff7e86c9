import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '@bayplan/api';
import type { Informer } from '@bayplan/client';
import { controllerReference } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { claimsOf } from './stateful-pods.ts';
import { inRange } from './statefulset-plan.ts';

/** The claims of StatefulSets: made with their pods, owned by what their deletion is to follow. */
export class StatefulClaims {
  readonly #context: ControllerContext;
  readonly #claims: Informer<PersistentVolumeClaim>;

  constructor(context: ControllerContext, claims: Informer<PersistentVolumeClaim>) {
    this.#context = context;
    this.#claims = claims;
  }

  /** Whether a claim of this ordinal still belongs to a pod that is gone and so is about to be collected. */
  isStale(set: StatefulSet, ordinal: number): boolean {
    if (!deletesOnScaling(set)) return false;
    return claimsOf(set, ordinal).some((wanted) => {
      const claim = this.#find(wanted);
      return (
        claim !== undefined && (claim.metadata.ownerReferences ?? []).some((owner) => owner.kind === 'Pod' && owner.apiVersion === 'v1')
      );
    });
  }

  /** Creates what is missing. Throws the first error after reporting it. */
  async createMissing(set: StatefulSet, ordinal: number, podName: string): Promise<void> {
    const { client, recorder, signal } = this.#context;
    const subject = { ref: resources.statefulSets, object: set };
    for (const wanted of claimsOf(set, ordinal)) {
      if (this.#find(wanted) !== undefined) continue;
      const owner = wantedOwner(set, ordinal, undefined);
      const metadata = { ...wanted.metadata, ...(owner ? { ownerReferences: [owner] } : {}) };
      const what = `create Claim ${wanted.metadata.name ?? ''} Pod ${podName} in StatefulSet ${set.metadata.name ?? ''}`;
      try {
        await client.create(resources.persistentVolumeClaims, { ...wanted, metadata }, { signal });
        recorder.event(subject, 'Normal', 'SuccessfulCreate', `${what} success`);
      } catch (error) {
        if (isAlreadyExists(error)) continue;
        if (!namespaceIsTerminating(error)) recorder.event(subject, 'Warning', 'FailedCreate', `${what} failed error: ${textOf(error)}`);
        throw error;
      }
    }
  }

  /** Gives the claims of a pod the owner that the retention policy asks for. */
  async own(set: StatefulSet, ordinal: number, pod: Pod): Promise<void> {
    const { client, signal } = this.#context;
    for (const wanted of claimsOf(set, ordinal)) {
      const claim = this.#find(wanted);
      if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) continue;
      const before = claim.metadata.ownerReferences ?? [];
      const others = before.filter((owner) => !isOurs(owner, set, pod));
      // Whoever else controls the claim decides about its end.
      if (others.some((owner) => owner.controller === true)) continue;
      const owner = wantedOwner(set, ordinal, pod);
      const ours = before.filter((reference) => isOurs(reference, set, pod));
      if (owner === undefined ? ours.length === 0 : ours.length === 1 && ours[0]?.uid === owner.uid) continue;
      const ownerReferences = owner === undefined ? others : [...others, owner];
      try {
        await client.update(resources.persistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, ownerReferences } }, { signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #find(wanted: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
    return this.#claims.lister.get(`${wanted.metadata.namespace ?? ''}/${wanted.metadata.name ?? ''}`);
  }
}

function isOurs(owner: OwnerReference, set: StatefulSet, pod: Pod): boolean {
  return owner.uid === set.metadata.uid || (owner.kind === 'Pod' && owner.name === pod.metadata.name);
}

function deletesOnScaling(set: StatefulSet): boolean {
  return set.spec?.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete';
}

/** What a claim's life ends with: the set's, that of its pod when the pod is scaled away, or nothing's. */
function wantedOwner(set: StatefulSet, ordinal: number, pod: Pod | undefined): OwnerReference | undefined {
  if (!inRange(set, ordinal) && deletesOnScaling(set)) return pod && controllerReference(resources.pods, pod);
  const deletesWithSet = set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  return deletesWithSet ? controllerReference(resources.statefulSets, set) : undefined;
}
