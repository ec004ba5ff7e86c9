import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pod } from '@bayplan/api';
import type { ObservedContainer, ObservedPod } from '../src/pods/observed.ts';
import { planPod } from '../src/pods/plan.ts';
import type { PlanInput, PodAction } from '../src/pods/plan.ts';
import { containersOf, specHash } from '../src/pods/pod-shape.ts';
import { attempt, makeContainer, makePod, observe, readySandbox } from './support/pods.ts';

const nowMs = 1_000_000;

function plan(pod: Pod, observed: ObservedPod, more: Partial<PlanInput> = {}) {
  const started = new Set(observed.containers.filter((one) => one.state === 'running').map((one) => one.id));
  return planPod({ pod, observed, nowMs, unhealthy: new Map(), started, retryAt: new Map(), deadlineExceeded: false, ...more });
}

/** Actions in words, so that tables read. */
function words(actions: readonly PodAction[]): string[] {
  return actions.map((action) => {
    switch (action.kind) {
      case 'create-sandbox':
        return `create sandbox ${String(action.attempt)}`;
      case 'stop-sandbox':
        return `stop sandbox ${action.sandboxId}`;
      case 'start-container':
        return `start ${action.container.spec.name} ${String(action.attempt)}`;
      case 'kill-container':
        return `kill ${action.observed.id} (${action.why})`;
      case 'remove-container':
        return `remove ${action.containerId}`;
    }
  });
}

const sidecar = makeContainer('side', { restartPolicy: 'Always' });
const exited = (name: string, exitCode: number, more: Partial<ObservedContainer> = {}) =>
  attempt(name, { state: 'exited', exitCode, ...more });

