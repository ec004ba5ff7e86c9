import { expect, it, describe } from 'vitest';
import { amountsText, quotaEvaluatorFor, quotaMatches, usageOfQuota } from '../../src/index.ts';
import type { KubeObject, Pod, ResourceQuota } from '../../src/index.ts';

const pod = (spec: Pod['spec'], rest: Partial<Pod> = {}): KubeObject => ({ metadata: { name: 'p' }, spec, ...rest }) as KubeObject;
const resources = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const quota = (spec: ResourceQuota['spec']): ResourceQuota => ({ metadata: { name: 'q' }, spec });
const used = (object: KubeObject, group = '', resource = 'pods', now = 0) =>
  amountsText(quotaEvaluatorFor(group, resource).usage(object, now));

describe('usage of a pod', () => {
  it('is the larger of its containers with sidecars and its largest init moment, plus overhead', () => {
    const object = pod({
      overhead: { cpu: '10m' },
      containers: [{ name: 'a', resources: { requests: { cpu: '100m' } } }],
      initContainers: [
        { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '50m' } } },
        { name: 'init', resources: { requests: { cpu: '200m', memory: '1Mi' } } },
      ],
    });
    // max(100 + 50, 50 + 200) + 10
    expect(used(object)).toBe('count/pods=1,cpu=260m,memory=1Mi,pods=1,requests.cpu=260m,requests.memory=1Mi');
  });

  it('is only its count once it has ended or its deletion is due', () => {
    const spec = { containers: [{ name: 'a', resources: resources('1', '1Gi') }] };
    expect(used(pod(spec, { status: { phase: 'Succeeded' } }))).toBe('count/pods=1');
    const going = pod(spec, { metadata: { name: 'p', deletionTimestamp: '1970-01-01T00:00:10Z', deletionGracePeriodSeconds: 5 } });
    expect(used(going, '', 'pods', 15_000)).toContain('pods=1,requests.cpu=1');
    expect(used(going, '', 'pods', 15_001)).toBe('count/pods=1');
  });

  it('counts extended resources and huge pages under requests', () => {
    const object = pod({ containers: [{ name: 'a', resources: { requests: { 'x.com/gpu': '2', 'hugepages-2Mi': '4Mi' } } }] });
    expect(used(object)).toBe('count/pods=1,hugepages-2Mi=4Mi,pods=1,requests.hugepages-2Mi=4Mi,requests.x.com/gpu=2');
  });
});

it('names what containers must state', () => {
  const object = pod({
    containers: [{ name: 'b' }, { name: 'a', resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }],
    initContainers: [{ name: 'c' }],
  });
  const names = new Set(['limits.cpu', 'requests.memory', 'pods']);
  expect(quotaEvaluatorFor('', 'pods').lacking(names, object)).toBe('must specify limits.cpu for: b,c; requests.memory for: a,b,c');
  expect(quotaEvaluatorFor('', 'pods').lacking(new Set(['pods']), object)).toBeUndefined();
});

it.each([
  [{ scopes: ['BestEffort'] }, {}, true],
  [{ scopes: ['NotBestEffort'] }, {}, false],
  [{ scopes: ['Terminating'] }, { activeDeadlineSeconds: 5 }, true],
  [{ scopes: ['NotTerminating'] }, { activeDeadlineSeconds: 5 }, false],
  [
    { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
    { priorityClassName: 'high' },
    true,
  ],
  [{ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }, {}, false],
  [{ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } }, {}, true],
  [{ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] } }, {}, false],
  [{ scopes: ['PriorityClass'] }, { priorityClassName: 'high' }, true],
  [{ scopes: ['CrossNamespacePodAffinity'] }, {}, false],
])('scope %j and a pod with %j: %s', (spec, extra, expected) => {
  const object = pod({ containers: [{ name: 'a' }], ...extra });
  expect(quotaMatches(quota(spec), ['pods'], quotaEvaluatorFor('', 'pods'), object)).toBe(expected);
});

describe('usage of other objects', () => {
  it('counts node ports and load balancers', () => {
    const service = (spec: object) => ({ metadata: { name: 's' }, spec }) as KubeObject;
    const ports = [{ port: 1 }, { port: 2, nodePort: 30_001 }];
    expect(used(service({ type: 'NodePort', ports }), '', 'services')).toContain('services.loadbalancers=0,services.nodeports=2');
    expect(used(service({ type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false }), '', 'services')).toContain(
      'services.loadbalancers=1,services.nodeports=1',
    );
  });

  it('charges storage to the class too, in whole bytes', () => {
    const claim = { metadata: { name: 'c' }, spec: { storageClassName: 'gold', resources: { requests: { storage: '1500m' } } } };
    expect(used(claim as KubeObject, '', 'persistentvolumeclaims')).toBe(
      'count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/requests.storage=2,persistentvolumeclaims=1,requests.storage=2',
    );
  });

  it('takes the largest alternative of each device class', () => {
    const claim = {
      metadata: { name: 'c' },
      spec: {
        devices: {
          requests: [
            { name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
            {
              name: 's',
              firstAvailable: [
                { deviceClassName: 'gpu', allocationMode: 'All' },
                { deviceClassName: 'cpu', count: 3 },
              ],
            },
          ],
        },
      },
    };
    expect(used(claim as unknown as KubeObject, 'resource.k8s.io', 'resourceclaims')).toBe(
      'count/resourceclaims.resource.k8s.io=1,cpu.deviceclass.resource.k8s.io/devices=3,gpu.deviceclass.resource.k8s.io/devices=34',
    );
  });
});

it('sums a namespace over every limit that can be measured', () => {
  const hard = { pods: '10', 'requests.cpu': '5', 'count/widgets.x.io': '3', 'count/gone.x.io': '3', secrets: '4', nonsense: '1' };
  const objects: Record<string, KubeObject[]> = {
    '/pods': [pod({ containers: [{ name: 'a', resources: resources('500m', '1Mi') }] }), pod({ containers: [{ name: 'a' }] })],
    'x.io/widgets': [{ metadata: { name: 'w' } } as KubeObject],
    '/secrets': [],
  };
  expect(amountsText(usageOfQuota(quota({ hard }), (group, resource) => objects[`${group}/${resource}`], 0))).toBe(
    'count/widgets.x.io=1,pods=2,requests.cpu=500m,secrets=0',
  );
  const best = usageOfQuota(
    quota({ hard: { pods: '1' }, scopes: ['BestEffort'] }),
    (group, resource) => objects[`${group}/${resource}`],
    0,
  );
  expect(amountsText(best)).toBe('pods=1');
});
