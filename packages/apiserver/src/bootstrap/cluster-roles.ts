import type { PolicyRule } from '@bayplan/api';
import { nodeRules } from '../authorization/node-rules.ts';
import { controllerRoles } from './controller-roles.ts';
import { controllerManagerRules, schedulerRules } from './component-roles.ts';
import { paths, read, readWrite, recordEvents, rule, write } from './rules.ts';

export interface BootstrapRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Label of the roles whose rules make up this one. */
  readonly aggregates?: string;
}

const aggregate = (to: string): string => `rbac.authorization.k8s.io/aggregate-to-${to}`;

const viewResources: readonly PolicyRule[] = [
  rule(
    read,
    '',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    read,
    '',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(read, '', 'namespaces'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(
    read,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];

const editResources: readonly PolicyRule[] = [
  rule(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule(['impersonate'], '', 'serviceaccounts'),
  rule(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule(['create'], '', 'pods/eviction'),
  rule(
    write,
    '',
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule(['create'], '', 'serviceaccounts/token'),
  rule(
    write,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(readWrite, 'coordination.k8s.io', 'leases'),
  rule(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
];

const adminResources: readonly PolicyRule[] = [
  rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule(readWrite, 'rbac.authorization.k8s.io', 'rolebindings roles'),
];

/** What may be read about a server by anybody who may know that it is there. */
const publicPaths = '/healthz /livez /readyz /version /version/';

/** Every ClusterRole that a cluster begins with. */
export const clusterRoles: readonly BootstrapRole[] = [
  { name: 'cluster-admin', rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, paths(['*'], '*')] },
  { name: 'admin', rules: [], aggregates: aggregate('admin') },
  { name: 'edit', rules: [], aggregates: aggregate('edit'), labels: { [aggregate('admin')]: 'true' } },
  { name: 'view', rules: [], aggregates: aggregate('view'), labels: { [aggregate('edit')]: 'true' } },
  { name: 'system:aggregate-to-admin', rules: adminResources, labels: { [aggregate('admin')]: 'true' } },
  { name: 'system:aggregate-to-edit', rules: editResources, labels: { [aggregate('edit')]: 'true' } },
  { name: 'system:aggregate-to-view', rules: viewResources, labels: { [aggregate('view')]: 'true' } },
  {
    name: 'system:aggregated-metrics-reader',
    rules: [rule(read, 'metrics.k8s.io', 'pods nodes')],
    labels: { [aggregate('admin')]: 'true', [aggregate('edit')]: 'true', [aggregate('view')]: 'true' },
  },
  { name: 'system:discovery', rules: [paths(['get'], `${publicPaths} /api /api/* /apis /apis/* /openapi /openapi/*`)] },
  {
    name: 'system:monitoring',
    rules: [paths(['get'], '/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz')],
  },
  { name: 'system:public-info-viewer', rules: [paths(['get'], publicPaths)] },
  {
    name: 'system:basic-user',
    rules: [
      rule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [paths(['get'], '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/')],
  },
  {
    name: 'system:auth-delegator',
    rules: [rule(['create'], 'authentication.k8s.io', 'tokenreviews'), rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews')],
  },
  { name: 'system:heapster', rules: [rule(read, '', 'events namespaces nodes pods'), rule(read, 'apps', 'deployments')] },
  { name: 'system:kube-aggregator', rules: [rule(read, '', 'endpoints services')] },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule(read, '', 'nodes'),
      rule(['proxy'], '', 'nodes'),
      rule(['*'], '', 'nodes/log nodes/metrics nodes/proxy nodes/stats nodes/configz nodes/healthz nodes/pods'),
    ],
  },
  { name: 'system:node', rules: nodeRules },
  { name: 'system:node-bootstrapper', rules: [rule(['create', ...read], 'certificates.k8s.io', 'certificatesigningrequests')] },
  { name: 'system:node-problem-detector', rules: [rule(['get'], '', 'nodes'), rule(['patch'], '', 'nodes/status'), ...recordEvents] },
  {
    name: 'system:node-proxier',
    rules: [
      rule(['list', 'watch'], '', 'endpoints services'),
      rule(read, '', 'nodes'),
      ...recordEvents,
      rule(['list', 'watch'], 'discovery.k8s.io', 'endpointslices'),
      rule(['list', 'watch'], 'networking.k8s.io', 'servicecidrs'),
    ],
  },
  {
    // The network component runs with the identity of its node: Services, DNS and policies need these.
    name: 'system:bayplan:node-network',
    rules: [
      rule(read, '', 'namespaces nodes pods services'),
      rule(read, 'discovery.k8s.io', 'endpointslices'),
      rule(read, 'networking.k8s.io', 'networkpolicies'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      rule([...read, 'create', 'delete'], '', 'persistentvolumes'),
      rule([...read, 'update'], '', 'persistentvolumeclaims'),
      rule(read, 'storage.k8s.io', 'storageclasses'),
      ...recordEvents,
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      rule(['get', 'list', 'patch', 'update', 'watch'], '', 'persistentvolumes persistentvolumeclaims'),
      rule(read, 'storage.k8s.io', 'storageclasses'),
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: [rule(['create'], 'certificates.k8s.io', 'certificatesigningrequests/nodeclient')],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: [rule(['create'], 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient')],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-approver',
    rules: [rule(['approve'], 'certificates.k8s.io', 'signers', ['kubernetes.io/kube-apiserver-client'])],
  },
  {
    name: 'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver',
    rules: [rule(['approve'], 'certificates.k8s.io', 'signers', ['kubernetes.io/kube-apiserver-client-kubelet'])],
  },
  {
    name: 'system:certificates.k8s.io:kubelet-serving-approver',
    rules: [rule(['approve'], 'certificates.k8s.io', 'signers', ['kubernetes.io/kubelet-serving'])],
  },
  {
    name: 'system:certificates.k8s.io:legacy-unknown-approver',
    rules: [rule(['approve'], 'certificates.k8s.io', 'signers', ['kubernetes.io/legacy-unknown'])],
  },
  { name: 'system:kube-dns', rules: [rule(['list', 'watch'], '', 'endpoints services')] },
  { name: 'system:kube-scheduler', rules: schedulerRules },
  { name: 'system:kube-controller-manager', rules: controllerManagerRules },
  ...Object.entries(controllerRoles).map(([name, rules]) => ({ name: `system:controller:${name}`, rules })),
];

export type BootstrapSubject =
  | { readonly kind: 'User' | 'Group'; readonly name: string }
  | { readonly kind: 'ServiceAccount'; readonly name: string; readonly namespace: string };

export interface BootstrapBinding {
  readonly name: string;
  readonly role: string;
  readonly subjects: readonly BootstrapSubject[];
}

const group = (name: string) => ({ kind: 'Group', name }) as const;
const user = (name: string) => ({ kind: 'User', name }) as const;
const account = (name: string) => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' }) as const;

/** Every ClusterRoleBinding that a cluster begins with. */
export const clusterRoleBindings: readonly BootstrapBinding[] = [
  { name: 'cluster-admin', role: 'cluster-admin', subjects: [group('system:masters')] },
  { name: 'system:monitoring', role: 'system:monitoring', subjects: [group('system:monitoring')] },
  { name: 'system:discovery', role: 'system:discovery', subjects: [group('system:authenticated')] },
  { name: 'system:basic-user', role: 'system:basic-user', subjects: [group('system:authenticated')] },
  {
    name: 'system:public-info-viewer',
    role: 'system:public-info-viewer',
    subjects: [group('system:authenticated'), group('system:unauthenticated')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    role: 'system:service-account-issuer-discovery',
    subjects: [group('system:serviceaccounts')],
  },
  { name: 'system:node-proxier', role: 'system:node-proxier', subjects: [user('system:kube-proxy'), group('system:nodes')] },
  { name: 'system:bayplan:node-network', role: 'system:bayplan:node-network', subjects: [group('system:nodes')] },
  { name: 'system:node-bootstrapper', role: 'system:node-bootstrapper', subjects: [group('system:bootstrappers')] },
  {
    name: 'system:bayplan:node-autoapprove-bootstrap',
    role: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    subjects: [group('system:bootstrappers')],
  },
  {
    name: 'system:bayplan:node-autoapprove-renewal',
    role: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    subjects: [group('system:nodes')],
  },
  { name: 'system:kube-scheduler', role: 'system:kube-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:volume-scheduler', role: 'system:volume-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:kube-controller-manager', role: 'system:kube-controller-manager', subjects: [user('system:kube-controller-manager')] },
  { name: 'system:kube-dns', role: 'system:kube-dns', subjects: [account('kube-dns')] },
  // Nodes are authorised one by one; the binding is there for those who want to add subjects.
  { name: 'system:node', role: 'system:node', subjects: [] },
  ...Object.keys(controllerRoles).map((name) => ({
    name: `system:controller:${name}`,
    role: `system:controller:${name}`,
    subjects: [account(name)],
  })),
];
