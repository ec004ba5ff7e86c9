import { beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/index.ts';
import { fieldErrorText, findResourceOfKind, loadValidation, validateCreate, validateUpdate } from '../../src/index.ts';

function kindOf(group: string, kind: string): NonNullable<ReturnType<typeof findResourceOfKind>> {
  return findResourceOfKind(group, group === 'autoscaling' ? 'v2' : 'v1', kind)!;
}

function object(namespaced: boolean, parts: object): KubeObject {
  return { metadata: { name: 'x', ...(namespaced ? { namespace: 'd' } : {}) }, ...parts } as KubeObject;
}

function faults(group: string, kind: string, parts: object): string[] {
  const ref = kindOf(group, kind);
  return validateCreate(ref, object(ref.namespaced, parts)).map(fieldErrorText);
}

function changes(group: string, kind: string, next: object, old: object): string[] {
  const ref = kindOf(group, kind);
  return validateUpdate(ref, object(ref.namespaced, next), object(ref.namespaced, old)).map(fieldErrorText);
}

beforeAll(() => loadValidation({ group: 'apps', kind: 'StatefulSet' }));

const container = { name: 'a', image: 'i' };
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [container], restartPolicy: 'Always' } };
const selector = { matchLabels: { app: 'x' } };

describe('metadata', () => {
  it.each([
    [{ metadata: { namespace: 'd' } }, 'metadata.name: Required value: name or generateName is required'],
    [{ metadata: { name: 'x' } }, 'metadata.namespace: Required value'],
    [{ metadata: { name: 'x', namespace: 'd', labels: { a: 'b c' } } }, 'metadata.labels: Invalid value: "b c": a valid label must be'],
    [
      { metadata: { name: 'x', namespace: 'd', annotations: { a: 'x'.repeat(262_145) } } },
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [
      { metadata: { name: 'x', namespace: 'd', finalizers: ['odd'] } },
      'metadata.finalizers: Invalid value: "odd": name is neither a standard finalizer name nor is it fully qualified',
    ],
    [
      { metadata: { name: 'x', namespace: 'd', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] } },
      'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
    ],
  ])('of %j: %s', (parts, expected) => {
    expect(faults('', 'ConfigMap', parts).some((fault) => fault.startsWith(expected))).toBe(true);
  });

  it('keeps what identifies an object', () => {
    const meta = { name: 'x', namespace: 'd', uid: '1' };
    expect(changes('', 'ConfigMap', { metadata: { ...meta, uid: '2' } }, { metadata: meta })).toEqual([
      'metadata.uid: Invalid value: "2": field is immutable',
    ]);
    expect(changes('', 'ConfigMap', { metadata: { name: 'x', namespace: 'd' } }, { metadata: meta })).toEqual([]);
  });
});

describe('pods', () => {
  it('accepts a sound one', () => {
    expect(
      faults('', 'Pod', {
        spec: { containers: [{ ...container, ports: [{ containerPort: 80, protocol: 'TCP' }] }], restartPolicy: 'Always' },
      }),
    ).toEqual([]);
  });

  it.each([
    [{}, 'spec.containers: Required value'],
    [{ containers: [{ name: 'a' }] }, 'spec.containers[0].image: Required value'],
    [{ containers: [container, container] }, 'spec.containers[1].name: Duplicate value: "a"'],
    [
      { containers: [{ ...container, ports: [{ containerPort: 70000 }] }] },
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      { containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] },
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [{ containers: [container], volumes: [{ name: 'v' }] }, 'spec.volumes[0]: Required value: must specify a volume type'],
    [
      { containers: [container], volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] },
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ],
    [
      { containers: [{ ...container, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      { containers: [container], restartPolicy: 'Foo' },
      'spec.restartPolicy: Unsupported value: "Foo": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      { containers: [{ ...container, livenessProbe: {} }] },
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
    ],
    [
      { containers: [{ ...container, env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }] },
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      { containers: [container], tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 3 }] },
      'spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set',
    ],
  ])('with %j: %s', (spec, expected) => {
    expect(faults('', 'Pod', { spec })).toContain(expected);
  });

  it('lets an update change images and add tolerations, and nothing else', () => {
    const spec = { containers: [container], tolerations: [{ key: 'a', operator: 'Exists' }] };
    expect(
      changes(
        '',
        'Pod',
        {
          spec: {
            ...spec,
            containers: [{ ...container, image: 'j' }],
            tolerations: [...spec.tolerations, { key: 'b', operator: 'Exists' }],
          },
        },
        { spec },
      ),
    ).toEqual([]);
    expect(changes('', 'Pod', { spec: { ...spec, hostNetwork: true } }, { spec })[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than/,
    );
    expect(changes('', 'Pod', { spec: { ...spec, tolerations: [] } }, { spec })[0]).toMatch(/^spec.tolerations: Forbidden/);
  });
});

describe('users of pod templates', () => {
  it('wants a selector that finds the template', () => {
    expect(faults('apps', 'Deployment', { spec: { selector, template } })).toEqual([]);
    expect(faults('apps', 'Deployment', { spec: { selector: { matchLabels: { app: 'y' } }, template } })).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ]);
    expect(faults('apps', 'Deployment', { spec: { selector: {}, template } })).toContain(
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    );
    expect(faults('apps', 'ReplicaSet', { spec: { template } })).toEqual([
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ]);
  });

  it('keeps the selector', () => {
    const other = { matchLabels: { app: 'x', b: 'c' } };
    const both = { ...template, metadata: { labels: { app: 'x', b: 'c' } } };
    expect(changes('apps', 'DaemonSet', { spec: { selector: other, template: both } }, { spec: { selector, template } })).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"x","b":"c"}}: field is immutable',
    ]);
  });

  it('checks a rollout', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } };
    expect(faults('apps', 'Deployment', { spec: { selector, template, strategy } })).toEqual([
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ]);
  });

  it('refuses most changes of a StatefulSet', () => {
    const spec = { selector, template, serviceName: 's' };
    expect(changes('apps', 'StatefulSet', { spec: { ...spec, replicas: 4 } }, { spec })).toEqual([]);
    expect(changes('apps', 'StatefulSet', { spec: { ...spec, serviceName: 't' } }, { spec })[0]).toMatch(
      /^spec: Forbidden: updates to statefulset spec/,
    );
  });

  it('lets pods of a StatefulSet mount the claims that are made for them', () => {
    const mounting = { ...template, spec: { containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/d' }] }] } };
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    expect(
      faults('apps', 'StatefulSet', { spec: { selector, template: mounting, serviceName: 's', volumeClaimTemplates: [claim] } }),
    ).toEqual([]);
  });

  it('wants pods of a Job to end', () => {
    expect(faults('batch', 'Job', { spec: { selector, template, manualSelector: true } })).toEqual([
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ]);
  });

  it.each([
    ['*/5 * * * *', true],
    ['0 12 * jan-mar mon,wed', true],
    ['@daily', true],
    ['@every 5m', true],
    ['* * * *', false],
    ['60 * * * *', false],
    ['5-1 * * * *', false],
    ['*/0 * * * *', false],
    ['TZ=UTC 1 1 1 1 1', false],
    ['a * * * *', false],
  ])('reads the schedule %j: %s', (schedule, good) => {
    const pods = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
    expect(faults('batch', 'CronJob', { spec: { schedule, jobTemplate: { spec: { template: pods } } } }).length === 0).toBe(good);
  });
});

