import { describe, expect, it } from 'vitest';
import { applyDefaults, builtinResources, decodeObject, defaultFeatureGates, defaultPullPolicy, schemaFor } from '../../src/index.ts';

function made(group: string, version: string, kind: string, value: object): Record<string, unknown> {
  const descriptor = schemaFor(group, version, kind);
  if (!descriptor) throw new Error(`${kind} is not known`);
  const { object } = decodeObject(descriptor, value, { validation: 'Strict' });
  applyDefaults(group, version, kind, object, defaultFeatureGates);
  return object;
}

describe('defaults', () => {
  it('of a pod', () => {
    const pod = made('', 'v1', 'Pod', {
      metadata: { name: 'a' },
      spec: {
        serviceAccountName: 'sa',
        hostNetwork: true,
        containers: [
          {
            name: 'c',
            image: 'nginx',
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } },
            livenessProbe: { httpGet: { port: 80 } },
            env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          },
        ],
        volumes: [{ name: 'e' }, { name: 'c', configMap: { name: 'x' } }],
      },
    });
    expect(pod).toEqual({
      metadata: { name: 'a' },
      spec: {
        serviceAccountName: 'sa',
        serviceAccount: 'sa',
        hostNetwork: true,
        dnsPolicy: 'ClusterFirst',
        restartPolicy: 'Always',
        schedulerName: 'default-scheduler',
        securityContext: {},
        terminationGracePeriodSeconds: 30,
        enableServiceLinks: true,
        containers: [
          {
            name: 'c',
            image: 'nginx',
            imagePullPolicy: 'Always',
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } },
            livenessProbe: {
              httpGet: { port: 80, path: '/', scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
            env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
          },
        ],
        volumes: [
          { name: 'e', emptyDir: {} },
          { name: 'c', configMap: { name: 'x', defaultMode: 420 } },
        ],
      },
      status: {},
    });
  });

  it('of a pod with limits as a whole: container requests add up, sidecars included', () => {
    const resources = (cpu: string): object => ({ resources: { requests: { cpu } } });
    const pod = made('', 'v1', 'Pod', {
      spec: {
        resources: { limits: { cpu: '2', memory: '1Gi' } },
        initContainers: [
          { name: 's', restartPolicy: 'Always', ...resources('100m') },
          { name: 'i', ...resources('1') },
        ],
        containers: [{ name: 'c', ...resources('200m') }],
      },
    });
    // Peak: init container 1 + sidecar 0.1 = 1.1, more than 0.3 in steady state. Memory: no request, so the limit.
    expect(pod).toMatchObject({ spec: { resources: { requests: { cpu: '1100m', memory: '1Gi' } } } });
  });

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['registry:5000/nginx', 'Always'],
    ['nginx@sha256:0123', 'IfNotPresent'],
    ['nginx:latest@sha256:0123', 'Always'],
    ['', 'IfNotPresent'],
  ])('pulls %s %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });

  it('of a deployment, and no enableServiceLinks in its template', () => {
    const deployment = made('apps', 'v1', 'Deployment', { spec: { selector: {}, template: { spec: { containers: [{ name: 'c' }] } } } });
    expect(deployment).toMatchObject({
      spec: {
        replicas: 1,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        template: { spec: { restartPolicy: 'Always' } },
      },
    });
    expect(deployment).not.toHaveProperty('spec.template.spec.enableServiceLinks');
  });

  it('of services by type', () => {
    expect(made('', 'v1', 'Service', { spec: { ports: [{ port: 80 }] } })).toEqual({
      metadata: {},
      spec: {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      },
      status: { loadBalancer: {} },
    });
    expect(made('', 'v1', 'Service', { spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' } })).toMatchObject({
      spec: {
        externalTrafficPolicy: 'Cluster',
        allocateLoadBalancerNodePorts: true,
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
      },
    });
  });

  it.each([
    [
      'apps',
      'v1',
      'StatefulSet',
      { spec: { volumeClaimTemplates: [{}] } },
      {
        spec: {
          podManagementPolicy: 'OrderedReady',
          updateStrategy: { rollingUpdate: { partition: 0 } },
          volumeClaimTemplates: [{ kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }],
        },
      },
    ],
    [
      'apps',
      'v1',
      'DaemonSet',
      { spec: {} },
      { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } } },
    ],
    [
      'batch',
      'v1',
      'Job',
      { spec: { template: { metadata: { labels: { a: 'b' } } } } },
      { metadata: { labels: { a: 'b' } }, spec: { completions: 1, parallelism: 1, backoffLimit: 6, manualSelector: false } },
    ],
    [
      'batch',
      'v1',
      'CronJob',
      { spec: { schedule: '* * * * *' } },
      { spec: { concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 3 } },
    ],
    [
      '',
      'v1',
      'Namespace',
      { metadata: { name: 'n' } },
      { metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } }, status: { phase: 'Active' } },
    ],
    [
      '',
      'v1',
      'LimitRange',
      { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Gi' } }] } },
      { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Gi' } }] } },
    ],
    [
      '',
      'v1',
      'ReplicationController',
      { spec: { template: { metadata: { labels: { a: 'b' } } } } },
      { spec: { replicas: 1, selector: { a: 'b' } } },
    ],
    [
      'networking.k8s.io',
      'v1',
      'NetworkPolicy',
      { spec: { egress: [{ ports: [{ port: 53 }] }] } },
      { spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] } },
    ],
    [
      'autoscaling',
      'v2',
      'HorizontalPodAutoscaler',
      { spec: { behavior: { scaleUp: {} } } },
      {
        spec: {
          minReplicas: 1,
          metrics: [{ resource: { target: { averageUtilization: 80 } } }],
          behavior: { scaleUp: { stabilizationWindowSeconds: 0 } },
        },
      },
    ],
    [
      'rbac.authorization.k8s.io',
      'v1',
      'RoleBinding',
      { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }] },
      { roleRef: { apiGroup: 'rbac.authorization.k8s.io' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }] },
    ],
    ['storage.k8s.io', 'v1', 'StorageClass', { provisioner: 'p' }, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }],
    [
      'admissionregistration.k8s.io',
      'v1',
      'ValidatingWebhookConfiguration',
      { webhooks: [{ name: 'w', rules: [{}] }] },
      { webhooks: [{ failurePolicy: 'Fail', timeoutSeconds: 10, rules: [{ scope: '*' }] }] },
    ],
    [
      'apiextensions.k8s.io',
      'v1',
      'CustomResourceDefinition',
      { spec: { names: { kind: 'Widget', plural: 'widgets' } } },
      { spec: { names: { singular: 'widget', listKind: 'WidgetList' }, conversion: { strategy: 'None' } } },
    ],
    [
      'resource.k8s.io',
      'v1',
      'ResourceClaim',
      { spec: { devices: { requests: [{ name: 'r', exactly: { tolerations: [{}] } }] } } },
      { spec: { devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ operator: 'Equal' }] } }] } } },
    ],
    [
      '',
      'v1',
      'PersistentVolume',
      { spec: { rbd: { image: 'i', monitors: ['m'] } } },
      { spec: { persistentVolumeReclaimPolicy: 'Retain', rbd: { pool: 'rbd', user: 'admin' } } },
    ],
  ])('of %s/%s %s', (group, version, kind, value, expected) => {
    expect(made(group, version, kind, value)).toMatchObject(expected);
  });

  it('change nothing the second time, and no empty object of any kind makes them fail', () => {
    for (const { group, version, kind } of builtinResources) {
      const once = made(group, version, kind, { metadata: { name: 'a' } });
      const twice = structuredClone(once);
      applyDefaults(group, version, kind, twice, defaultFeatureGates);
      expect(twice).toEqual(once);
    }
  });
});
