import { Counter, Gauge, Histogram } from '@bayplan/component-base';
import type { MetricsRegistry } from '@bayplan/component-base';

/** Everything that the node agent measures, under the names that dashboards for Kubernetes know. */
export interface NodeAgentMetrics {
  readonly nodeName: Gauge<'node'>;
  readonly runningPods: Gauge;
  readonly runningContainers: Gauge<'container_state'>;
  readonly podStartSeconds: Histogram;
  readonly podWorkerSeconds: Histogram<'operation_type'>;
  readonly relistSeconds: Histogram;
  readonly relistIntervalSeconds: Histogram;
  readonly runtimeOperations: Counter<'operation_type'>;
  readonly runtimeOperationErrors: Counter<'operation_type'>;
  readonly runtimeOperationSeconds: Histogram<'operation_type'>;
  readonly cgroupSeconds: Histogram<'operation_type'>;
  readonly storageSeconds: Histogram<'operation_name' | 'volume_plugin'>;
  readonly storageErrors: Counter<'operation_name' | 'volume_plugin'>;
  readonly nodeConfigError: Gauge;
  readonly podStatusPatches: Counter;
}

export function createNodeAgentMetrics(registry: MetricsRegistry): NodeAgentMetrics {
  const registers = [registry];
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const startBuckets = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900];
  return {
    nodeName: new Gauge({
      name: 'kubelet_node_name',
      help: 'The name of this node, as a label of the constant 1',
      labelNames: ['node'],
      registers,
    }),
    runningPods: new Gauge({ name: 'kubelet_running_pods', help: 'Pods that have a running sandbox', registers }),
    runningContainers: new Gauge({
      name: 'kubelet_running_containers',
      help: 'Containers by state',
      labelNames: ['container_state'],
      registers,
    }),
    podStartSeconds: new Histogram({
      name: 'kubelet_pod_start_duration_seconds',
      help: 'From seeing a pod to all its containers having started',
      buckets: startBuckets,
      registers,
    }),
    podWorkerSeconds: new Histogram({
      name: 'kubelet_pod_worker_duration_seconds',
      help: 'Duration of one synchronisation of a pod',
      labelNames: ['operation_type'],
      buckets,
      registers,
    }),
    relistSeconds: new Histogram({
      name: 'kubelet_pleg_relist_duration_seconds',
      help: 'Duration of listing all pods of the runtime',
      buckets,
      registers,
    }),
    relistIntervalSeconds: new Histogram({
      name: 'kubelet_pleg_relist_interval_seconds',
      help: 'Time between such lists',
      buckets: [1, 10, 30, 60, 90, 120, 300],
      registers,
    }),
    runtimeOperations: new Counter({
      name: 'kubelet_runtime_operations_total',
      help: 'Calls of the container runtime',
      labelNames: ['operation_type'],
      registers,
    }),
    runtimeOperationErrors: new Counter({
      name: 'kubelet_runtime_operations_errors_total',
      help: 'Failed calls of the container runtime',
      labelNames: ['operation_type'],
      registers,
    }),
    runtimeOperationSeconds: new Histogram({
      name: 'kubelet_runtime_operations_duration_seconds',
      help: 'Duration of calls of the container runtime',
      labelNames: ['operation_type'],
      buckets,
      registers,
    }),
    cgroupSeconds: new Histogram({
      name: 'kubelet_cgroup_manager_duration_seconds',
      help: 'Duration of cgroup operations',
      labelNames: ['operation_type'],
      buckets,
      registers,
    }),
    storageSeconds: new Histogram({
      name: 'storage_operation_duration_seconds',
      help: 'Duration of setting volumes up and tearing them down',
      labelNames: ['operation_name', 'volume_plugin'],
      buckets,
      registers,
    }),
    storageErrors: new Counter({
      name: 'storage_operation_errors_total',
      help: 'Failed set-ups and tear-downs of volumes',
      labelNames: ['operation_name', 'volume_plugin'],
      registers,
    }),
    nodeConfigError: new Gauge({
      name: 'kubelet_node_config_error',
      help: '1 when the configuration of this node has an error',
      registers,
    }),
    podStatusPatches: new Counter({
      name: 'bayplan_node_pod_status_patches_total',
      help: 'Writes of pod statuses to the API server',
      registers,
    }),
  };
}
