import { describe, expect, it } from 'vitest';
import type { KubeObject, Pod } from '../../src/index.ts';
import { builtinResources, summarizePod, tableFor } from '../../src/index.ts';

const now = Date.parse('2026-01-02T03:00:00Z');
const created = '2026-01-02T01:00:00Z';

function pod(status: object, spec: object = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: 'p', creationTimestamp: created, ...metadata },
    spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
    status,
  } as Pod;
}

const running = (name: string, extra: object = {}): object => ({ name, ready: true, restartCount: 0, state: { running: {} }, ...extra });
const ended = (name: string, exitCode: number, extra: object = {}): object => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, ...extra } },
});

describe('summarizePod', () => {
  const init = { initContainers: [{ name: 'i' }, { name: 'j' }] };
  const cases: [string, Pod, string, string][] = [
    ['a pending pod', pod({ phase: 'Pending' }), 'Pending', '0/2'],
    ['a running pod', pod({ phase: 'Running', containerStatuses: [running('a'), running('b')] }), 'Running', '2/2'],
    [
      'a crash loop',
      pod({
        phase: 'Running',
        containerStatuses: [running('a'), { name: 'b', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
      }),
      'CrashLoopBackOff',
      '1/2',
    ],
    ['a completed pod', pod({ phase: 'Succeeded', containerStatuses: [ended('a', 0, { reason: 'Completed' })] }), 'Completed', '0/2'],
    ['an exit code without a reason', pod({ phase: 'Failed', containerStatuses: [ended('a', 3)] }), 'ExitCode:3', '0/2'],
    ['a signal without a reason', pod({ phase: 'Failed', containerStatuses: [ended('a', 137, { signal: 9 })] }), 'Signal:9', '0/2'],
    [
      'one done, one running and ready',
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [ended('a', 0, { reason: 'Completed' }), running('b')],
      }),
      'Running',
      '1/2',
    ],
    [
      'one done, one running, not ready',
      pod({ phase: 'Running', containerStatuses: [ended('a', 0, { reason: 'Completed' }), running('b')] }),
      'NotReady',
      '1/2',
    ],
    ['the first of two init containers', pod({ phase: 'Pending', initContainerStatuses: [running('i')] }, init), 'Init:0/2', '0/2'],
    [
      'the second of two init containers',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            ended('i', 0),
            { name: 'j', ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } } },
          ],
        },
        init,
      ),
      'Init:1/2',
      '0/2',
    ],
    [
      'a failed init container',
      pod({ phase: 'Failed', initContainerStatuses: [ended('i', 1, { reason: 'Error' })] }, init),
      'Init:Error',
      '0/2',
    ],
    [
      'a gated pod',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'SchedulingGated',
      '0/2',
    ],
    [
      'a pod being deleted',
      pod({ phase: 'Running', containerStatuses: [running('a'), running('b')] }, {}, { deletionTimestamp: created }),
      'Terminating',
      '2/2',
    ],
    ['a lost node', pod({ phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: created }), 'Unknown', '0/2'],
    ['an evicted pod', pod({ phase: 'Failed', reason: 'Evicted' }), 'Evicted', '0/2'],
    [
      'a sidecar',
      pod(
        { phase: 'Running', initContainerStatuses: [running('s', { started: true })], containerStatuses: [running('a'), running('b')] },
        { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
      ),
      'Running',
      '3/3',
    ],
  ];
  it.each(cases)('sums up %s', (_, object, status, ready) => {
    const summary = summarizePod(object);
    expect(summary.status).toBe(status);
    expect(`${summary.ready.toString()}/${summary.total.toString()}`).toBe(ready);
  });
});

function row(group: string, kind: string, object: object): Record<string, unknown> {
  const printer = tableFor({ group, kind });
  const cells = printer.cells({ metadata: { name: 'x', creationTimestamp: created }, ...object } as KubeObject, now);
  expect(cells).toHaveLength(printer.columns.length);
  return Object.fromEntries(printer.columns.map((column, at) => [column.name, cells[at]]));
}

