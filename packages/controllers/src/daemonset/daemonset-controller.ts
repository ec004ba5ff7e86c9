import { isConflict, isNotFound, resources, selectorOf } from '@bayplan/api';
import type { DaemonSet, Node, Pod } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { beyondHistory, deleteRevisions, reviseHistory } from '../history/controller-revisions.ts';
import { claimChildren } from '../owners/claim-children.ts';
import { controllerOf, indexByController } from '../owners/owner-references.ts';
import { createPod, deletePod, namespaceIsTerminating } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { Expectations } from '../runtime/expectations.ts';
import { KeyBackoff } from '../runtime/key-backoff.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { selectsEverything } from '../runtime/selects-everything.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { daemonPod, hashLabel, targetNode } from './daemon-pods.ts';
import { planPlacement, planRollout } from './daemonset-plan.ts';
import type { DaemonPlan, DaemonView } from './daemonset-plan.ts';
import { daemonSetStatus } from './daemonset-status.ts';
import { judgeNode } from './node-fit.ts';

/** Pods that one reconcile may create, and that it may delete. */
const burst = 250;
/** Changes of pods are gathered this long, so that pods that start together cost one status update. */
const gatherMs = 100;
const firstRetryMs = 1000;
const maxRetryMs = 15 * 60_000;

