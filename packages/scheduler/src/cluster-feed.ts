import { resources } from '@bayplan/api';
import type { Namespace, Node, Pod } from '@bayplan/api';
import type { InformerFactory } from '@bayplan/client';
import type { ClusterCache } from './cache/cluster-cache.ts';
import type { VolumeCache } from './cache/volume-cache.ts';
import { clusterEvents } from './framework/plugin.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface ClusterFeedOptions {
  readonly informers: InformerFactory;
  readonly cache: ClusterCache;
  readonly volumes: VolumeCache;
  readonly queue: SchedulingQueue;
  readonly schedulerName: string;
  /** Called after every change of the queue or the cluster. */
  readonly wake: () => void;
}

/** Carries what informers see into cache and queue. Returns a function that ends it. */
export function feedCluster(options: ClusterFeedOptions): { readonly synced: Promise<unknown>; readonly stop: () => void } {
  const pods = options.informers.informer<Pod>(resources.pods);
  const nodes = options.informers.informer<Node>(resources.nodes);
  const namespaces = options.informers.informer<Namespace>(resources.namespaces);
  const setNamespace = (namespace: Namespace) =>
    options.cache.columns.setNamespace(namespace.metadata.name ?? '', namespace.metadata.labels ?? {});
  options.cache.columns.volumes = options.volumes;
  const off = [
    options.volumes.onChange(() => {
      options.queue.notify(clusterEvents.storage, 'StorageChange');
      options.wake();
    }),
    namespaces.addHandlers({
      onAdd: setNamespace,
      onUpdate: (namespace, previous) => {
        if (JSON.stringify(namespace.metadata.labels) !== JSON.stringify(previous.metadata.labels)) setNamespace(namespace);
      },
      onDelete: (namespace) => options.cache.columns.setNamespace(namespace.metadata.name ?? '', undefined),
    }),
    nodes.addHandlers({
      onAdd: (node) => setNode(options, node, undefined),
      onUpdate: (node, previous) => setNode(options, node, previous),
      onDelete: (node) => {
        options.cache.removeNode(node.metadata.name ?? '');
        options.wake();
      },
    }),
    pods.addHandlers({
      onAdd: (pod) => setPod(options, pod, undefined),
      onUpdate: (pod, previous) => {
        // Deleted and made again under the same name between two events.
        if (previous.metadata.uid !== pod.metadata.uid) removePod(options, previous);
        setPod(options, pod, previous);
      },
      onDelete: (pod) => removePod(options, pod),
    }),
  ];
  return {
    synced: Promise.all([pods.synced, nodes.synced, namespaces.synced, options.volumes.synced]),
    stop: () => off.forEach((remove) => remove()),
  };
}

function setNode({ cache, queue, wake }: ClusterFeedOptions, node: Node, previous: Node | undefined): void {
  const isNew = cache.columns.rowOf(node.metadata.name ?? '') === undefined;
  if (!cache.setNode(node)) return;
  const differs = (part: (of: Node) => unknown) => previous === undefined || JSON.stringify(part(previous)) !== JSON.stringify(part(node));
  if (isNew) queue.notify(clusterEvents.nodeAdd, 'NodeAdd');
  else {
    if (differs((of) => of.status?.allocatable)) queue.notify(clusterEvents.nodeAllocatable, 'NodeAllocatableChange');
    if (differs((of) => of.metadata.labels)) queue.notify(clusterEvents.nodeLabel, 'NodeLabelChange');
    if (differs((of) => [of.spec?.taints, of.spec?.unschedulable])) queue.notify(clusterEvents.nodeTaint, 'NodeTaintChange');
  }
  wake();
}

function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function setPod(options: ClusterFeedOptions, pod: Pod, previous: Pod | undefined): void {
  const { cache, queue, wake } = options;
  const uid = pod.metadata.uid ?? '';
  if (isTerminal(pod)) {
    removePod(options, pod);
    return;
  }
  if (pod.spec?.nodeName) {
    queue.remove(uid);
    const wasBound = Boolean(previous?.spec?.nodeName);
    cache.setPod(pod);
    if (!wasBound) queue.notify(clusterEvents.assignedPodAdd, 'AssignedPodAdd');
    else if (previous !== undefined && cache.shapeOf(previous) !== cache.shapeOf(pod))
      queue.notify(clusterEvents.assignedPodUpdate, 'AssignedPodUpdate');
    wake();
    return;
  }
  if ((pod.spec?.schedulerName ?? 'default-scheduler') !== options.schedulerName) return;
  // Bound just now, and this is older news. While binding is under way, the newer version is noted for another try.
  if (cache.isAssumed(uid) && queue.get(uid) === undefined) return;
  if (pod.metadata.deletionTimestamp !== undefined) {
    queue.remove(uid);
    return;
  }
  const gatesOf = (of: Pod) => (of.spec?.schedulingGates ?? []).length;
  const changed = previous === undefined || gatesOf(previous) !== gatesOf(pod) || cache.shapeOf(previous) !== cache.shapeOf(pod);
  queue.add(pod, changed);
  wake();
}

function removePod({ cache, queue, wake }: ClusterFeedOptions, pod: Pod): void {
  const uid = pod.metadata.uid ?? '';
  queue.remove(uid);
  if (!cache.removePod(uid)) return;
  queue.notify(clusterEvents.assignedPodDelete, 'AssignedPodDelete');
  wake();
}