describe('tableFor', () => {
  it('prints the last restart of a pod', () => {
    const status = { ...running('a'), restartCount: 2, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-02T02:55:00Z' } } };
    expect(
      row('', 'Pod', {
        spec: { containers: [{ name: 'a' }] },
        status: { phase: 'Running', podIP: '10.0.0.1', containerStatuses: [status] },
      }),
    ).toMatchObject({
      Ready: '1/1',
      Restarts: '2 (5m ago)',
      Age: '120m',
      IP: '10.0.0.1',
      Node: '<none>',
    });
  });

  it('prints a Deployment', () => {
    const spec = { replicas: 3, selector: { matchLabels: { app: 'x' } }, template: { spec: { containers: [{ name: 'a', image: 'i' }] } } };
    expect(row('apps', 'Deployment', { spec, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 } })).toEqual({
      Name: 'x',
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 2,
      Age: '120m',
      Containers: 'a',
      Images: 'i',
      Selector: 'app=x',
    });
  });

  it('prints a Service', () => {
    const spec = {
      type: 'NodePort',
      clusterIP: '10.96.0.9',
      ports: [
        { port: 80, nodePort: 30080, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    };
    expect(row('', 'Service', { spec })).toMatchObject({ 'External-IP': '<none>', 'Port(s)': '80:30080/TCP,53/UDP', Selector: '<none>' });
    expect(row('', 'Service', { spec: { type: 'LoadBalancer' } })).toMatchObject({ 'External-IP': '<pending>', 'Cluster-IP': '<none>' });
  });

  it('prints a Node', () => {
    const object = {
      metadata: { name: 'n', labels: { 'node-role.kubernetes.io/control-plane': '' } },
      spec: { unschedulable: true },
      status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '1.2.3.4' }] },
    };
    expect(row('', 'Node', object)).toMatchObject({
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane',
      Age: '<unknown>',
      'Internal-IP': '1.2.3.4',
      'OS-Image': '<unknown>',
    });
  });

  it('prints a Job and its duration', () => {
    const spec = { completions: 3, template: { spec: { containers: [] } } };
    expect(row('batch', 'Job', { spec, status: { succeeded: 1, startTime: '2026-01-02T02:59:30Z' } })).toMatchObject({
      Status: 'Running',
      Completions: '1/3',
      Duration: '30s',
    });
  });

  it('prints an Event of either group', () => {
    expect(
      row('', 'Event', { involvedObject: { kind: 'Pod', name: 'p' }, lastTimestamp: '2026-01-02T02:59:00Z', message: ' m ', count: 3 }),
    ).toMatchObject({ 'Last Seen': '60s', Object: 'pod/p', Message: 'm', Count: 3 });
    expect(
      row('events.k8s.io', 'Event', { regarding: { kind: 'Pod', name: 'p' }, eventTime: '2026-01-02T02:59:00.000000Z', note: 'n' }),
    ).toMatchObject({ 'Last Seen': '60s', Message: 'n', Count: 1 });
  });

  it('prints the two versions of an autoscaler', () => {
    const target = { target: { type: 'Utilization', averageUtilization: 80 }, name: 'cpu' };
    const two = {
      apiVersion: 'autoscaling/v2',
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 4, metrics: [{ type: 'Resource', resource: target }] },
    };
    expect(row('autoscaling', 'HorizontalPodAutoscaler', two)).toMatchObject({
      Reference: 'Deployment/d',
      Targets: 'cpu: <unknown>/80%',
      MinPods: '<unset>',
      MaxPods: 4,
    });
    const one = {
      apiVersion: 'autoscaling/v1',
      spec: { scaleTargetRef: {}, maxReplicas: 4, targetCPUUtilizationPercentage: 50 },
      status: { currentCPUUtilizationPercentage: 7 },
    };
    expect(row('autoscaling', 'HorizontalPodAutoscaler', one)).toMatchObject({ Targets: 'cpu: 7%/50%' });
  });

  it('prints name and creation time of a kind without columns', () => {
    expect(row('rbac.authorization.k8s.io', 'Role', {})).toEqual({ Name: 'x', 'Created At': created });
  });

  it('prints a minimal object of every kind', () => {
    for (const { group, kind } of builtinResources) {
      const printer = tableFor({ group, kind });
      const bare = {
        metadata: { name: 'x' },
        spec: { source: {}, drivers: [], pool: {}, template: {}, jobTemplate: {}, scaleTargetRef: {}, priorityLevelConfiguration: {} },
        roleRef: {},
      } as unknown as KubeObject;
      expect(printer.cells(bare, now), kind).toHaveLength(printer.columns.length);
    }
  });
});
