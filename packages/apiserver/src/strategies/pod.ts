import { qosClassOf } from '@bayplan/api';
import type { KubeObject, Pod, PodCondition } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

const schedulingGated: PodCondition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

/** Pods: their node decides when a deletion is over, unless none runs them. */
export const podStrategy: Strategy = {
  countsGeneration: true,
  indexField: 'spec.nodeName',
  fields: podFields,
  prepareForCreate(object) {
    const pod = object as Pod;
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod) };
    if ((pod.spec?.schedulingGates ?? []).length > 0) pod.status.conditions = [{ ...schedulingGated }];
  },
  prepareForStatusUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    object.metadata.ownerReferences = old.metadata.ownerReferences;
    if (pod.status !== undefined && before.status?.qosClass !== undefined) pod.status.qosClass = before.status.qosClass;
  },
  gracePeriodSeconds(object, asked) {
    const pod = object as Pod;
    if (!pod.spec?.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
    const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
};

function podFields(object: KubeObject): Record<string, string> {
  const { spec, status } = object as Pod;
  return {
    'spec.nodeName': spec?.nodeName ?? '',
    'spec.restartPolicy': spec?.restartPolicy ?? '',
    'spec.schedulerName': spec?.schedulerName ?? '',
    'spec.serviceAccountName': spec?.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec?.hostNetwork ?? false),
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIP ?? '',
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  };
}
