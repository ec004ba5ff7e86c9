import { describe, expect, it } from 'vitest';
import type { Pod, PodStatus } from '@bayplan/api';
import type { ObservedPod } from '../src/pods/observed.ts';
import { podStatus } from '../src/status/pod-status.ts';
import type { StatusFacts } from '../src/status/pod-status.ts';
import { statusPatch } from '../src/status/status-writer.ts';
import { attempt, makeContainer, makePod, observe } from './support/pods.ts';

const nowMs = Date.parse('2026-01-02T03:04:05Z');

function status(pod: Pod, observed: ObservedPod, more: Partial<StatusFacts> = {}): PodStatus {
  const running = observed.containers.filter((one) => one.state === 'running').map((one) => one.id);
  return podStatus({
    pod,
    observed,
    previous: undefined,
    waiting: new Map(),
    backingOff: new Map(),
    ready: new Map(running.map((id) => [id, true])),
    started: new Set(running),
    terminationMessages: new Map(),
    runtimeName: 'bayplan',
    hostIp: '192.0.2.1',
    nowMs,
    podEnded: false,
    ...more,
  });
}

const exited = (name: string, exitCode: number, number = 0) => attempt(name, { state: 'exited', exitCode, attempt: number });

describe('Phase of a pod', () => {
  const init = makeContainer('init');
  it.each([
    { name: 'nothing yet', pod: makePod(), observed: observe([], []), phase: 'Pending' },
    { name: 'all run', pod: makePod(), observed: observe([attempt('main')]), phase: 'Running' },
    { name: 'one of two runs', pod: makePod({ containers: ['a', 'b'] }), observed: observe([attempt('a')]), phase: 'Pending' },
    { name: 'init runs', pod: makePod({ initContainers: [init] }), observed: observe([attempt('init')]), phase: 'Pending' },
    { name: 'crashed, will restart', pod: makePod(), observed: observe([exited('main', 1)]), phase: 'Running' },
    {
      name: 'succeeded',
      pod: makePod({ restartPolicy: 'Never' }),
      observed: observe([exited('main', 0)]),
      phase: 'Succeeded',
      ended: true,
    },
    { name: 'failed', pod: makePod({ restartPolicy: 'Never' }), observed: observe([exited('main', 2)]), phase: 'Failed', ended: true },
    {
      name: 'init failed',
      pod: makePod({ restartPolicy: 'Never', initContainers: [init] }),
      observed: observe([exited('init', 2)]),
      phase: 'Failed',
      ended: true,
    },
    {
      name: 'over, but one still runs',
      pod: makePod({ containers: ['main', 'late'] }),
      observed: observe([attempt('main')]),
      phase: 'Running',
      ended: true,
    },
    { name: 'deleted while running', pod: makePod(), observed: observe([exited('main', 137)]), phase: 'Failed', ended: true },
  ])('$name: $phase', ({ pod, observed, phase, ended }) => {
    expect(status(pod, observed, { podEnded: ended ?? false }).phase).toBe(phase);
  });
});

describe('Status of a pod', () => {
  it('reports a running pod', () => {
    expect(status(makePod(), observe([attempt('main')]))).toEqual({
      observedGeneration: 1,
      phase: 'Running',
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        observedGeneration: 1,
        lastTransitionTime: '2026-01-02T03:04:05Z',
      })),
      hostIP: '192.0.2.1',
      hostIPs: [{ ip: '192.0.2.1' }],
      podIP: '10.1.0.2',
      podIPs: [{ ip: '10.1.0.2' }],
      startTime: '2026-01-02T03:04:05Z',
      containerStatuses: [
        {
          name: 'main',
          state: { running: { startedAt: '1970-01-01T00:00:01Z' } },
          lastState: {},
          ready: true,
          started: true,
          restartCount: 0,
          image: 'image:1',
          imageID: 'sha256:1',
          containerID: 'bayplan://main-0',
        },
      ],
      qosClass: 'BestEffort',
    });
  });

  it('waits with the reason that fits', () => {
    const first = (facts: Partial<StatusFacts>, pod = makePod()) => status(pod, observe([]), facts).containerStatuses?.[0]?.state?.waiting;
    expect(first({})).toEqual({ reason: 'ContainerCreating' });
    expect(first({}, makePod({ initContainers: [makeContainer('init')] }))).toEqual({ reason: 'PodInitializing' });
    expect(first({ waiting: new Map([['main', { reason: 'ErrImagePull', message: 'no' }]]) })).toEqual({
      reason: 'ErrImagePull',
      message: 'no',
    });
  });

  it('shows a crash loop with the last end below it', () => {
    const one = status(makePod(), observe([exited('main', 3, 2), exited('main', 1, 1)]), {
      backingOff: new Map([['main', { delayMs: 80_000 }]]),
    }).containerStatuses?.[0];
    expect(one).toMatchObject({
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 1m20s restarting failed container=main pod=p_ns(uid-1)' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
  });

  it('keeps transition times while nothing changes, and moves them when something does', () => {
    const pod = makePod();
    const before = status(pod, observe([attempt('main')]));
    const later = status(pod, observe([attempt('main')]), { previous: before, nowMs: nowMs + 60_000 });
    expect(later).toEqual(before);
    const unready = status(pod, observe([attempt('main')]), { previous: before, nowMs: nowMs + 60_000, ready: new Map() });
    expect(unready.conditions?.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
      lastTransitionTime: '2026-01-02T03:05:05Z',
    });
  });

  it('asks readiness gates', () => {
    const pod = makePod({ readinessGates: [{ conditionType: 'example.com/up' }] });
    const ready = (one: Pod) => status(one, observe([attempt('main')])).conditions?.find((condition) => condition.type === 'Ready');
    expect(ready(pod)).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "example.com/up" does not exist.',
    });
    pod.status = { conditions: [{ type: 'example.com/up', status: 'True' }] };
    expect(ready(pod)?.status).toBe('True');
  });
});

describe('Patch of a status', () => {
  it('takes reasons away that no longer hold', () => {
    const before = JSON.stringify({
      reason: 'DeadlineExceeded',
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'm' }],
    });
    expect(statusPatch('u', { conditions: [{ type: 'Ready', status: 'True' }] }, before)).toEqual({
      metadata: { uid: 'u' },
      status: { reason: null, conditions: [{ type: 'Ready', status: 'True', reason: null, message: null }] },
    });
  });

  it('replaces addresses instead of merging them', () => {
    const patch = statusPatch('u', { podIPs: [{ ip: '2' }] }, JSON.stringify({ podIPs: [{ ip: '1' }] }));
    expect(patch?.status).toMatchObject({ podIPs: [{ ip: '2' }, { $patch: 'replace' }] });
  });

  it('has only what changed, and is none when nothing did', () => {
    const status: PodStatus = { phase: 'Running', hostIP: '1', conditions: [{ type: 'Ready', status: 'True' }] };
    const stored = {
      conditions: [
        { status: 'True', type: 'Ready', lastProbeTime: null },
        { type: 'example.com/x', status: 'True' },
      ],
      hostIP: '1',
      phase: 'Running',
    };
    expect(statusPatch('u', status, JSON.stringify(stored))).toBeUndefined();
    expect(statusPatch('u', { ...status, phase: 'Failed' }, JSON.stringify(stored))).toEqual({
      metadata: { uid: 'u' },
      status: { phase: 'Failed' },
    });
  });
});