/** Keeps one pod of each DaemonSet on every node that it is for. */
export async function runDaemonSetController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const daemonSets = informers.informer(resources.daemonSets);
  const revisions = indexByController(informers.informer(resources.controllerRevisions));
  const pods = indexByController(informers.informer(resources.pods));
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'daemonset');
  const expectations = new Expectations(clock);
  const failures = new KeyBackoff(clock, firstRetryMs, maxRetryMs);

  onChange(context, daemonSets, (daemonSet, _previous, deleted) => {
    if (deleted) expectations.forget(keyOf(daemonSet));
    queue.add(keyOf(daemonSet));
  });
  onChange(context, revisions, (revision) => {
    const owner = controllerOf(revision);
    if (owner?.kind === 'DaemonSet') queue.add(`${revision.metadata.namespace ?? ''}/${owner.name}`);
  });
  onChange(context, nodes, (node, previous, deleted) => {
    // Heartbeats change nothing about where pods belong.
    if (previous !== undefined && sameForDaemons(previous, node)) return;
    for (const daemonSet of daemonSets.lister.list()) {
      const changed = deleted || previous === undefined || !semanticallyEqual(judgeNode(daemonSet, previous), judgeNode(daemonSet, node));
      if (changed) queue.add(keyOf(daemonSet));
    }
  });
  onChange(context, pods, (pod, previous, deleted) => {
    const owner = controllerOf(pod);
    if (owner === undefined) return deleted ? undefined : enqueueAdopters(pod);
    if (owner.kind !== 'DaemonSet') return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    if (previous === undefined && !deleted) expectations.creationSeen(key);
    if (deleted || pod.metadata.deletionTimestamp !== undefined) expectations.deletionSeen(key, pod.metadata.uid ?? '');
    if (previous === undefined) queue.add(key);
    else queue.addAfter(key, gatherMs);
  });

  function enqueueAdopters(pod: Pod): void {
    for (const daemonSet of daemonSets.lister.list(pod.metadata.namespace))
      if (selectorOf(daemonSet.spec?.selector).matches(pod.metadata.labels ?? {})) queue.add(keyOf(daemonSet));
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const daemonSet = daemonSets.lister.get(key);
    if (daemonSet === undefined) return expectations.forget(key);
    const subject = { ref: resources.daemonSets, object: daemonSet };
    if (selectsEverything(daemonSet.spec?.selector)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      return recorder.event(subject, 'Warning', 'SelectingAll', message);
    }
    if (daemonSet.metadata.deletionTimestamp !== undefined) return;
    const settled = expectations.satisfied(key);
    try {
      const history = await reviseHistory({ client, ref: resources.daemonSets, owner: daemonSet, revisions, hashLabel, signal });
      const owned = await claimChildren({
        client,
        ownerRef: resources.daemonSets,
        owner: daemonSet,
        selector: daemonSet.spec?.selector,
        children: pods,
        signal,
      });
      const hash = history.newest.metadata.labels?.[hashLabel] ?? '';
      const view: DaemonView = { daemonSet, nodes: nodes.lister.list(), pods: owned, hash, nowMs: clock.now() };
      let failure: unknown;
      if (settled) failure = await step(key, view);
      if (settled && failure === undefined) {
        const live = new Set(owned.map((pod) => pod.metadata.labels?.[hashLabel]));
        const doomed = beyondHistory(history.old, daemonSet.spec?.revisionHistoryLimit ?? 10, (revision) =>
          live.has(revision.metadata.labels?.[hashLabel]),
        );
        await deleteRevisions(client, doomed, signal);
      }
      const waitMs = await writeStatus(view, history.collisionCount);
      if (failure !== undefined && !namespaceIsTerminating(failure)) throw failure;
      if (waitMs !== undefined) return { requeueAfterMs: waitMs };
    } catch (error) {
      if (isNotFound(error) || namespaceIsTerminating(error)) return;
      throw error;
    }
  }

  /** Places pods; when all are in place, goes on with the rolling update. Returns the first error. */
  async function step(key: string, view: DaemonView): Promise<unknown> {
    const { daemonSet, hash } = view;
    const placement = planPlacement(view);
    const replaced = placement.finished.filter((pod) => mayReplace(key, daemonSet, pod));
    const first = { create: placement.create, remove: [...placement.remove, ...replaced] };
    const failure = await carryOut(key, daemonSet, hash, first);
    const idle = first.create.length === 0 && first.remove.length === 0;
    if (failure !== undefined || !idle || daemonSet.spec?.updateStrategy?.type === 'OnDelete') return failure;
    return carryOut(key, daemonSet, hash, planRollout(view));
  }

  /** Whether a finished pod may be replaced now: one that fails again and again is, more and more slowly. */
  function mayReplace(key: string, daemonSet: DaemonSet, pod: Pod): boolean {
    const where = `pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} on node ${targetNode(pod) ?? ''}`;
    const subject = { ref: resources.daemonSets, object: daemonSet };
    if (pod.status?.phase === 'Succeeded') {
      recorder.event(subject, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon ${where}, will try to delete it`);
      return true;
    }
    const waitMs = failures.take(`${daemonSet.metadata.uid ?? ''}/${String(daemonSet.metadata.generation ?? 0)}/${targetNode(pod) ?? ''}`);
    if (waitMs > 0) {
      queue.addAfter(key, waitMs);
      return false;
    }
    recorder.event(subject, 'Warning', 'FailedDaemonPod', `Found failed daemon ${where}, will try to kill it`);
    return true;
  }

  async function carryOut(key: string, daemonSet: DaemonSet, hash: string, plan: DaemonPlan): Promise<unknown> {
    const create = plan.create.slice(0, burst);
    const remove = plan.remove.slice(0, burst);
    if (create.length === 0 && remove.length === 0) return undefined;
    const owner = { ref: resources.daemonSets, object: daemonSet };
    expectations.expect(
      key,
      create.length,
      remove.map((pod) => pod.metadata.uid ?? ''),
    );
    const { succeeded, error } = await slowStart(
      create.length,
      async (index) => void (await createPod(context, owner, daemonPod(daemonSet, create[index] ?? '', hash))),
    );
    if (succeeded < create.length) expectations.creationSeen(key, create.length - succeeded);
    const results = await Promise.allSettled(
      remove.map((pod) =>
        deletePod(context, owner, pod).catch((failure: unknown) => {
          expectations.deletionSeen(key, pod.metadata.uid ?? '');
          throw failure;
        }),
      ),
    );
    return error ?? (results.find((result) => result.status === 'rejected')?.reason as unknown);
  }

  async function writeStatus(view: DaemonView, collisionCount: number | undefined): Promise<number | undefined> {
    const { daemonSet, hash } = view;
    const counted = daemonSetStatus(daemonSet, view.nodes, view.pods, hash, clock.now());
    const status = { ...counted.status, ...(collisionCount === undefined ? {} : { collisionCount }) };
    if (!semanticallyEqual(daemonSet.status, status)) {
      try {
        await client.update(resources.daemonSets, { ...daemonSet, status }, { subresource: 'status', signal });
      } catch (error) {
        // A change on its way to the cache brings the key back.
        if (!isConflict(error)) throw error;
      }
    }
    return counted.availableInMs;
  }

  await runController(context, { queue, caches: [daemonSets, revisions, pods, nodes], reconcile });
}

function sameForDaemons(a: Node, b: Node): boolean {
  return (
    semanticallyEqual(a.metadata.labels, b.metadata.labels) &&
    semanticallyEqual(a.spec?.taints, b.spec?.taints) &&
    a.spec?.unschedulable === b.spec?.unschedulable
  );
}
