import type { CoreV1Event, Job, KubeObject, Node, ReplicaSet, ResourceSlice, Service } from '@bayplan/api';

/** The fields that field selectors may name, resource by resource, as strings; `''` when unset. */

export function nodeFields(object: KubeObject): Record<string, string> {
  const node = object as Node;
  return { 'spec.unschedulable': String(node.spec?.unschedulable ?? false) };
}

export function serviceFields(object: KubeObject): Record<string, string> {
  const { spec } = object as Service;
  return { 'spec.clusterIP': spec?.clusterIP ?? '', 'spec.type': spec?.type ?? '' };
}

export function replicaFields(object: KubeObject): Record<string, string> {
  return { 'status.replicas': String((object as ReplicaSet).status?.replicas ?? 0) };
}

export function jobFields(object: KubeObject): Record<string, string> {
  return { 'status.successful': String((object as Job).status?.succeeded ?? 0) };
}

export function resourceSliceFields(object: KubeObject): Record<string, string> {
  const { spec } = object as Partial<ResourceSlice>;
  return { 'spec.nodeName': spec?.nodeName ?? '', 'spec.driver': spec?.driver ?? '' };
}

export function eventFields(object: KubeObject): Record<string, string> {
  const event = object as Partial<CoreV1Event>;
  const involved = event.involvedObject;
  return {
    'involvedObject.kind': involved?.kind ?? '',
    'involvedObject.namespace': involved?.namespace ?? '',
    'involvedObject.name': involved?.name ?? '',
    'involvedObject.uid': involved?.uid ?? '',
    'involvedObject.apiVersion': involved?.apiVersion ?? '',
    'involvedObject.resourceVersion': involved?.resourceVersion ?? '',
    'involvedObject.fieldPath': involved?.fieldPath ?? '',
    reason: event.reason ?? '',
    reportingComponent: event.reportingComponent ?? '',
    source: event.source?.component ?? event.reportingComponent ?? '',
    type: event.type ?? '',
  };
}
