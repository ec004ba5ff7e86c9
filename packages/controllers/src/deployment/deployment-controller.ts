import { isNotFound, resources, selectorOf } from '@bayplan/api';
import type { Pod, ReplicaSet } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { claimChildren } from '../owners/claim-children.ts';
import { controlledBy, controllerOf, indexByController } from '../owners/owner-references.ts';
import { namespaceIsTerminating } from '../pods/pod-control.ts';
import { isFinished } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { conditionOf, countedStatus, deadlineInMs, isComplete, rolloutStatus } from './deployment-conditions.ts';
import { isRollingUpdate, isScaledUp, replicasOf, revisionAnnotation } from './deployment-spec.ts';
import { beyondHistory, findNewest, nextRevision } from './revisions.ts';
import { newestReplicas, resize, shrinkOld, wasResized } from './rolling-plan.ts';
import { Rollout } from './rollout.ts';

/** Changes of ReplicaSets are gathered this long, so that a burst of ready pods costs few status updates. */
const gatherMs = 50;

/** Rolls Deployments out by making and sizing ReplicaSets, one for each template. */
export async function runDeploymentController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const deployments = informers.informer(resources.deployments);
  const replicaSets = indexByController(informers.informer(resources.replicaSets));
  const pods = indexByController(informers.informer(resources.pods));
  const queue = queueFor(context, 'deployment');

  onChange(context, deployments, (deployment) => queue.add(keyOf(deployment)));
  onChange(context, replicaSets, (replicaSet, previous, deleted) => {
    const owner = controllerOf(replicaSet) ?? (previous === undefined ? undefined : controllerOf(previous));
    const key = `${replicaSet.metadata.namespace ?? ''}/${owner?.name ?? ''}`;
    if (owner?.kind === 'Deployment' && previous !== undefined) queue.addAfter(key, gatherMs);
    else if (owner?.kind === 'Deployment') queue.add(key);
    else if (owner === undefined && !deleted) enqueueAdopters(replicaSet);
  });
  // Recreate waits until the last old pod is gone.
  onChange(context, pods, (pod, previous, deleted) => {
    const stopped = deleted || (previous !== undefined && isFinished(pod) && !isFinished(previous));
    if (stopped) enqueueRecreate(pod);
  });

  function enqueueAdopters(replicaSet: ReplicaSet): void {
    for (const deployment of deployments.lister.list(replicaSet.metadata.namespace)) {
      if (selectorOf(deployment.spec?.selector).matches(replicaSet.metadata.labels ?? {})) queue.add(keyOf(deployment));
    }
  }

  function enqueueRecreate(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const replicaSet = replicaSets.lister.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    const deploymentName = replicaSet === undefined ? undefined : controllerOf(replicaSet)?.name;
    const deployment = deployments.lister.get(`${pod.metadata.namespace ?? ''}/${deploymentName ?? ''}`);
    if (deployment !== undefined && !isRollingUpdate(deployment)) queue.add(keyOf(deployment));
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const deployment = deployments.lister.get(key);
    if (deployment === undefined) return;
    const { matchLabels, matchExpressions } = deployment.spec?.selector ?? {};
    if (Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0) {
      recorder.event(
        { ref: resources.deployments, object: deployment },
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return;
    }
    const all = await claimChildren({
      client,
      ownerRef: resources.deployments,
      owner: deployment,
      selector: deployment.spec?.selector,
      children: replicaSets,
      signal,
    });
    const rollout = new Rollout(context, deployment);
    try {
      await step(rollout, all);
    } catch (error) {
      if (isNotFound(error) || namespaceIsTerminating(error)) return;
      throw error;
    }
    const requeueAfterMs = deadlineInMs(rollout.deployment, rollout.deployment.status ?? {}, clock.now());
    if (requeueAfterMs !== undefined && !rollout.deployment.spec?.paused) return { requeueAfterMs };
  }

  async function step(rollout: Rollout, all: readonly ReplicaSet[]): Promise<void> {
    const { deployment } = rollout;
    let newest = findNewest(deployment, all);
    let old = all.filter((replicaSet) => replicaSet !== newest);
    if (deployment.metadata.deletionTimestamp !== undefined) return finish(rollout, newest, old, countedStatus);
    notePause(rollout);
    if (newest) newest = await rollout.updateNewest(newest, nextRevision(old));
    if (deployment.spec?.paused || wasResized(deployment, all)) {
      const steps = resize(deployment, newest, old);
      for (const one of steps) {
        const updated = await rollout.scale(one);
        if (one.replicaSet === newest) newest = updated;
        else old = old.map((replicaSet) => (replicaSet === one.replicaSet ? updated : replicaSet));
      }
      if (deployment.spec?.paused) await rollout.deleteHistory(beyondHistory(deployment, old));
      return finish(rollout, newest, old, countedStatus);
    }
    if (isRollingUpdate(deployment)) {
      const before = newest;
      newest ??= await rollout.createNewest(old, nextRevision(old));
      const replicas = newestReplicas(deployment, [...old, newest], replicasOf(newest));
      if (replicas !== replicasOf(newest)) newest = await rollout.scale({ replicaSet: newest, replicas });
      else if (before) for (const one of shrinkOld(deployment, [...old, newest], newest, old)) await rollout.scale(one);
    } else {
      const running = old.filter(isScaledUp);
      for (const replicaSet of running) await rollout.scale({ replicaSet, replicas: 0 });
      if (running.length === 0 && !oldPodsRun(old)) {
        newest ??= await rollout.createNewest(old, nextRevision(old));
        newest = await rollout.scale({ replicaSet: newest, replicas: replicasOf(deployment) });
      }
    }
    if (isComplete(deployment, deployment.status ?? {})) await rollout.deleteHistory(beyondHistory(deployment, old));
    return finish(rollout, newest, old, rolloutStatus);
  }

  function oldPodsRun(old: readonly ReplicaSet[]): boolean {
    return old.some((replicaSet) => controlledBy(pods, replicaSet.metadata.uid ?? '').some((pod) => !isFinished(pod)));
  }

  async function finish(
    rollout: Rollout,
    newest: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    statusOf: typeof countedStatus,
  ): Promise<void> {
    const status = statusOf(rollout.deployment, newest ? [...old, newest] : old, newest, clock.now());
    await rollout.writeStatus(status, newest?.metadata.annotations?.[revisionAnnotation]);
  }

  await runController(context, { queue, caches: [deployments, replicaSets, pods], workers: 4, reconcile });
}

/** Pausing stops the deadline's clock; resuming starts it again. */
function notePause(rollout: Rollout): void {
  const { deployment } = rollout;
  const reason = conditionOf(deployment.status, 'Progressing')?.reason;
  if (reason === 'ProgressDeadlineExceeded') return;
  if (deployment.spec?.paused && reason !== 'DeploymentPaused') rollout.progress('Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (!deployment.spec?.paused && reason === 'DeploymentPaused') rollout.progress('Unknown', 'DeploymentResumed', 'Deployment is resumed');
}
