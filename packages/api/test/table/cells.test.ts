import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/index.ts';
import { tableFor } from '../../src/index.ts';

const now = Date.parse('2026-01-02T03:00:00Z');

function row(key: string, object: object): Record<string, unknown> {
  const [group = '', kind = ''] = key.split('/');
  const printer = tableFor({ group, kind });
  const cells = printer.cells({ metadata: { name: 'x', creationTimestamp: '2026-01-02T01:00:00Z' }, ...object } as KubeObject, now);
  return Object.fromEntries(printer.columns.map((column, at) => [column.name, cells[at]]));
}

const addresses = (...ips: string[]): object[] => ips.map((ip) => ({ ip }));
const rules = (...hosts: string[]): object => ({ spec: { rules: hosts.map((host) => (host === '' ? {} : { host })) } });
const conditions = (...types: string[]): object => ({ spec: {}, status: { conditions: types.map((type) => ({ type, status: 'True' })) } });
const paramRef = (ref: object | undefined): object => ({ spec: { policyName: 'p', paramRef: ref } });
const parent = (group: string, resource: string, namespace: string, name: string): object => ({
  spec: { parentRef: { group, resource, namespace, name } },
});
const hpa = (metric: object, current: object[]): object => ({
  apiVersion: 'autoscaling/v2',
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 4, metrics: [metric] },
  status: { currentMetrics: current },
});
const resource = (target: object): object => ({ type: 'Resource', resource: { name: 'cpu', target } });
const job = (spec: object, status: object = {}, metadata: object = {}): object => ({
  metadata: { name: 'x', ...metadata },
  spec: { template: {}, ...spec },
  status,
});
const claim = (status: object, metadata: object = {}): object => ({ metadata: { name: 'x', ...metadata }, spec: {}, status });
const pod = (status: object, spec: object = {}, metadata: object = {}): object => ({
  metadata: { name: 'x', ...metadata },
  spec: { containers: [{ name: 'c' }], ...spec },
  status,
});
const inits = { initContainers: [{ name: 'i' }, { name: 'j' }] };
const state = (name: string, value: object): object => ({ name, ready: false, restartCount: 0, state: value });
const waiting = (name: string, reason: string): object => state(name, { waiting: { reason } });
const terminated = (name: string, exitCode: number, reason?: string): object => state(name, { terminated: { exitCode, reason } });
const gone = { deletionTimestamp: '2026-01-02T02:00:00Z' };