const cases: {
  name: string;
  pod: Pod;
  observed: ObservedPod;
  more?: Partial<PlanInput>;
  actions: string[];
  finished?: boolean;
  wakeAtMs?: number;
}[] = [
  { name: 'a new pod gets a sandbox', pod: makePod(), observed: observe([], []), actions: ['create sandbox 0'] },
  {
    name: 'containers start in order once it is ready',
    pod: makePod({ containers: ['a', 'b'] }),
    observed: observe([]),
    actions: ['start a 0', 'start b 0'],
  },
  { name: 'what runs is left alone', pod: makePod(), observed: observe([attempt('main')]), actions: [] },
  {
    name: 'a container that was created but never started is replaced',
    pod: makePod(),
    observed: observe([attempt('main', { state: 'created' })]),
    actions: ['remove main-0'],
    wakeAtMs: nowMs,
  },
  { name: 'the first restart waits for nothing', pod: makePod(), observed: observe([exited('main', 1)]), actions: ['start main 1'] },
  {
    name: 'the second waits ten seconds from the end of the first',
    pod: makePod(),
    observed: observe([exited('main', 1, { attempt: 1, finishedAtMs: nowMs - 4_000, startedAtMs: nowMs - 5_000, restartDelayMs: 10_000 })]),
    actions: [],
    wakeAtMs: nowMs + 6_000,
  },
  {
    name: 'ten minutes without a failure forgive all backoff',
    pod: makePod(),
    observed: observe([exited('main', 1, { attempt: 5, startedAtMs: nowMs - 601_000, finishedAtMs: nowMs, restartDelayMs: 160_000 })]),
    actions: ['start main 6'],
  },
  {
    name: 'OnFailure restarts failures',
    pod: makePod({ restartPolicy: 'OnFailure' }),
    observed: observe([exited('main', 1)]),
    actions: ['start main 1'],
  },
  {
    name: 'OnFailure finishes after success',
    pod: makePod({ restartPolicy: 'OnFailure' }),
    observed: observe([exited('main', 0)]),
    actions: ['stop sandbox sb0'],
    finished: true,
  },
  {
    name: 'Never finishes after failure',
    pod: makePod({ restartPolicy: 'Never' }),
    observed: observe([exited('main', 1)]),
    actions: ['stop sandbox sb0'],
    finished: true,
  },
  {
    name: 'a finished pod whose sandbox has stopped needs nothing',
    pod: makePod({ restartPolicy: 'Never' }),
    observed: observe([exited('main', 1)], [{ ...readySandbox, ready: false }]),
    actions: [],
    finished: true,
  },
  {
    name: 'init containers run one at a time',
    pod: makePod({ initContainers: [makeContainer('i1'), makeContainer('i2')] }),
    observed: observe([]),
    actions: ['start i1 0'],
  },
  {
    name: 'the next init container waits for the one before',
    pod: makePod({ initContainers: [makeContainer('i1'), makeContainer('i2')] }),
    observed: observe([attempt('i1')]),
    actions: [],
  },
  {
    name: 'after init come the regular ones',
    pod: makePod({ initContainers: [makeContainer('i1')] }),
    observed: observe([exited('i1', 0)]),
    actions: ['start main 0'],
  },
  {
    name: 'a failed init container is retried',
    pod: makePod({ initContainers: [makeContainer('i1')] }),
    observed: observe([exited('i1', 1)]),
    actions: ['start i1 1'],
  },
  {
    name: 'or fails the pod',
    pod: makePod({ restartPolicy: 'Never', initContainers: [makeContainer('i1')] }),
    observed: observe([exited('i1', 1)]),
    actions: ['stop sandbox sb0'],
    finished: true,
  },
  {
    name: 'a sidecar must have started before what follows',
    pod: makePod({ initContainers: [sidecar] }),
    observed: observe([attempt('side')]),
    more: { started: new Set() },
    actions: [],
  },
  {
    name: 'then the rest starts',
    pod: makePod({ initContainers: [sidecar] }),
    observed: observe([attempt('side')]),
    actions: ['start main 0'],
  },
  {
    name: 'a sidecar is restarted whatever the policy',
    pod: makePod({ restartPolicy: 'Never', initContainers: [sidecar] }),
    observed: observe([exited('side', 0), attempt('main')]),
    actions: ['start side 1'],
  },
  {
    name: 'sidecars end after the regular containers',
    pod: makePod({ restartPolicy: 'Never', initContainers: [sidecar] }),
    observed: observe([attempt('side'), exited('main', 0)]),
    actions: ['kill side-0 (pod-finished)'],
    finished: true,
  },
  {
    name: 'a failed liveness probe kills',
    pod: makePod(),
    observed: observe([attempt('main')]),
    more: { unhealthy: new Map([['main-0', 'liveness' as const]]) },
    actions: ['kill main-0 (liveness)'],
  },
  {
    name: 'a changed image kills',
    pod: makePod(),
    observed: observe([attempt('main', { specHash: 'other' })]),
    actions: ['kill main-0 (definition-changed)'],
  },
  {
    name: 'a lost sandbox is replaced after what ran in it was stopped',
    pod: makePod(),
    observed: observe([attempt('main')], [{ ...readySandbox, ready: false }]),
    actions: ['kill main-0 (restart-pod)', 'stop sandbox sb0'],
  },
  {
    name: 'with the next attempt',
    pod: makePod(),
    observed: observe([exited('main', 137)], [{ ...readySandbox, ready: false }]),
    actions: ['create sandbox 1'],
  },
  {
    name: 'containers start afresh in a new sandbox and keep counting',
    pod: makePod(),
    observed: observe([exited('main', 137, { attempt: 2 })], [{ ...readySandbox, id: 'sb1', attempt: 1 }]),
    actions: ['start main 3'],
  },
  {
    name: 'after a failure to start, the next try waits',
    pod: makePod({ containers: ['a', 'b'] }),
    observed: observe([]),
    more: { retryAt: new Map([['a', nowMs + 500]]) },
    actions: ['start b 0'],
    wakeAtMs: nowMs + 500,
  },
  {
    name: 'old attempts are removed, the one before the last is kept',
    pod: makePod(),
    observed: observe([attempt('main', { attempt: 2 }), exited('main', 1, { attempt: 1 }), exited('main', 1)]),
    actions: ['remove main-0'],
  },
  {
    name: 'a deadline ends everything',
    pod: makePod(),
    observed: observe([attempt('main')]),
    more: { deadlineExceeded: true },
    actions: ['kill main-0 (deadline)'],
    finished: true,
  },
];

