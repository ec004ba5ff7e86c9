import { isConflict, isNotFound, resources, selectorOf } from '@bayplan/api';
import type { KubeObject, Pod, ReplicaSet, ResourceRef } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { claimChildren } from '../owners/claim-children.ts';
import { controllerOf, indexByController } from '../owners/owner-references.ts';
import { createPod, deletePod, namespaceIsTerminating, podFromTemplate, textOf } from '../pods/pod-control.ts';
import { isActive, isFinished, isReady, isTerminating } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { Expectations } from '../runtime/expectations.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { podsToDelete } from './deletion-ranking.ts';
import { replicaSetStatus } from './replicaset-status.ts';

/** Pods that one reconcile may create or delete at most. */
const burst = 500;
/** Changes of pods are gathered this long, so that pods that start together cost one status update. */
const gatherMs = 100;

/** A kind of workload that keeps a number of like pods. */
export interface ReplicaKind<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  /** The name of its queue in metrics. */
  readonly queue: string;
  /** The object as a ReplicaSet, whose fields all such kinds share. */
  readonly view: (object: T) => ReplicaSet;
  /** Its status counts pods that are on their way out. */
  readonly countsTerminating: boolean;
}

/** Keeps as many pods as each object of one kind asks for. */
export async function runReplicaController<T extends KubeObject>(context: ControllerContext, kind: ReplicaKind<T>): Promise<void> {
  const { client, informers, clock, signal } = context;
  const { ref, view } = kind;
  const owners = informers.informer(ref);
  const pods = indexByController(informers.informer(resources.pods));
  const queue = queueFor(context, kind.queue);
  const expectations = new Expectations(clock);

  onChange(context, owners, (object, _previous, deleted) => {
    if (deleted) expectations.forget(keyOf(object));
    queue.add(keyOf(object));
  });
  onChange(context, pods, (pod, previous, deleted) => {
    const owner = controllerOf(pod);
    if (owner === undefined) return deleted ? undefined : enqueueAdopters(pod);
    if (previous !== undefined && controllerOf(previous)?.uid !== owner.uid) enqueueOwner(previous);
    if (owner.kind !== ref.kind) return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    if (previous === undefined && !deleted) expectations.creationSeen(key);
    if (deleted || pod.metadata.deletionTimestamp !== undefined) expectations.deletionSeen(key, pod.metadata.uid ?? '');
    if (previous === undefined) queue.add(key);
    else queue.addAfter(key, gatherMs);
  });

  function enqueueOwner(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind === ref.kind) queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  }

  function enqueueAdopters(pod: Pod): void {
    const labels = pod.metadata.labels ?? {};
    for (const object of owners.lister.list(pod.metadata.namespace))
      if (selectorOf(view(object).spec?.selector).matches(labels)) queue.add(keyOf(object));
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const object = owners.lister.get(key);
    if (object === undefined) return expectations.forget(key);
    const replicaSet = view(object);
    const settled = expectations.satisfied(key);
    const claimed = await claimChildren({
      client,
      ownerRef: ref,
      owner: replicaSet,
      selector: replicaSet.spec?.selector,
      children: pods,
      adoptable: (pod) => !isFinished(pod),
      signal,
    });
    const active = claimed.filter(isActive);
    let failure: unknown;
    if (settled && replicaSet.metadata.deletionTimestamp === undefined) failure = await scale(key, replicaSet, active);
    const { status, availableInMs } = replicaSetStatus(
      replicaSet,
      active,
      failure === undefined ? undefined : textOf(failure),
      clock.now(),
    );
    if (kind.countsTerminating) status.terminatingReplicas = claimed.filter(isTerminating).length;
    if (!semanticallyEqual(replicaSet.status, status)) {
      try {
        await client.update(ref, { ...object, status }, { subresource: 'status', signal });
      } catch (error) {
        // A change on its way to the cache brings the key back.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
    if (failure !== undefined && !namespaceIsTerminating(failure)) throw failure;
    if (availableInMs !== undefined) return { requeueAfterMs: availableInMs };
  }

  /** Creates or deletes pods; returns the first error. */
  async function scale(key: string, replicaSet: ReplicaSet, active: readonly Pod[]): Promise<unknown> {
    const owner = { ref, object: replicaSet };
    const missing = (replicaSet.spec?.replicas ?? 1) - active.length;
    if (missing > 0) {
      const count = Math.min(missing, burst);
      const pod = podFromTemplate(owner, replicaSet.spec?.template);
      expectations.expectCreations(key, count);
      const { succeeded, error } = await slowStart(count, async () => void (await createPod(context, owner, pod)));
      if (succeeded < count) expectations.creationSeen(key, count - succeeded);
      return error;
    }
    if (missing === 0) return undefined;
    const doomed = podsToDelete(active, Math.min(-missing, burst), relatedPods(replicaSet), clock.now());
    expectations.expectDeletions(
      key,
      doomed.map((pod) => pod.metadata.uid ?? ''),
    );
    const results = await Promise.allSettled(
      doomed.map(async (pod) => {
        try {
          await deletePod(context, owner, pod);
        } catch (error) {
          expectations.deletionSeen(key, pod.metadata.uid ?? '');
          throw error;
        }
      }),
    );
    return results.find((result) => result.status === 'rejected')?.reason as unknown;
  }

  /** Running pods of all ReplicaSets with the same owner: their number on a node ranks a pod for deletion. */
  function relatedPods(replicaSet: ReplicaSet): readonly Pod[] {
    const owner = controllerOf(replicaSet);
    if (owner === undefined) return [];
    const siblings = owners.lister.list(replicaSet.metadata.namespace).filter((other) => controllerOf(other)?.uid === owner.uid);
    return siblings
      .flatMap((sibling) => pods.lister.byIndex('controller', sibling.metadata.uid ?? ''))
      .filter((pod) => isActive(pod) && isReady(pod));
  }

  await runController(context, { queue, caches: [owners, pods], workers: 4, reconcile });
}
