import { isAlreadyExists, isConflict, isNotFound, resources, selectorOf } from '@bayplan/api';
import type { ControllerRevision, Pod, StatefulSet } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { beyondHistory, deleteRevisions, reviseHistory, templateOf } from '../history/controller-revisions.ts';
import { claimChildren } from '../owners/claim-children.ts';
import { controllerOf, indexByController } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { selectsEverything } from '../runtime/selects-everything.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { StatefulClaims } from './claims.ts';
import { ordinalOf, revisionOfPod, statefulPod, withIdentity } from './stateful-pods.ts';
import { isParallel, planStatefulSet, revisionFor } from './statefulset-plan.ts';
import type { StatefulStep } from './statefulset-plan.ts';
import { statefulSetStatus } from './statefulset-status.ts';
import type { Revisions } from './statefulset-status.ts';

const historyLabel = 'controller.kubernetes.io/hash';
/** Changes of pods that a set waits for one at a time are not gathered; those of parallel sets are. */
const gatherMs = 50;

/** Keeps numbered pods with claims of their own, one after the other or all at once. */
export async function runStatefulSetController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const sets = informers.informer(resources.statefulSets);
  const revisions = indexByController(informers.informer(resources.controllerRevisions));
  const pods = indexByController(informers.informer(resources.pods));
  const claimCache = informers.informer(resources.persistentVolumeClaims);
  const claims = new StatefulClaims(context, claimCache);
  const queue = queueFor(context, 'statefulset');

  onChange(context, sets, (set) => queue.add(keyOf(set)));
  onChange(context, revisions, (revision) => {
    const owner = controllerOf(revision);
    if (owner?.kind === 'StatefulSet') queue.add(`${revision.metadata.namespace ?? ''}/${owner.name}`);
  });
  onChange(context, pods, (pod, previous, deleted) => {
    const owner = controllerOf(pod);
    if (owner === undefined) return deleted ? undefined : enqueueAdopters(pod);
    if (owner.kind !== 'StatefulSet') return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    const set = sets.lister.get(key);
    if (set !== undefined && isParallel(set) && previous !== undefined) queue.addAfter(key, gatherMs);
    else queue.add(key);
  });

  // A pod that is to be made again waits until the claims of its predecessor are collected.
  onChange(context, claimCache, (claim, _previous, deleted) => {
    if (!deleted || claim.metadata.ownerReferences === undefined) return;
    for (const set of sets.lister.list(claim.metadata.namespace))
      if (selectorOf(set.spec?.selector).matches(claim.metadata.labels ?? {})) queue.add(keyOf(set));
  });

  function enqueueAdopters(pod: Pod): void {
    for (const set of sets.lister.list(pod.metadata.namespace)) {
      if (ordinalOf(set, pod) !== undefined && selectorOf(set.spec?.selector).matches(pod.metadata.labels ?? {})) queue.add(keyOf(set));
    }
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const set = sets.lister.get(key);
    if (set === undefined) return;
    const subject = { ref: resources.statefulSets, object: set };
    if (selectsEverything(set.spec?.selector)) {
      const message = 'This statefulset is selecting all pods. A non-empty selector is required.';
      return recorder.event(subject, 'Warning', 'SelectingAll', message);
    }
    try {
      const owner = { client, ownerRef: resources.statefulSets, owner: set, selector: set.spec?.selector, signal };
      const owned = await claimChildren({ ...owner, children: pods, adoptable: (pod) => ordinalOf(set, pod) !== undefined });
      const mine = owned.filter((pod) => ordinalOf(set, pod) !== undefined);
      const history = await reviseHistory({
        client,
        ref: resources.statefulSets,
        owner: set,
        revisions,
        hashLabel: historyLabel,
        signal,
      });
      const all = [...history.old, history.newest];
      const current = all.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? history.newest;
      const names: Revisions = {
        current: current.metadata.name ?? '',
        update: history.newest.metadata.name ?? '',
        collisionCount: history.collisionCount,
      };
      const steps = planStatefulSet({ set, pods: mine, updateRevision: names.update, nowMs: clock.now() });
      const failure = await carryOut(set, steps, { current, update: history.newest });
      const waitMs = await writeStatus(set, mine, names);
      if (failure !== undefined) throw failure;
      const live = new Set([names.current, names.update, ...mine.map(revisionOfPod)]);
      const limit = set.spec?.revisionHistoryLimit ?? 10;
      await deleteRevisions(
        client,
        beyondHistory(history.old, limit, ({ metadata }) => live.has(metadata.name)),
        signal,
      );
      if (waitMs !== undefined) return { requeueAfterMs: waitMs };
    } catch (error) {
      if (isNotFound(error) || namespaceIsTerminating(error)) return;
      throw error;
    }
  }

  type Templates = Readonly<Record<'current' | 'update', ControllerRevision>>;

  /** Returns the first error. */
  async function carryOut(set: StatefulSet, steps: readonly StatefulStep[], templates: Templates): Promise<unknown> {
    // An ordered set does one thing after the other; what follows an error waits for the next try.
    if (isParallel(set)) return (await slowStart(steps.length, async (index) => act(set, steps[index], templates))).error;
    for (const step of steps) {
      try {
        await act(set, step, templates);
      } catch (error) {
        return error;
      }
    }
    return undefined;
  }

  async function act(set: StatefulSet, step: StatefulStep | undefined, templates: Templates): Promise<void> {
    switch (step?.kind) {
      case undefined:
        return;
      case 'create':
        if (!claims.isStale(set, step.ordinal)) await create(set, step.ordinal, templates);
        return;
      case 'remove':
        return remove(set, step.pod, step.why);
      case 'keep':
        return keep(set, step.pod, step.ordinal);
    }
  }

  async function create(set: StatefulSet, ordinal: number, { current, update }: Templates): Promise<void> {
    const name = revisionFor(set, ordinal, current.metadata.name ?? '', update.metadata.name ?? '');
    const revision = name === update.metadata.name ? update : current;
    const pod = statefulPod(set, templateOf(revision), name, ordinal);
    const podName = pod.metadata.name ?? '';
    await claims.createMissing(set, ordinal, podName);
    const what = `create Pod ${podName} in StatefulSet ${set.metadata.name ?? ''}`;
    const subject = { ref: resources.statefulSets, object: set };
    try {
      await client.create(resources.pods, pod, { signal });
      recorder.event(subject, 'Normal', 'SuccessfulCreate', `${what} successful`);
    } catch (error) {
      const there = pods.lister.get(`${set.metadata.namespace ?? ''}/${podName}`);
      // The cache does not have yet what an earlier reconcile made; a pod of somebody else is worth reporting.
      const isForeign = there !== undefined && controllerOf(there)?.uid !== set.metadata.uid;
      if (!namespaceIsTerminating(error) && (!isAlreadyExists(error) || isForeign))
        recorder.event(subject, 'Warning', 'FailedCreate', `${what} failed error: ${textOf(error)}`);
      throw error;
    }
  }

  async function remove(set: StatefulSet, pod: Pod, why: 'finished' | 'surplus' | 'outdated'): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata;
    const subject = { ref: resources.statefulSets, object: set };
    const setName = set.metadata.name ?? '';
    // Before the pod goes, so that its claims go with it where the policy says so.
    if (why === 'surplus') await claims.own(set, ordinalOf(set, pod) ?? 0, pod);
    if (why === 'finished') {
      const failed = pod.status?.phase === 'Failed';
      recorder.event(
        subject,
        failed ? 'Warning' : 'Normal',
        failed ? 'RecreatingFailedPod' : 'RecreatingTerminatedPod',
        `StatefulSet ${namespace ?? ''}/${setName} is recreating ${failed ? 'failed' : 'terminated'} Pod ${name}`,
      );
    }
    const what = `delete Pod ${name} in StatefulSet ${setName}`;
    try {
      await client.delete(resources.pods, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
      recorder.event(subject, 'Normal', 'SuccessfulDelete', `${what} successful`);
    } catch (error) {
      if (isNotFound(error)) return;
      recorder.event(subject, 'Warning', 'FailedDelete', `${what} failed error: ${textOf(error)}`);
      throw error;
    }
  }

  async function keep(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    if (pod.status?.phase === 'Pending' && (set.spec?.volumeClaimTemplates ?? []).length > 0)
      await claims.createMissing(set, ordinal, pod.metadata.name ?? '');
    await claims.own(set, ordinal, pod);
    const fixed = withIdentity(pod);
    if (fixed) await client.update(resources.pods, fixed, { signal });
  }

  async function writeStatus(set: StatefulSet, mine: readonly Pod[], names: Revisions): Promise<number | undefined> {
    const { status, availableInMs } = statefulSetStatus(set, mine, names, clock.now());
    if (!semanticallyEqual(set.status, status)) {
      try {
        await client.update(resources.statefulSets, { ...set, status }, { subresource: 'status', signal });
      } catch (error) {
        // A change on its way to the cache brings the key back.
        if (!isConflict(error)) throw error;
      }
    }
    return availableInMs;
  }

  await runController(context, { queue, caches: [sets, revisions, pods, claimCache], reconcile });
}
