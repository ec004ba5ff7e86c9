import { isNotFound, resources } from '@bayplan/api';
import type { Node, Pod, Taint } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { podsOnNode, indexByNode } from '../pods/pods-on-node.ts';
import { isFinished, isReady } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { forEachLimited } from '../runtime/slow-start.ts';
import { metricsOf } from './lifecycle-metrics.ts';
import { asksForEviction, graceMs, isEvicting, silentConditions, wantedTaints } from './node-health.ts';
import { evictionDelayMs } from './taint-eviction.ts';
import { ZoneDisruption, zoneOf } from './zone-disruption.ts';

const parallelWrites = 4;

/**
 * Watches over nodes: one whose lease is stale becomes `Unknown`; conditions become taints; pods that do not
 * tolerate a NoExecute taint are deleted when their time is up.
 */
export async function runNodeLifecycleController(context: ControllerContext): Promise<void> {
  const nodesQueue = queueFor(context, 'node_lifecycle_controller');
  const podsQueue = queueFor(context, 'noexec_taint_pod');
  const { client, informers, clock, recorder, logger, signal } = context;
  const nodes = informers.informer(resources.nodes);
  const leases = informers.informer(resources.leases, { namespace: 'kube-node-lease' });
  const pods = indexByNode(informers.informer(resources.pods));
  /** When each node was last heard of, on this process's clock: the clocks of nodes may differ. */
  const heardAtMs = new Map<string, number>();
  /** When each doomed pod is to go, by key, with the taints that doom it. */
  const doomed = new Map<string, { readonly taints: string; readonly dueMs: number }>();

  /** Before the first node is ready there is nothing to tell. */
  let everReady = false;
  const zones = new ZoneDisruption(clock, graceMs);
  const metrics = metricsOf(context.metrics, zones);

  onChange(context, nodes, (node, previous, deleted) => {
    const name = node.metadata.name ?? '';
    if (zones.update(name, deleted ? undefined : node)) noteDisruption();
    if (deleted) return void heardAtMs.delete(name);
    const heartbeat = (one: Node): string | undefined =>
      one.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastHeartbeatTime;
    if (previous === undefined || heartbeat(node) !== heartbeat(previous)) heardAtMs.set(name, clock.monotonic());
    nodesQueue.add(name);
    if (!semanticallyEqual(noExecute(node), previous ? noExecute(previous) : []))
      for (const pod of podsOnNode(pods, name)) podsQueue.add(keyOf(pod));
  });
  onChange(context, leases, (lease, previous, deleted) => {
    if (deleted || (previous !== undefined && lease.spec?.renewTime === previous.spec?.renewTime)) return;
    const name = lease.metadata.name ?? '';
    heardAtMs.set(name, clock.monotonic());
    // Renewals cost nothing: the node's own timer finds them when it is due.
    if (nodes.lister.get(name) === undefined) heardAtMs.delete(name);
  });
  onChange(context, pods, (pod, previous, deleted) => {
    if (deleted) return void doomed.delete(keyOf(pod));
    const moved = previous?.spec?.nodeName !== pod.spec?.nodeName || !semanticallyEqual(previous?.spec?.tolerations, pod.spec?.tolerations);
    if (!moved || !pod.spec?.nodeName) return;
    const node = nodes.lister.get(pod.spec.nodeName);
    if (node !== undefined && noExecute(node).length > 0) podsQueue.add(keyOf(pod));
  });

  /** Every node's taints follow from whether the whole cluster is disrupted. */
  function noteDisruption(): void {
    everReady ||= !zones.isWholeCluster;
    if (zones.isWholeCluster && everReady) logger.warn('No node is ready: pods are not evicted until one is');
    else if (!zones.isWholeCluster) logger.debug('A node is ready: pods may be evicted');
    for (const node of nodes.lister.list()) nodesQueue.add(node.metadata.name ?? '');
  }

  /** Whether a node may have taints that evict its pods; else how long until it is asked again. */
  function evictionOf(node: Node): { readonly mayEvict: boolean; readonly waitMs: number } {
    if (zones.isWholeCluster) return { mayEvict: false, waitMs: Infinity };
    if (!asksForEviction(node) || isEvicting(node)) return { mayEvict: true, waitMs: Infinity };
    const waitMs = zones.askToTaint(node);
    if (waitMs === 0) metrics?.nodesTainted.inc({ zone: zoneOf(node) });
    return { mayEvict: waitMs === 0, waitMs };
  }

  async function reconcileNode(name: string): Promise<ReconcileResult | void> {
    let node = nodes.lister.get(name);
    if (node === undefined) return;
    const silentMs = clock.monotonic() - (heardAtMs.get(name) ?? clock.monotonic());
    let waitMs = Infinity;
    try {
      if (silentMs >= graceMs) node = await noteSilence(node);
      if (!isNodeReady(node)) await markPodsNotReady(name);
      const eviction = evictionOf(node);
      waitMs = eviction.waitMs;
      const taints = wantedTaints(node, clock.now(), eviction.mayEvict);
      if (!semanticallyEqual(taints, node.spec?.taints)) {
        const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } };
        await client.patch(resources.nodes, { name }, 'merge', patch, { signal });
      }
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    return { requeueAfterMs: Math.min(waitMs, silentMs >= graceMs ? graceMs : graceMs - silentMs) };
  }

  async function noteSilence(node: Node): Promise<Node> {
    const conditions = silentConditions(node, clock.now());
    if (conditions === undefined) return node;
    const name = node.metadata.name ?? '';
    logger.warn('Node stopped reporting', { node: name });
    recorder.event({ ref: resources.nodes, object: node }, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    return client.update(resources.nodes, { ...node, status: { ...node.status, conditions } }, { subresource: 'status', signal });
  }

  /** Services must not send to pods of a node that is not ready. */
  async function markPodsNotReady(nodeName: string): Promise<void> {
    const ready = podsOnNode(pods, nodeName).filter((pod) => isReady(pod) && !isFinished(pod));
    await forEachLimited(ready, parallelWrites, async (pod) => {
      const condition = { type: 'Ready', status: 'False', lastTransitionTime: timestamp(clock.now()) };
      const { namespace, name = '' } = pod.metadata;
      try {
        await client.patch(
          resources.pods,
          { namespace, name },
          'strategic',
          { status: { conditions: [condition] } },
          { subresource: 'status', signal },
        );
        recorder.event({ ref: resources.pods, object: pod }, 'Warning', 'NodeNotReady', 'Node is not ready');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
  }

  async function reconcilePod(key: string): Promise<ReconcileResult | void> {
    const pod = pods.lister.get(key);
    const node = pod?.spec?.nodeName ? nodes.lister.get(pod.spec.nodeName) : undefined;
    const taints = node === undefined ? [] : noExecute(node);
    const delayMs = pod === undefined ? undefined : evictionDelayMs(pod, taints);
    if (pod === undefined || delayMs === undefined || pod.metadata.deletionTimestamp !== undefined || isFinished(pod)) {
      if (doomed.delete(key) && pod !== undefined && pod.metadata.deletionTimestamp === undefined && !isFinished(pod))
        recorder.event({ ref: resources.pods, object: pod }, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      return;
    }
    const signature = JSON.stringify(taints.map((taint) => [taint.key, taint.value]));
    const known = doomed.get(key);
    const dueMs = known?.taints === signature ? known.dueMs : clock.monotonic() + delayMs;
    doomed.set(key, { taints: signature, dueMs });
    const leftMs = dueMs - clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await evict(pod, key);
    metrics?.podsDeleted.inc();
    metrics?.deletionSeconds.observe((clock.monotonic() - dueMs) / 1000);
  }

  async function evict(pod: Pod, key: string): Promise<void> {
    const { namespace, name } = splitKey(key);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: timestamp(clock.now()),
    };
    const uid = pod.metadata.uid;
    try {
      recorder.event({ ref: resources.pods, object: pod }, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
      await client.patch(
        resources.pods,
        { namespace, name },
        'strategic',
        { status: { conditions: [condition] } },
        { subresource: 'status', signal },
      );
      await client.delete(resources.pods, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  const caches = [nodes, leases, pods];
  await Promise.all([
    runController(context, { queue: nodesQueue, caches, workers: 2, reconcile: reconcileNode }),
    runController(context, { queue: podsQueue, caches, workers: 4, reconcile: reconcilePod }),
  ]);
}

function noExecute(node: Node): Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
}

function isNodeReady(node: Node): boolean {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready === undefined || ready.status === 'True';
}