describe('Plan of a pod', () => {
  it.each(cases)('$name', ({ pod, observed, more, actions, finished, wakeAtMs }) => {
    const result = plan(pod, observed, more);
    expect(words(result.actions)).toEqual(actions);
    expect(result.finished).toBe(finished ?? false);
    expect(result.wakeAtMs).toBe(wakeAtMs);
  });

  it('counts restarts on when the runtime has lost a container', () => {
    const pod = makePod();
    pod.status = { containerStatuses: [{ name: 'main', ready: true, restartCount: 4, image: 'i', imageID: 's', containerID: 'x://1' }] };
    expect(words(plan(pod, observe([])).actions)).toEqual(['start main 5']);
  });

  it('converges: applying plans ends in an empty plan, whatever the runtime had', () => {
    const states = fc.constantFrom('none', 'running', 'ok', 'failed', 'created', 'unknown') as fc.Arbitrary<string>;
    const arbitrary = fc.record({
      policy: fc.constantFrom('Always', 'OnFailure', 'Never'),
      inits: fc.array(fc.record({ sidecar: fc.boolean(), state: states }), { maxLength: 3 }),
      mains: fc.array(states, { minLength: 1, maxLength: 3 }),
      sandbox: fc.constantFrom('none', 'ready', 'stopped'),
    });
    fc.assert(
      fc.property(arbitrary, ({ policy, inits, mains, sandbox }) => {
        const pod = makePod({
          restartPolicy: policy,
          initContainers: inits.map((one, index) => makeContainer(`i${String(index)}`, one.sidecar ? { restartPolicy: 'Always' } : {})),
          containers: mains.map((_, index) => `m${String(index)}`),
        });
        const given = [
          ...inits.map((one, index) => [`i${String(index)}`, one.state] as const),
          ...mains.map((state, index) => [`m${String(index)}`, state] as const),
        ];
        let observed: ObservedPod =
          sandbox === 'none'
            ? observe([], [])
            : observe(
                given.flatMap(([name, state]) => (state === 'none' ? [] : [attempt(name, stateOf(state))])),
                [{ ...readySandbox, ready: sandbox === 'ready' }],
              );
        for (let round = 0; round < 40; round++) {
          const { actions } = plan(pod, observed);
          if (actions.length === 0) return;
          for (const action of actions) observed = apply(pod, observed, action);
        }
        throw new Error('no end of actions');
      }),
      { numRuns: 300 },
    );
  });
});

function stateOf(state: string): Partial<ObservedContainer> {
  switch (state) {
    case 'ok':
      return { state: 'exited', exitCode: 0 };
    case 'failed':
      return { state: 'exited', exitCode: 1 };
    case 'created':
      return { state: 'created' };
    case 'unknown':
      return { state: 'unknown' };
    default:
      return { state: 'running' };
  }
}

/** A runtime in which init containers succeed at once and all others run for ever. */
function apply(pod: Pod, observed: ObservedPod, action: PodAction): ObservedPod {
  const { sandboxes, containers } = observed;
  switch (action.kind) {
    case 'create-sandbox':
      return { containers, sandboxes: [{ ...readySandbox, id: `sb${String(action.attempt)}`, attempt: action.attempt }, ...sandboxes] };
    case 'stop-sandbox':
      return { containers, sandboxes: sandboxes.map((one) => (one.id === action.sandboxId ? { ...one, ready: false } : one)) };
    case 'kill-container':
      return {
        sandboxes,
        containers: containers.map((one) =>
          one.id === action.observed.id ? { ...one, state: 'exited', exitCode: 137, finishedAtMs: 1 } : one,
        ),
      };
    case 'remove-container':
      return { sandboxes, containers: containers.filter((one) => one.id !== action.containerId) };
    case 'start-container': {
      const { spec } = action.container;
      const role = containersOf(pod).find((one) => one.spec.name === spec.name)?.role;
      const made = attempt(spec.name, {
        attempt: action.attempt,
        sandboxId: sandboxes[0]?.id ?? '',
        specHash: specHash(spec),
        ...(role === 'init' ? stateOf('ok') : {}),
      });
      return { sandboxes, containers: [made, ...containers] };
    }
  }
}
