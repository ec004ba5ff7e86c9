import { resources } from '@bayplan/api';
import type { ReplicaSet, ReplicationController } from '@bayplan/api';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { runReplicaController } from './replica-controller.ts';

/** Runs ReplicaSets. */
export function runReplicaSetController(context: ControllerContext): Promise<void> {
  const view = (replicaSet: ReplicaSet): ReplicaSet => replicaSet;
  return runReplicaController(context, { ref: resources.replicaSets, queue: 'replicaset', view, countsTerminating: true });
}

/** Runs ReplicationControllers: ReplicaSets of an older kind, whose selector is a map of labels. */
export function runReplicationController(context: ControllerContext): Promise<void> {
  const view = (object: ReplicationController): ReplicaSet => {
    const matchLabels = object.spec?.selector ?? object.spec?.template?.metadata?.labels ?? {};
    return { ...object, spec: { ...object.spec, selector: { matchLabels } } };
  };
  return runReplicaController(context, {
    ref: resources.replicationControllers,
    queue: 'replicationmanager',
    view,
    countsTerminating: false,
  });
}
