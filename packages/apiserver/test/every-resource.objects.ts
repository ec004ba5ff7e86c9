/** A small valid object of every resource of group versions that are stable, by `GROUP/VERSION/RESOURCE`, without metadata. */

const pod = { containers: [{ name: 'c', image: 'registry.example/i:1' }] };
const labels = { app: 'a' };
const template = { metadata: { labels }, spec: pod };
const workload = { spec: { selector: { matchLabels: labels }, template } };
const job = { template: { spec: { ...pod, restartPolicy: 'Never' } } };
const event = { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const client = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' };
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/hook' },
  rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const constraints = { resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }] };
const accessModes = ['ReadWriteOnce'];
const storage = '1Gi';

export const smallObjects: Readonly<Record<string, object>> = {
  '/v1/configmaps': { data: { a: 'b' } },
  '/v1/endpoints': { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  '/v1/events': event,
  '/v1/limitranges': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  '/v1/namespaces': {},
  '/v1/nodes': {},
  '/v1/persistentvolumeclaims': { spec: { accessModes, resources: { requests: { storage } } } },
  '/v1/persistentvolumes': { spec: { accessModes, capacity: { storage }, csi: { driver: 'd.example.com', volumeHandle: 'h' } } },
  '/v1/pods': { spec: pod },
  '/v1/podtemplates': { template },
  '/v1/replicationcontrollers': { spec: { selector: labels, template } },
  '/v1/resourcequotas': { spec: { hard: { pods: '10' } } },
  '/v1/secrets': { data: { a: 'Yg==' } },
  '/v1/serviceaccounts': {},
  '/v1/services': { spec: { ports: [{ port: 80 }], selector: labels } },
  'admissionregistration.k8s.io/v1/mutatingadmissionpolicies': {
    spec: {
      matchConstraints: constraints,
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{}}' } }],
      reinvocationPolicy: 'Never',
    },
  },
  'admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings': { spec: { policyName: 'p' } },
  'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': { webhooks: [webhook] },
  'admissionregistration.k8s.io/v1/validatingadmissionpolicies': {
    spec: { matchConstraints: constraints, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings': { spec: { policyName: 'p', validationActions: ['Deny'] } },
  'admissionregistration.k8s.io/v1/validatingwebhookconfigurations': { webhooks: [webhook] },
  'apiextensions.k8s.io/v1/customresourcedefinitions': {
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  'apiregistration.k8s.io/v1/apiservices': {
    spec: {
      group: 'other.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: 'default', name: 's' },
      insecureSkipTLSVerify: true,
    },
  },
  'apps/v1/controllerrevisions': { data: {}, revision: 1 },
  'apps/v1/daemonsets': workload,
  'apps/v1/deployments': workload,
  'apps/v1/replicasets': workload,
  'apps/v1/statefulsets': { spec: { ...workload.spec, serviceName: 's' } },
  'autoscaling/v1/horizontalpodautoscalers': { spec: { scaleTargetRef, maxReplicas: 3 } },
  'autoscaling/v2/horizontalpodautoscalers': { spec: { scaleTargetRef, maxReplicas: 3 } },
  'batch/v1/cronjobs': { spec: { schedule: '0 * * * *', jobTemplate: { spec: job } } },
  'batch/v1/jobs': { spec: job },
  'coordination.k8s.io/v1/leases': { spec: { holderIdentity: 'a', leaseDurationSeconds: 10 } },
  'discovery.k8s.io/v1/endpointslices': { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] },
  'events.k8s.io/v1/events': {
    eventTime: '2026-01-02T03:04:05.000000Z',
    reportingController: 'c',
    reportingInstance: 'i',
    action: 'Act',
    reason: 'Why',
    type: 'Normal',
    regarding: event.involvedObject,
  },
  'flowcontrol.apiserver.k8s.io/v1/flowschemas': {
    spec: {
      priorityLevelConfiguration: { name: 'catch-all' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'u' } }],
          nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
        },
      ],
    },
  },
  'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations': {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  },
  'networking.k8s.io/v1/ingressclasses': { spec: { controller: 'example.com/c' } },
  'networking.k8s.io/v1/ingresses': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'networking.k8s.io/v1/ipaddresses': { spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } },
  'networking.k8s.io/v1/networkpolicies': { spec: { podSelector: {} } },
  'networking.k8s.io/v1/servicecidrs': { spec: { cidrs: ['10.77.0.0/24'] } },
  'node.k8s.io/v1/runtimeclasses': { handler: 'h' },
  'policy/v1/poddisruptionbudgets': { spec: { minAvailable: 1, selector: { matchLabels: labels } } },
  'rbac.authorization.k8s.io/v1/clusterrolebindings': {
    roleRef: { apiGroup: client.apiGroup, kind: 'ClusterRole', name: 'r' },
    subjects: [client],
  },
  'rbac.authorization.k8s.io/v1/clusterroles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'rbac.authorization.k8s.io/v1/rolebindings': {
    roleRef: { apiGroup: client.apiGroup, kind: 'ClusterRole', name: 'r' },
    subjects: [client],
  },
  'rbac.authorization.k8s.io/v1/roles': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'resource.k8s.io/v1/deviceclasses': { spec: { selectors: [{ cel: { expression: 'true' } }] } },
  'resource.k8s.io/v1/resourceclaims': { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } },
  'resource.k8s.io/v1/resourceclaimtemplates': {
    spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } },
  },
  'resource.k8s.io/v1/resourceslices': {
    spec: { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'd' }] },
  },
  'scheduling.k8s.io/v1/priorityclasses': { value: 5 },
  'storage.k8s.io/v1/csidrivers': { spec: {} },
  'storage.k8s.io/v1/csinodes': { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n' }] } },
  'storage.k8s.io/v1/csistoragecapacities': { storageClassName: 's' },
  'storage.k8s.io/v1/storageclasses': { provisioner: 'p.example.com' },
  'storage.k8s.io/v1/volumeattachments': { spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
  'storage.k8s.io/v1/volumeattributesclasses': { driverName: 'd.example.com', parameters: { a: 'b' } },
};

/** Names that are not free to choose. */
export const fixedNames: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/v1/customresourcedefinitions': 'things.example.com',
  'apiregistration.k8s.io/v1/apiservices': 'v1.other.example.com',
  'networking.k8s.io/v1/ipaddresses': '10.77.0.9',
  'storage.k8s.io/v1/csidrivers': 'd.example.com',
};
