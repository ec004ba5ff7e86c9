import { describe, expect, it } from 'vitest';
import { applyDefaults, decodeObject, defaultFeatureGates, schemaFor } from '../../src/index.ts';

function made(type: string, value: object): Record<string, unknown> {
  const [group = '', version = '', kind = ''] = type.split('/');
  const descriptor = schemaFor(group, version, kind);
  if (!descriptor) throw new Error(`${kind} is not known`);
  const { object } = decodeObject(descriptor, value, { validation: 'Strict' });
  applyDefaults(group, version, kind, object, defaultFeatureGates);
  return object;
}

const service = (spec: object): object => ({ spec: { ports: [{ port: 80 }], ...spec } });
const limits = (amounts: object): object => ({ resources: { limits: amounts } });
const pod = (spec: object): object => ({ spec: { containers: [{ name: 'c' }], ...spec } });
const pages = (amount: string): object => limits({ 'hugepages-2Mi': amount });
const conditions = { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] } };

describe('defaults', () => {
  const cases: readonly [string, string, object, string, unknown][] = [
    [
      'a cluster address reached from outside has a policy',
      '/v1/Service',
      service({ externalIPs: ['9.9.9.9'] }),
      'spec.externalTrafficPolicy',
      'Cluster',
    ],
    ['a cluster address alone has none', '/v1/Service', service({}), 'spec.externalTrafficPolicy', undefined],
    ['an external name has no internal policy', '/v1/Service', service({ type: 'ExternalName' }), 'spec.internalTrafficPolicy', undefined],
    [
      'balancer addresses are virtual',
      '/v1/Service',
      { ...service({ type: 'LoadBalancer' }), status: { loadBalancer: { ingress: [{ ip: '1.1.1.1' }] } } },
      'status.loadBalancer.ingress[0].ipMode',
      'VIP',
    ],
    ['no affinity, no settings of it', '/v1/Service', service({ sessionAffinityConfig: {} }), 'spec.sessionAffinityConfig', undefined],
    [
      'conditions in a CronJob',
      'batch/v1/CronJob',
      { spec: { jobTemplate: { spec: conditions } } },
      'spec.jobTemplate.spec.podFailurePolicy.rules[0].onPodConditions[0].status',
      'True',
    ],
    [
      'the job in a CronJob keeps its gaps',
      'batch/v1/CronJob',
      { spec: { jobTemplate: { spec: conditions } } },
      'spec.jobTemplate.spec.podReplacementPolicy',
      undefined,
    ],
    ['conditions in a Job', 'batch/v1/Job', { spec: conditions }, 'spec.podFailurePolicy.rules[0].onPodConditions[0].status', 'True'],
    ['a failure policy replaces failed pods only', 'batch/v1/Job', { spec: conditions }, 'spec.podReplacementPolicy', 'Failed'],
    ['a limit per index lifts the limit of all', 'batch/v1/Job', { spec: { backoffLimitPerIndex: 1 } }, 'spec.backoffLimit', 2_147_483_647],
    ['parallelism alone leaves completions open', 'batch/v1/Job', { spec: { parallelism: 2 } }, 'spec.completions', undefined],
    ['one pod of a StatefulSet at a time', 'apps/v1/StatefulSet', { spec: {} }, 'spec.updateStrategy.rollingUpdate.maxUnavailable', 1],
    [
      'a rolling update without settings keeps none',
      'apps/v1/StatefulSet',
      { spec: { updateStrategy: { type: 'RollingUpdate' } } },
      'spec.updateStrategy.rollingUpdate',
      undefined,
    ],
    [
      'on delete, nothing rolls',
      'apps/v1/StatefulSet',
      { spec: { updateStrategy: { type: 'OnDelete' } } },
      'spec.updateStrategy.rollingUpdate',
      undefined,
    ],
    [
      'recreate, nothing rolls',
      'apps/v1/Deployment',
      { spec: { strategy: { type: 'Recreate' } } },
      'spec.strategy.rollingUpdate',
      undefined,
    ],
    [
      'micro amounts of a container',
      '/v1/Pod',
      pod({ containers: [{ name: 'c', ...limits({ cpu: '100u' }) }] }),
      'spec.containers[0].resources.limits.cpu',
      '1m',
    ],
    [
      'the request follows the rounded limit',
      '/v1/Pod',
      pod({ containers: [{ name: 'c', ...limits({ cpu: '0.0015' }) }] }),
      'spec.containers[0].resources.requests.cpu',
      '2m',
    ],
    ['exponents', '/v1/Pod', pod({ overhead: { cpu: '1e-6' } }), 'spec.overhead.cpu', '1e-3'],
    ['whole thousandths stay', '/v1/Pod', pod({ overhead: { cpu: '1500m' } }), 'spec.overhead.cpu', '1500m'],
    [
      'amounts in a template',
      'apps/v1/Deployment',
      { spec: { template: pod({ containers: [{ name: 'c', ...limits({ cpu: '5n' }) }] }) } },
      'spec.template.spec.containers[0].resources.limits.cpu',
      '1m',
    ],
    ['amounts of a quota', '/v1/ResourceQuota', { spec: { hard: { cpu: '1000001n' } } }, 'spec.hard.cpu', '2m'],
    [
      'amounts of a range',
      '/v1/LimitRange',
      { spec: { limits: [{ type: 'Container', max: { cpu: '1u' } }] } },
      'spec.limits[0].default.cpu',
      '1m',
    ],
    ['amounts of a node', '/v1/Node', { status: { capacity: { cpu: '1u' } } }, 'status.allocatable.cpu', '1m'],
    [
      'amounts of a claim',
      '/v1/PersistentVolumeClaim',
      { spec: { resources: { requests: { storage: '100m' } } } },
      'spec.resources.requests.storage',
      '100m',
    ],
    [
      'huge pages of containers limit the pod',
      '/v1/Pod',
      pod({
        ...limits({ cpu: '1' }),
        containers: [
          { name: 'c', ...pages('4Mi') },
          { name: 'd', ...pages('2Mi') },
        ],
      }),
      'spec.resources.limits.hugepages-2Mi',
      '6Mi',
    ],
    [
      'and are its request',
      '/v1/Pod',
      pod({ ...limits({ cpu: '1' }), containers: [{ name: 'c', ...pages('4Mi') }] }),
      'spec.resources.requests.hugepages-2Mi',
      '4Mi',
    ],
    [
      'the request of huge pages is the limit of the pod',
      '/v1/Pod',
      pod({ ...pages('8Mi'), containers: [{ name: 'c', ...pages('4Mi') }] }),
      'spec.resources.requests.hugepages-2Mi',
      '8Mi',
    ],
    [
      'a pod that says nothing of itself keeps nothing',
      '/v1/Pod',
      pod({ containers: [{ name: 'c', ...pages('4Mi') }] }),
      'spec.resources',
      undefined,
    ],
    [
      'a gRPC probe',
      '/v1/Pod',
      pod({ containers: [{ name: 'c', livenessProbe: { grpc: { port: 1 } } }] }),
      'spec.containers[0].livenessProbe.grpc.service',
      '',
    ],
    [
      'a projected token',
      '/v1/Pod',
      pod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }),
      'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds',
      3600,
    ],
    ['a host path', '/v1/Pod', pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'spec.volumes[0].hostPath.type', ''],
    [
      'shares of a limited level',
      'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration',
      { spec: { type: 'Limited', limited: {} } },
      'spec.limited.nominalConcurrencyShares',
      30,
    ],
    [
      'shares of an exempt level',
      'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration',
      { spec: { type: 'Exempt', exempt: {} } },
      'spec.exempt.nominalConcurrencyShares',
      0,
    ],
    [
      'queues',
      'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration',
      { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
      'spec.limited.limitResponse.queuing',
      { handSize: 8, queues: 64, queueLengthLimit: 50 },
    ],
    ['precedence', 'flowcontrol.apiserver.k8s.io/v1/FlowSchema', { spec: {} }, 'spec.matchingPrecedence', 1000],
    ['preemption', 'scheduling.k8s.io/v1/PriorityClass', { value: 1 }, 'preemptionPolicy', 'PreemptLowerPriority'],
    ['modes of a driver', 'storage.k8s.io/v1/CSIDriver', { spec: {} }, 'spec.volumeLifecycleModes', ['Persistent']],
    ['owner of files of a driver', 'storage.k8s.io/v1/CSIDriver', { spec: {} }, 'spec.fsGroupPolicy', 'ReadWriteOnceWithFSType'],
    [
      'parameters of an ingress class',
      'networking.k8s.io/v1/IngressClass',
      { spec: { parameters: { kind: 'K', name: 'n' } } },
      'spec.parameters.scope',
      'Cluster',
    ],
    [
      'a service account has no group',
      'rbac.authorization.k8s.io/v1/RoleBinding',
      { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'n' }] },
      'subjects[0].apiGroup',
      undefined,
    ],
    [
      'policies',
      'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy',
      { spec: { matchConstraints: {} } },
      'spec.matchConstraints.matchPolicy',
      'Equivalent',
    ],
    [
      'again, by webhooks',
      'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration',
      { webhooks: [{ name: 'w' }] },
      'webhooks[0].reinvocationPolicy',
      'Never',
    ],
    [
      'certificates have none',
      'certificates.k8s.io/v1/CertificateSigningRequest',
      { spec: { signerName: 's/n' } },
      'spec.expirationSeconds',
      undefined,
    ],
    ['budgets have none', 'policy/v1/PodDisruptionBudget', { spec: {} }, 'spec.unhealthyPodEvictionPolicy', undefined],
  ];
  it.each(cases)('%s', (_, type, value, path, expected) => {
    const object = made(type, value);
    if (expected === undefined) expect(object).not.toHaveProperty(path);
    else expect(object).toHaveProperty(path, expected);
  });
});
