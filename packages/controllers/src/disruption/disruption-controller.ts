import { isConflict, isNotFound, resources, selectorOf } from '@bayplan/api';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { textOf } from '../pods/pod-control.ts';
import { isReady } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { scaleTargetsOf } from '../scale/scale-targets.ts';
import { budgetStatus, disruptedPods, failedStatus, goalOf, needsScale, staleDisruptionInMs } from './budget-status.ts';
import { WorkloadScales } from './expected-pods.ts';

/** Computes how many pods of each PodDisruptionBudget may go, and calls off disruptions that did not come. */
export async function runDisruptionController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const budgets = informers.informer(resources.podDisruptionBudgets);
  const pods = informers.informer(resources.pods);
  const replicaSets = informers.informer(resources.replicaSets);
  const deployments = informers.informer(resources.deployments);
  const targets = scaleTargetsOf(context);
  const scales = new WorkloadScales(replicaSets, deployments, targets, signal);
  const queue = queueFor(context, 'disruption');
  const staleQueue = queueFor(context, 'stale_pod_disruption');

  onChange(context, budgets, (budget) => queue.add(keyOf(budget)));
  onChange(context, pods, (pod, previous, deleted) => {
    if (!deleted) {
      const staleMs = staleDisruptionInMs(pod, clock.now());
      if (staleMs !== undefined) staleQueue.addAfter(keyOf(pod), staleMs);
    }
    if (previous !== undefined && !deleted && countsTheSame(pod, previous)) return;
    enqueueBudgetsOf(pod);
    if (previous !== undefined) enqueueBudgetsOf(previous);
  });
  // The size of a Deployment decides before its pods follow.
  onChange(context, deployments, (deployment, previous) => {
    if (previous === undefined || previous.spec?.replicas === deployment.spec?.replicas) return;
    for (const budget of budgets.lister.list(deployment.metadata.namespace))
      if (selectorOf(budget.spec?.selector).matches(deployment.spec?.template.metadata?.labels ?? {})) queue.add(keyOf(budget));
  });

  function enqueueBudgetsOf(pod: Pod): void {
    for (const budget of budgets.lister.list(pod.metadata.namespace))
      if (selectorOf(budget.spec?.selector).matches(pod.metadata.labels ?? {})) queue.add(keyOf(budget));
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const budget = budgets.lister.get(key);
    if (budget === undefined) return;
    const subject = { ref: resources.podDisruptionBudgets, object: budget };
    const selector = selectorOf(budget.spec?.selector);
    const mine = pods.lister.list(budget.metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels ?? {}));
    if (mine.length === 0) recorder.event(subject, 'Normal', 'NoPods', 'No matching pods found');
    let expected = mine.length;
    if (needsScale(budget)) {
      try {
        const { count, unmanaged } = await scales.expected(mine);
        expected = count;
        if (unmanaged.length > 0) {
          const message = `Pods selected by this PodDisruptionBudget (selector: ${selector.toString()}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
          recorder.event(subject, 'Warning', 'UnmanagedPods', message);
        }
      } catch (error) {
        const message = textOf(error);
        recorder.event(
          subject,
          'Warning',
          'CalculateExpectedPodCountFailed',
          `Failed to calculate the number of expected pods: ${message}`,
        );
        await writeStatus(budget, failedStatus(budget, message, clock.now()));
        throw error;
      }
    }
    const disrupted = disruptedPods(budget, mine, clock.now());
    for (const pod of disrupted.stayed) {
      const message = `Pod was expected by PDB ${budget.metadata.namespace ?? ''}/${budget.metadata.name ?? ''} to be deleted but it wasn't`;
      recorder.event({ ref: resources.pods, object: pod }, 'Warning', 'NotDeleted', message);
    }
    await writeStatus(budget, budgetStatus(budget, mine, goalOf(budget, expected), disrupted.pods, clock.now()));
    if (disrupted.recheckMs !== undefined) return { requeueAfterMs: disrupted.recheckMs };
  }

  /** With the version that was read: an eviction that came between has counted itself in, and must be seen first. */
  async function writeStatus(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
    if (semanticallyEqual(budget.status, status)) return;
    try {
      await client.update(resources.podDisruptionBudgets, { ...budget, status }, { subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function callOff(key: string): Promise<ReconcileResult | void> {
    const pod = pods.lister.get(key);
    const staleMs = pod === undefined ? undefined : staleDisruptionInMs(pod, clock.now());
    if (pod === undefined || staleMs === undefined) return;
    if (staleMs > 0) return { requeueAfterMs: staleMs };
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'DisruptionTarget'
        ? { type: condition.type, status: 'False', lastTransitionTime: timestamp(clock.now()) }
        : condition,
    );
    try {
      await client.update(resources.pods, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  await Promise.all([
    runController(context, { queue, caches: [budgets, pods, replicaSets, deployments, ...targets.caches], workers: 1, reconcile }),
    runController(context, { queue: staleQueue, caches: [pods], workers: 1, reconcile: callOff }),
  ]);
}

/** Whether a change of a pod leaves every budget as it is. */
function countsTheSame(pod: Pod, previous: Pod): boolean {
  return (
    isReady(pod) === isReady(previous) &&
    pod.metadata.deletionTimestamp === previous.metadata.deletionTimestamp &&
    semanticallyEqual(pod.metadata.labels, previous.metadata.labels) &&
    semanticallyEqual(pod.metadata.ownerReferences, previous.metadata.ownerReferences)
  );
}
