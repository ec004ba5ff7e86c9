import type { PolicyRule } from '@bayplan/api';
import { paths, read, recordEvents, rule } from './rules.ts';

export const schedulerRules: readonly PolicyRule[] = [
  ...recordEvents,
  rule([...read, 'create', 'update', 'patch'], 'coordination.k8s.io', 'leases'),
  rule(read, '', 'nodes namespaces persistentvolumeclaims persistentvolumes replicationcontrollers services'),
  rule([...read, 'delete', 'patch'], '', 'pods'),
  rule(['create'], '', 'bindings pods/binding'),
  rule(['patch', 'update'], '', 'pods/status'),
  rule(read, 'apps', 'replicasets statefulsets deployments daemonsets'),
  rule(read, 'policy', 'poddisruptionbudgets'),
  rule(read, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
  rule(read, 'scheduling.k8s.io', 'priorityclasses'),
  rule([...read, 'update', 'patch'], 'resource.k8s.io', 'resourceclaims resourceclaims/status'),
  rule(read, 'resource.k8s.io', 'deviceclasses resourceslices'),
  rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
];

/**
 * The controllers run under one identity here, so it holds what Kubernetes deals out to one
 * ServiceAccount per controller: reading and collecting everything, writing what they manage.
 */
export const controllerManagerRules: readonly PolicyRule[] = [
  { verbs: ['get', 'list', 'watch', 'delete', 'deletecollection', 'patch', 'update'], apiGroups: ['*'], resources: ['*'] },
  paths(['get'], '/api /api/* /apis /apis/* /openapi/*'),
  ...recordEvents,
  rule(
    ['create'],
    '',
    'configmaps endpoints events namespaces persistentvolumes persistentvolumeclaims pods replicationcontrollers secrets serviceaccounts serviceaccounts/token services pods/eviction',
  ),
  rule(['create'], 'apps', 'controllerrevisions replicasets'),
  rule(['create'], 'batch', 'jobs'),
  rule(['create'], 'discovery.k8s.io', 'endpointslices'),
  rule(['create'], 'coordination.k8s.io', 'leases'),
  rule(['create'], 'networking.k8s.io', 'servicecidrs ipaddresses'),
  rule(['create'], 'resource.k8s.io', 'resourceclaims'),
  rule(['create'], 'storage.k8s.io', 'volumeattachments'),
  rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
  rule(['approve', 'sign'], 'certificates.k8s.io', 'signers'),
  rule(['use'], '*', '*'),
  // Aggregated roles are filled in by a controller, which may hand on what it does not hold.
  rule(['escalate', 'bind'], 'rbac.authorization.k8s.io', 'clusterroles roles'),
];
