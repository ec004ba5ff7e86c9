import { isNotFound, resources } from '@bayplan/api';
import type { Node, Pod } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { outOfServiceTaint } from '../attach-detach/attachments.ts';
import { isFinished } from '../pods/pod-state.ts';
import { indexByNode, podsOnNode } from '../pods/pods-on-node.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

/** A node must be gone this long before its pods are removed: it may be registering again. */
const quarantineMs = 40_000;
/** Finished pods beyond this number are removed, oldest first. */
const maxFinished = 12_500;

/** Removes pods that no node agent will ever remove: of nodes that are gone, never bound, or long finished. */
export async function runPodGarbageController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, logger, signal } = context;
  const pods = indexByNode(informers.informer(resources.pods));
  const nodes = informers.informer(resources.nodes);
  const queue = queueFor(context, 'pod_gc');
  const finished = new Set<string>();

  onChange(context, pods, (pod, _previous, deleted) => {
    const key = keyOf(pod);
    if (!deleted && isFinished(pod)) finished.add(key);
    else finished.delete(key);
    if (finished.size > maxFinished) queue.add(oldestFinished() ?? key);
    if (deleted) return;
    if (!pod.spec?.nodeName) {
      if (pod.metadata.deletionTimestamp !== undefined) queue.add(key);
    } else if (pod.metadata.deletionTimestamp !== undefined && isOutOfService(nodes.lister.get(pod.spec.nodeName))) queue.add(key);
    else if (nodes.hasSynced && nodes.lister.get(pod.spec.nodeName) === undefined) queue.addAfter(key, quarantineMs);
  });
  onChange(context, nodes, (node, previous, deleted) => {
    if (!deleted && isOutOfService(node) && !isOutOfService(previous)) {
      for (const pod of podsOnNode(pods, node.metadata.name ?? '')) if (pod.metadata.deletionTimestamp !== undefined) queue.add(keyOf(pod));
    }
    if (deleted) for (const pod of podsOnNode(pods, node.metadata.name ?? '')) queue.addAfter(keyOf(pod), quarantineMs);
  });

  function oldestFinished(): string | undefined {
    // Sets keep the order of insertion: the first finished first.
    for (const key of finished) return key;
    return undefined;
  }

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const pod = pods.lister.get(key);
    if (pod === undefined) return;
    const reason = await reasonToRemove(pod, key);
    if (reason === undefined) return;
    const { namespace, name } = splitKey(key);
    const uid = pod.metadata.uid;
    logger.info('Removed a pod that no node will', { pod: key, reason });
    try {
      if (!isFinished(pod)) await fail(pod, reason);
      await client.delete(
        resources.pods,
        { namespace, name },
        { gracePeriodSeconds: 0, ...(uid ? { preconditions: { uid } } : {}), signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function reasonToRemove(pod: Pod, key: string): Promise<string | undefined> {
    if (finished.size > maxFinished && key === oldestFinished()) return 'too many finished pods';
    const nodeName = pod.spec?.nodeName;
    if (!nodeName) return pod.metadata.deletionTimestamp === undefined ? undefined : 'unscheduled pod was deleted';
    const node = nodes.lister.get(nodeName);
    if (node !== undefined)
      return pod.metadata.deletionTimestamp !== undefined && isOutOfService(node) ? 'node is out of service' : undefined;
    try {
      await client.get(resources.nodes, { name: nodeName }, { signal });
      return undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return 'node no longer exists';
    }
  }

  async function fail(pod: Pod, reason: string): Promise<void> {
    const { namespace, name = '' } = pod.metadata;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message: `PodGC: ${reason}`,
      lastTransitionTime: timestamp(clock.now()),
    };
    await client.patch(
      resources.pods,
      { namespace, name },
      'strategic',
      { status: { phase: 'Failed', conditions: [condition] } },
      { subresource: 'status', signal },
    );
  }

  await nodes.synced;
  for (const pod of pods.lister.list()) {
    if (pod.spec?.nodeName && nodes.lister.get(pod.spec.nodeName) === undefined) queue.addAfter(keyOf(pod), quarantineMs);
  }
  await runController(context, { queue, caches: [pods, nodes], workers: 2, reconcile });
}

/** An administrator said that the node is down for good, and it does not say otherwise itself. */
function isOutOfService(node: Node | undefined): boolean {
  const isReady = node?.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  return !isReady && (node?.spec?.taints?.some((taint) => taint.key === outOfServiceTaint) ?? false);
}