describe('services', () => {
  const ports = [{ port: 80, protocol: 'TCP' }];
  it.each([
    [{}, 'spec.ports: Required value'],
    [{ ports: [{ port: 80 }, { port: 81, name: 'b' }] }, 'spec.ports[0].name: Required value'],
    [
      { ports, type: 'Odd' },
      'spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      { ports, clusterIP: 'None', clusterIPs: ['None'], type: 'NodePort' },
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
    ],
  ])('with %j: %s', (spec, expected) => {
    expect(faults('', 'Service', { spec })).toContain(expected);
  });

  it('keeps the cluster address', () => {
    const spec = { ports, clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] };
    const other = { ports, clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] };
    expect(changes('', 'Service', { spec: other }, { spec })).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set',
    ]);
    expect(changes('', 'Service', { spec }, { spec })).toEqual([]);
  });
});

describe('other kinds', () => {
  const cases: [string, string, object, string][] = [
    ['', 'ConfigMap', { data: { 'a/b': '' } }, 'data[a/b]: Invalid value: "a/b": a valid config key must consist'],
    ['', 'Secret', { type: 'kubernetes.io/tls' }, 'data[tls.crt]: Required value'],
    ['', 'Node', { spec: { taints: [{ key: 'a', effect: 'Odd' }] } }, 'metadata.taints[0].effect: Unsupported value: "Odd"'],
    ['', 'PersistentVolumeClaim', { spec: {} }, 'spec.accessModes: Required value: at least 1 access mode is required'],
    [
      '',
      'PersistentVolume',
      { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } },
      'spec: Required value: must specify a volume type',
    ],
    ['', 'ResourceQuota', { spec: { hard: { pods: '-1' } } }, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    [
      '',
      'LimitRange',
      { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      'rbac.authorization.k8s.io',
      'Role',
      { rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] },
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      'rbac.authorization.k8s.io',
      'ClusterRoleBinding',
      { roleRef: { kind: 'Role', name: 'r' } },
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [
      'coordination.k8s.io',
      'Lease',
      { spec: { leaseDurationSeconds: 0 } },
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
    ['policy', 'PodDisruptionBudget', { spec: { minAvailable: 1, maxUnavailable: 1 } }, 'spec: Invalid value:'],
    [
      'scheduling.k8s.io',
      'PriorityClass',
      { value: 1_000_000_001 },
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    ['storage.k8s.io', 'StorageClass', {}, 'provisioner: Required value'],
    ['networking.k8s.io', 'Ingress', { spec: {} }, 'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    [
      'networking.k8s.io',
      'NetworkPolicy',
      { spec: { podSelector: {}, policyTypes: ['Odd'] } },
      'spec.policyTypes[0]: Unsupported value: "Odd"',
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      { spec: { maxReplicas: 1, minReplicas: 2, scaleTargetRef: { kind: 'D', name: 'd' } } },
      'spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`',
    ],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      { addressType: 'IPv4', endpoints: [{ addresses: ['::1'] }] },
      'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
    ],
  ];
  it.each(cases)('%s/%s with %j: %s', (group, kind, parts, expected) => {
    expect(faults(group, kind, parts).filter((fault) => fault.startsWith(expected))).toHaveLength(1);
  });

  it('freezes what says so', () => {
    expect(changes('', 'ConfigMap', { immutable: true, data: { a: '2' } }, { immutable: true, data: { a: '1' } })).toEqual([
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(changes('', 'Secret', { type: 'b' }, { type: 'a' })).toEqual(['type: Invalid value: "b": field is immutable']);
    const binding = (name: string): object => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name } });
    expect(changes('rbac.authorization.k8s.io', 'RoleBinding', binding('b'), binding('a'))[0]).toMatch(
      /^roleRef: Invalid value: .*: cannot change roleRef$/,
    );
  });
});
