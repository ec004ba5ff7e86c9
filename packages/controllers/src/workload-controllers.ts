import { runAutoscalerController } from './autoscaler/autoscaler-controller.ts';
import { runCronJobController } from './cronjob/cronjob-controller.ts';
import { runDaemonSetController } from './daemonset/daemonset-controller.ts';
import { runDeploymentController } from './deployment/deployment-controller.ts';
import { runDisruptionController } from './disruption/disruption-controller.ts';
import { runJobController } from './job/job-controller.ts';
import { runReplicationController, runReplicaSetController } from './replicaset/replica-kinds.ts';
import type { Controller } from './runtime/controller-context.ts';
import { runStatefulSetController } from './statefulset/statefulset-controller.ts';
import { runTtlAfterFinishedController } from './ttl-after-finished/ttl-after-finished-controller.ts';

/** The controllers of what runs pods: their name in logs, the component that their events name, and how they run. */
export const workloadControllers: readonly (readonly [name: string, component: string, run: Controller])[] = [
  ['deployment', 'deployment-controller', runDeploymentController],
  ['replicaset', 'replicaset-controller', runReplicaSetController],
  ['replicationcontroller', 'replication-controller', runReplicationController],
  ['daemonset', 'daemonset-controller', runDaemonSetController],
  ['statefulset', 'statefulset-controller', runStatefulSetController],
  ['job', 'job-controller', runJobController],
  ['cronjob', 'cronjob-controller', runCronJobController],
  ['ttl-after-finished', 'ttl-after-finished-controller', runTtlAfterFinishedController],
  ['disruption', 'controllermanager', runDisruptionController],
  ['horizontal-pod-autoscaling', 'horizontal-pod-autoscaler', runAutoscalerController],
];
