import type { Pod, StatefulSet } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statefulPod } from '../../src/statefulset/stateful-pods.ts';
import { inRange, planStatefulSet } from '../../src/statefulset/statefulset-plan.ts';
import type { StatefulStep } from '../../src/statefulset/statefulset-plan.ts';

interface Shape {
  readonly replicas: number;
  readonly parallel: boolean;
  readonly partition: number;
  readonly maxUnavailable: number;
  readonly start: number;
}

function setOf({ replicas, parallel, partition, maxUnavailable, start }: Shape): StatefulSet {
  return {
    metadata: { namespace: 'default', name: 'db', uid: 'u' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [] } },
      podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady',
      ordinals: { start },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition, maxUnavailable } },
    },
  };
}

type State = 'pending' | 'ready' | 'failed' | 'leaving';

function podOf(set: StatefulSet, ordinal: number, revision: string, state: State): Pod {
  const pod = statefulPod(set, set.spec?.template, revision, ordinal);
  const ready = state === 'ready' || state === 'leaving';
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(state === 'leaving' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    status: {
      phase: state === 'failed' ? 'Failed' : ready ? 'Running' : 'Pending',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const plan = (set: StatefulSet, pods: readonly Pod[]): StatefulStep[] => planStatefulSet({ set, pods, updateRevision: 'new', nowMs });
const text = (steps: readonly StatefulStep[]): string[] =>
  steps
    .filter((step) => step.kind !== 'keep')
    .map((step) => (step.kind === 'create' ? `+${String(step.ordinal)}` : `-${step.pod.metadata.name ?? ''}`));

const ordered: Shape = { replicas: 3, parallel: false, partition: 0, maxUnavailable: 1, start: 0 };

describe('the plan of a StatefulSet', () => {
  it.each<[string, Shape, [number, string, State][], string[]]>([
    ['the first pod first', ordered, [], ['+0']],
    ['waits for a pod that is not ready', ordered, [[0, 'new', 'pending']], []],
    ['goes on when it is', ordered, [[0, 'new', 'ready']], ['+1']],
    [
      'fills a gap before anything else',
      ordered,
      [
        [0, 'new', 'ready'],
        [2, 'old', 'ready'],
      ],
      ['+1'],
    ],
    ['all at once in parallel', { ...ordered, parallel: true }, [], ['+0', '+1', '+2']],
    ['begins where the ordinals do', { ...ordered, start: 5, parallel: true }, [], ['+5', '+6', '+7']],
    [
      'takes the highest surplus pod',
      { ...ordered, replicas: 1 },
      [
        [0, 'new', 'ready'],
        [1, 'new', 'ready'],
        [2, 'new', 'ready'],
      ],
      ['-db-2'],
    ],
    [
      'waits for a surplus pod to leave',
      { ...ordered, replicas: 1 },
      [
        [0, 'new', 'ready'],
        [1, 'new', 'ready'],
        [2, 'new', 'leaving'],
      ],
      [],
    ],
    ['replaces a failed pod', ordered, [[0, 'new', 'failed']], ['-db-0']],
    [
      'updates from the top',
      ordered,
      [
        [0, 'old', 'ready'],
        [1, 'old', 'ready'],
        [2, 'old', 'ready'],
      ],
      ['-db-2'],
    ],
    [
      'updates one after the other',
      ordered,
      [
        [0, 'old', 'ready'],
        [1, 'old', 'ready'],
        [2, 'new', 'pending'],
      ],
      [],
    ],
    [
      'stops at the partition',
      { ...ordered, partition: 2 },
      [
        [0, 'old', 'ready'],
        [1, 'old', 'ready'],
        [2, 'new', 'ready'],
      ],
      [],
    ],
    [
      'updates several at once',
      { ...ordered, maxUnavailable: 2 },
      [
        [0, 'old', 'ready'],
        [1, 'old', 'ready'],
        [2, 'old', 'ready'],
      ],
      ['-db-2', '-db-1'],
    ],
  ])('%s', (_name, shape, pods, expected) => {
    const set = setOf(shape);
    expect(
      text(
        plan(
          set,
          pods.map(([ordinal, revision, state]) => podOf(set, ordinal, revision, state)),
        ),
      ),
    ).toEqual(expected);
  });

  it('arrives from any state within its limits, and then plans nothing', () => {
    const shapes = fc.record({
      replicas: fc.integer({ min: 0, max: 6 }),
      parallel: fc.boolean(),
      partition: fc.integer({ min: 0, max: 3 }),
      maxUnavailable: fc.integer({ min: 1, max: 3 }),
      start: fc.integer({ min: 0, max: 2 }),
    });
    const states = fc.constantFrom<State>('ready', 'pending', 'failed', 'leaving');
    const before = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom('old', 'new'), states), { maxLength: 8 });
    fc.assert(
      fc.property(shapes, before, fc.infiniteStream(fc.nat(3)), (shape, given, picks) => {
        const set = setOf(shape);
        const pods = new Map(given.map(([ordinal, revision, state]) => [ordinal, podOf(set, ordinal, revision, state)]));
        const isUp = (pod: Pod): boolean => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
        for (let round = 0; round < 200; round++) {
          const steps = plan(set, [...pods.values()]);
          const acting = steps.filter((step) => step.kind !== 'keep');
          if (!shape.parallel) expect(acting.filter((step) => step.kind === 'create').length).toBeLessThanOrEqual(1);
          const outdated = acting.filter((step) => step.kind === 'remove' && step.why === 'outdated' && isUp(step.pod));
          const up = [...pods].filter(([ordinal, pod]) => inRange(set, ordinal) && isUp(pod)).length;
          if (outdated.length > 0) expect(up - outdated.length).toBeGreaterThanOrEqual(shape.replicas - shape.maxUnavailable);
          for (const step of acting) {
            if (step.kind === 'create') pods.set(step.ordinal, podOf(set, step.ordinal, 'new', 'pending'));
            else {
              const ordinal = Number(step.pod.metadata.name?.slice(3));
              const revision = step.pod.metadata.labels?.['controller-revision-hash'] ?? '';
              pods.set(ordinal, podOf(set, ordinal, revision, 'leaving'));
            }
          }
          // The node agent: one pod moves on.
          const moving = [...pods].filter(([, pod]) => !isUp(pod) && (pod.status?.phase !== 'Failed' || pod.metadata.deletionTimestamp));
          const [ordinal, pod] = moving[(picks.next().value as number) % Math.max(1, moving.length)] ?? [];
          if (ordinal === undefined || pod === undefined) {
            if (acting.length === 0) break;
            continue;
          }
          if (pod.metadata.deletionTimestamp) pods.delete(ordinal);
          else pods.set(ordinal, podOf(set, ordinal, pod.metadata.labels?.['controller-revision-hash'] ?? '', 'ready'));
        }
        const wanted = Array.from({ length: shape.replicas }, (_, index) => shape.start + index);
        expect([...pods.keys()].sort((a, b) => a - b)).toEqual(wanted);
        for (const ordinal of wanted.filter((one) => one >= shape.start + shape.partition))
          expect(pods.get(ordinal)?.metadata.labels?.['controller-revision-hash']).toBe('new');
        expect(text(plan(set, [...pods.values()]))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
