import type { ResourceInfo } from '@bayplan/api';

export const metricsGroup = 'metrics.k8s.io';
export const metricsVersion = 'v1beta1';

const shared = { group: metricsGroup, version: metricsVersion, verbs: ['get', 'list'], shortNames: [], categories: [], subresources: [] };

/** What is served of the metrics API. Nothing of it is stored. */
export const metricsResources: readonly ResourceInfo[] = [
  { ...shared, resource: 'nodes', kind: 'NodeMetrics', namespaced: false, singular: '' },
  { ...shared, resource: 'pods', kind: 'PodMetrics', namespaced: true, singular: '' },
];