describe('cells', () => {
  const cases: readonly [string, string, object, string, unknown][] = [
    [
      'every address of the first port comes first',
      '/Endpoints',
      { subsets: [{ addresses: addresses('10.0.0.1', '10.0.0.2'), ports: [{ port: 80 }, { port: 443 }] }] },
      'Endpoints',
      '10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...',
    ],
    [
      'IPv6 is in brackets with a port',
      '/Endpoints',
      { subsets: [{ addresses: addresses('fd00::1'), ports: [{ port: 80 }] }] },
      'Endpoints',
      '[fd00::1]:80',
    ],
    ['no port, no brackets', '/Endpoints', { subsets: [{ addresses: addresses('fd00::1') }] }, 'Endpoints', 'fd00::1'],
    ['no subsets', '/Endpoints', {}, 'Endpoints', '<none>'],
    ['nothing ready', '/Endpoints', { subsets: [{ notReadyAddresses: addresses('10.0.0.1'), ports: [{ port: 80 }] }] }, 'Endpoints', ''],
    ['a port known by name', 'discovery.k8s.io/EndpointSlice', { ports: [{ name: 'web' }, { port: 80 }] }, 'Ports', 'web,80'],
    ['a port without anything', 'discovery.k8s.io/EndpointSlice', { ports: [{}] }, 'Ports', '*'],
    ['only the port that stands for all, defaulted', 'discovery.k8s.io/EndpointSlice', { ports: [{ name: '' }] }, 'Ports', '<unset>'],
    ['no endpoints', 'discovery.k8s.io/EndpointSlice', { endpoints: [] }, 'Endpoints', '<unset>'],
    ['hosts skip rules without one', 'networking.k8s.io/Ingress', rules('', 'a', 'b', 'c'), 'Hosts', 'a,b,c'],
    ['rules after three hosts', 'networking.k8s.io/Ingress', rules('a', 'b', 'c', 'd', ''), 'Hosts', 'a,b,c + 2 more...'],
    ['no hosts', 'networking.k8s.io/Ingress', rules(''), 'Hosts', '*'],
    [
      'the old annotation is no class',
      'networking.k8s.io/Ingress',
      { metadata: { name: 'x', annotations: { 'kubernetes.io/ingress.class': 'n' } } },
      'Class',
      '<none>',
    ],
    ['TLS', 'networking.k8s.io/Ingress', { spec: { tls: [{}] } }, 'Ports', '80, 443'],
    [
      'class parameters',
      'networking.k8s.io/IngressClass',
      { spec: { parameters: { apiGroup: 'g.io', kind: 'P', name: 'n' } } },
      'Parameters',
      'P.g.io/n',
    ],
    [
      'the parent in the core group',
      'networking.k8s.io/IPAddress',
      parent('', 'services', 'default', 'web'),
      'ParentRef',
      'services/default/web',
    ],
    ['the parent in another group', 'networking.k8s.io/IPAddress', parent('G.io', 'Gateways', '', 'web'), 'ParentRef', 'gateways.g.io/web'],
    ['no parent', 'networking.k8s.io/IPAddress', { spec: {} }, 'ParentRef', '<none>'],
    ['two ranges', 'networking.k8s.io/ServiceCIDR', { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } }, 'CIDRs', '10.0.0.0/24,fd00::/112'],
    [
      'balancer addresses and external ones',
      '/Service',
      {
        spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
        status: { loadBalancer: { ingress: [{ hostname: 'b' }, { ip: '1.1.1.1' }] } },
      },
      'External-IP',
      '1.1.1.1,b,9.9.9.9',
    ],
    ['an external name', '/Service', { spec: { type: 'ExternalName', externalName: 'e.io' } }, 'External-IP', 'e.io'],
    ['a headless service', '/Service', { spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] } }, 'Cluster-IP', 'None'],
    [
      'the old source of a new event',
      'events.k8s.io/Event',
      { deprecatedSource: { component: 'k', host: 'n' }, reportingController: 'c' },
      'Source',
      'k, n',
    ],
    ['the controller of a new event', 'events.k8s.io/Event', { reportingController: 'c', reportingInstance: 'c-0' }, 'Source', 'c, c-0'],
    ['an empty source', '/Event', { involvedObject: {}, source: { component: '' }, reportingComponent: 'c' }, 'Source', 'c'],
    ['the count of a series', '/Event', { involvedObject: {}, count: 2, series: { count: 7 } }, 'Count', 7],
    ['denied wins over approved', 'certificates.k8s.io/CertificateSigningRequest', conditions('Approved', 'Denied'), 'Condition', 'Denied'],
    ['a failure before approval', 'certificates.k8s.io/CertificateSigningRequest', conditions('Failed'), 'Condition', 'Pending,Failed'],
    [
      'approved, then failed',
      'certificates.k8s.io/CertificateSigningRequest',
      conditions('Failed', 'Approved'),
      'Condition',
      'Approved,Failed',
    ],
    [
      'issued',
      'certificates.k8s.io/CertificateSigningRequest',
      { ...conditions('Approved'), status: { certificate: 'Yg==', conditions: [{ type: 'Approved', status: 'True' }] } },
      'Condition',
      'Approved,Issued',
    ],
    [
      'a requested duration',
      'certificates.k8s.io/CertificateSigningRequest',
      { spec: { expirationSeconds: 86_400 } },
      'RequestedDuration',
      '24h',
    ],
    ['an unknown health', '/ComponentStatus', { conditions: [{ type: 'Healthy', status: 'Unknown' }] }, 'Status', 'Unhealthy'],
    ['no health', '/ComponentStatus', {}, 'Status', 'Unknown'],
    ['a volume without a capacity', '/PersistentVolume', { spec: {} }, 'Capacity', '0'],
    [
      'a volume being deleted',
      '/PersistentVolume',
      { metadata: { name: 'x', ...gone }, status: { phase: 'Bound' } },
      'Status',
      'Terminating',
    ],
    [
      'modes in their order',
      '/PersistentVolume',
      { spec: { accessModes: ['ReadWriteOncePod', 'ReadWriteMany', 'ReadWriteOnce'] } },
      'Access Modes',
      'RWO,RWX,RWOP',
    ],
    ['a bound claim without a capacity', '/PersistentVolumeClaim', { spec: { volumeName: 'v' } }, 'Capacity', '0'],
    ['an unbound claim', '/PersistentVolumeClaim', { spec: {}, status: { capacity: { storage: '1Gi' } } }, 'Capacity', ''],
    ['a claim without an attributes class', '/PersistentVolumeClaim', { spec: {} }, 'VolumeAttributesClass', '<unset>'],
    ['a storage capacity without an amount', 'storage.k8s.io/CSIStorageCapacity', { storageClassName: 's' }, 'Capacity', '<unset>'],
    [
      'the default class',
      'storage.k8s.io/StorageClass',
      { metadata: { name: 'x', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
      'Name',
      'x (default)',
    ],
    [
      'parameters by name, any namespace',
      'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
      paramRef({ name: 'n' }),
      'ParamRef',
      '*/n',
    ],
    [
      'parameters by name',
      'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
      paramRef({ name: 'n', namespace: 's' }),
      'ParamRef',
      's/n',
    ],
    [
      'parameters by selector',
      'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
      paramRef({ selector: { matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] } }),
      'ParamRef',
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
    ],
    ['parameters that say nothing', 'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding', paramRef({}), 'ParamRef', '<unset>'],
    ['no parameters', 'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding', paramRef(undefined), 'ParamRef', '<unset>'],
    [
      'an exempt level',
      'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
      { spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 5 } } },
      'NominalConcurrencyShares',
      '<none>',
    ],
    [
      'a limited level',
      'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
      { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { queuing: { queues: 64 } } } } },
      'Queues',
      64,
    ],
    [
      'a schema before its level was looked up',
      'flowcontrol.apiserver.k8s.io/FlowSchema',
      { spec: { priorityLevelConfiguration: { name: 'l' } } },
      'MissingPL',
      '?',
    ],
    [
      'devices of no single node',
      'resource.k8s.io/ResourceSlice',
      { spec: { allNodes: true, driver: 'd', pool: { name: 'p' } } },
      'Node',
      '',
    ],
    ['a pending claim', 'resource.k8s.io/ResourceClaim', claim({}), 'State', 'pending'],
    ['a reserved claim', 'resource.k8s.io/ResourceClaim', claim({ allocation: {}, reservedFor: [{}] }), 'State', 'allocated,reserved'],
    ['a claim being deleted', 'resource.k8s.io/ResourceClaim', claim({ allocation: {} }, gone), 'State', 'deleted,allocated'],
    [
      'quotas of limits',
      '/ResourceQuota',
      { status: { hard: { 'limits.cpu': '2', pods: '4' }, used: { 'limits.cpu': '1' } } },
      'Limit',
      'limits.cpu: 1/2',
    ],
    [
      'quotas of requests',
      '/ResourceQuota',
      { status: { hard: { pods: '4', cpu: '1' }, used: { cpu: '1' } } },
      'Request',
      'cpu: 1/1, pods: 0/4',
    ],
    [
      'a revision and its owner',
      'apps/ControllerRevision',
      { metadata: { name: 'x', ownerReferences: [{ controller: true, apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }] } },
      'Controller',
      'statefulset.apps/web',
    ],
    [
      'a utilization',
      'autoscaling/HorizontalPodAutoscaler',
      hpa(resource({ averageUtilization: 80 }), [{ type: 'Resource', resource: { current: { averageUtilization: 10 } } }]),
      'Targets',
      'cpu: 10%/80%',
    ],
    ['an average', 'autoscaling/HorizontalPodAutoscaler', hpa(resource({ averageValue: '2' }), []), 'Targets', 'cpu: <unknown>/2'],
    [
      'an external average',
      'autoscaling/HorizontalPodAutoscaler',
      hpa({ type: 'External', external: { target: { averageValue: '30' } } }, [
        { type: 'External', external: { current: { averageValue: '5' } } },
      ]),
      'Targets',
      '5/30 (avg)',
    ],
    ['a work queue', 'batch/Job', job({ parallelism: 3 }, { succeeded: 1 }), 'Completions', '1/1 of 3'],
    ['a suspended job', 'batch/Job', job({}, { conditions: [{ type: 'Suspended', status: 'True' }] }), 'Status', 'Suspended'],
    ['a job being deleted', 'batch/Job', job({}, {}, gone), 'Status', 'Terminating'],
    [
      'a job that ended',
      'batch/Job',
      job({}, { startTime: '2026-01-02T01:00:00Z', completionTime: '2026-01-02T01:01:30Z' }),
      'Duration',
      '90s',
    ],
    ['a job that has not begun', 'batch/Job', job({}), 'Duration', ''],
    ['a time zone', 'batch/CronJob', { spec: { timeZone: 'Etc/UTC', jobTemplate: {} } }, 'Timezone', 'Etc/UTC'],
    ['an init container that failed', '/Pod', pod({ initContainerStatuses: [terminated('i', 1, 'Error')] }, inits), 'Status', 'Init:Error'],
    [
      'an init container that loops',
      '/Pod',
      pod({ initContainerStatuses: [terminated('i', 0), waiting('j', 'CrashLoopBackOff')] }, inits),
      'Status',
      'Init:CrashLoopBackOff',
    ],
    [
      'containers wait for init containers',
      '/Pod',
      pod({ phase: 'Pending', containerStatuses: [waiting('c', 'PodInitializing')] }),
      'Status',
      'PodInitializing',
    ],
    [
      'a pod behind a gate',
      '/Pod',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'Status',
      'SchedulingGated',
    ],
    ['a pod being deleted', '/Pod', pod({ phase: 'Running' }, {}, gone), 'Status', 'Terminating'],
    [
      'an ended pod being deleted',
      '/Pod',
      pod({ phase: 'Succeeded', containerStatuses: [terminated('c', 0, 'Completed')] }, {}, gone),
      'Status',
      'Completed',
    ],
    ['a pod of a lost node', '/Pod', pod({ phase: 'Running', reason: 'NodeLost' }, {}, gone), 'Status', 'Unknown'],
    ['an evicted pod', '/Pod', pod({ phase: 'Failed', reason: 'Evicted' }), 'Status', 'Evicted'],
    [
      'gates of readiness',
      '/Pod',
      pod({ conditions: [{ type: 'a', status: 'True' }] }, { readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] }),
      'Readiness Gates',
      '1/2',
    ],
    ['a nominated node', '/Pod', pod({ nominatedNodeName: 'n' }), 'Nominated Node', 'n'],
  ];
  it.each(cases)('%s', (_, key, object, column, cell) => {
    expect(row(key, object)).toHaveProperty([column], cell);
  });
});

describe('columns', () => {
  const cases: readonly [string, string, string][] = [
    ['/Secret', 'Data', 'string'],
    ['/ConfigMap', 'Data', 'string'],
    ['/ServiceAccount', 'Secrets', 'string'],
    ['apps/Deployment', 'Up-to-date', 'string'],
    ['apps/DaemonSet', 'Up-to-date', 'integer'],
    ['autoscaling/HorizontalPodAutoscaler', 'Replicas', 'string'],
    ['storage.k8s.io/StorageClass', 'AllowVolumeExpansion', 'string'],
    ['flowcontrol.apiserver.k8s.io/FlowSchema', 'MatchingPrecedence', 'string'],
  ];
  it.each(cases)('%s: %s is a %s', (key, name, type) => {
    const [group = '', kind = ''] = key.split('/');
    expect(tableFor({ group, kind }).columns.find((column) => column.name === name)?.type).toBe(type);
  });
});
