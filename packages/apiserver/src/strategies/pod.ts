import { qosClassOf } from '@bayplan/api';
import type { KubeObject, Pod } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

/** Pods: their node decides when a deletion is over, unless none runs them. */
export const podStrategy: Strategy = {
  countsGeneration: true,
  indexField: 'spec.nodeName',
  fields: podFields,
  prepareForCreate(object) {
    (object as Pod).status = { phase: 'Pending', qosClass: qosClassOf(object as Pod) };
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
