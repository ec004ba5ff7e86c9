import type { Pod, V2HorizontalPodAutoscalerSpec } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodSample } from '../../src/autoscaler/metrics-client.ts';
import { replicasForAverage, replicasForPods, replicasForValue } from '../../src/autoscaler/replica-calculation.ts';
import { newHistory, normalize, noteScaled } from '../../src/autoscaler/scaling-behavior.ts';

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const tolerances = { up: 0.1, down: 0.1 };

interface Shape {
  /** Thousandths of a CPU; undefined where the pod was not measured. */
  readonly used: number | undefined;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly startedAgoMs?: number;
}

/** Pods that request 1 CPU each. */
function proposal(shapes: readonly Shape[], percent: number, current = shapes.length): number {
  const samples = new Map<string, PodSample>();
  const pods = shapes.map(({ used, ready = true, phase = 'Running', startedAgoMs = 86_400_000 }, index): Pod => {
    const name = `web-${String(index)}`;
    if (used !== undefined) samples.set(name, { value: used, atMs: nowMs, windowMs: 30_000 });
    const startTime = new Date(nowMs - startedAgoMs).toISOString();
    return {
      metadata: { name },
      spec: { containers: [{ name: 'web', resources: { requests: { cpu: '1' } } }] },
      status: { phase, startTime, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: startTime }] },
    };
  });
  return replicasForPods({ current, pods, samples, resource: 'cpu', target: { percent }, tolerances, nowMs }).replicas;
}

const all = (count: number, used: number): Shape[] => Array.from({ length: count }, () => ({ used }));

describe('the replicas that a use of CPU asks for', () => {
  it.each<[string, Shape[], number, number]>([
    ['twice the target', all(3, 600), 30, 6],
    ['half the target', all(4, 150), 30, 2],
    ['within the tolerance', all(3, 320), 30, 3],
    // One of four is not measured: at 0 it still takes 3 × 600 / 4 = 450 of 300, that is 1.5 times 4.
    ['more than the target with one not measured', [...all(3, 600), { used: undefined }], 30, 6],
    // At full use of its request the missing pod outweighs the others.
    ['less than the target with one not measured', [...all(3, 100), { used: undefined }], 30, 4],
    ['more than the target with one still starting', [...all(2, 600), { used: 900, ready: false, startedAgoMs: 10_000 }], 30, 4],
    ['a pod on its way to fail does not count', [...all(2, 300), { used: 5000, phase: 'Failed' }], 30, 3],
  ])('%s', (_name, shapes, percent, expected) => {
    expect(proposal(shapes, percent)).toBe(expected);
  });

  it('is refused where nothing is requested or measured', () => {
    expect(() => proposal([{ used: undefined }], 50)).toThrow('did not receive metrics for targeted pods');
    expect(() => proposal([], 50)).toThrow('no pods returned by selector');
  });
});

describe('the replicas that an amount asks for', () => {
  it('follow its ratio to the target, or its share for each pod', () => {
    expect(replicasForValue(2, 300_000, 200_000, 2, tolerances).replicas).toBe(3);
    expect(replicasForValue(0, 300_000, 200_000, 0, tolerances).replicas).toBe(2);
    expect(replicasForAverage(2, 2, 80_000, 20_000, tolerances)).toEqual({ replicas: 4, value: 40_000 });
    expect(replicasForAverage(4, 4, 84_000, 20_000, tolerances).replicas).toBe(4);
  });
});

describe('the behaviour of scaling', () => {
  const spec: V2HorizontalPodAutoscalerSpec = { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 20, minReplicas: 2 };
  const run = (given: V2HorizontalPodAutoscalerSpec, current: number, recommended: number) => {
    const { replicas, verdicts } = normalize(given, newHistory(), current, recommended, nowMs);
    return [replicas, ...verdicts.map(({ reason }) => reason)];
  };

  it.each<[string, Partial<V2HorizontalPodAutoscalerSpec>, number, number, unknown[]]>([
    ['four pods or twice as many at once', {}, 1, 20, [5, 'ReadyForNewScale', 'ScaleUpLimit']],
    ['no more than the maximum', {}, 15, 40, [20, 'ReadyForNewScale', 'TooManyReplicas']],
    [
      'no less than the minimum',
      { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
      5,
      1,
      [2, 'ReadyForNewScale', 'TooFewReplicas'],
    ],
    [
      'not at all where it is disabled',
      { behavior: { scaleUp: { selectPolicy: 'Disabled' } } },
      5,
      8,
      [5, 'ReadyForNewScale', 'ScaleUpLimit'],
    ],
    [
      'by the smaller of two steps',
      {
        behavior: {
          scaleUp: {
            selectPolicy: 'Min',
            policies: [
              { type: 'Pods', value: 1, periodSeconds: 60 },
              { type: 'Percent', value: 100, periodSeconds: 60 },
            ],
          },
        },
      },
      5,
      9,
      [6, 'ReadyForNewScale', 'ScaleUpLimit'],
    ],
  ])('goes %s', (_name, extra, current, recommended, expected) => {
    expect(run({ ...spec, ...extra }, current, recommended)).toEqual(expected);
  });

  it('holds the highest of the last five minutes before it goes down', () => {
    const history = newHistory();
    expect(normalize(spec, history, 8, 8, nowMs).replicas).toBe(8);
    const soon = normalize(spec, history, 8, 4, nowMs + 60_000);
    expect([soon.replicas, soon.verdicts[0]?.reason]).toEqual([8, 'ScaleDownStabilized']);
    expect(normalize(spec, history, 8, 4, nowMs + 301_000).replicas).toBe(4);
  });

  it('counts what was changed within the period of a policy', () => {
    const slow = { ...spec, behavior: { scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] } } };
    const history = newHistory();
    expect(normalize(slow, history, 4, 10, nowMs).replicas).toBe(6);
    noteScaled(slow, history, 4, 6, nowMs);
    expect(normalize(slow, history, 6, 10, nowMs + 30_000).replicas).toBe(6);
    expect(normalize(slow, history, 6, 10, nowMs + 61_000).replicas).toBe(8);
  });

  it('never leaves the limits once it is within them', () => {
    const sizes = fc.integer({ min: 2, max: 20 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }), (start, recommendations) => {
        const history = newHistory();
        let current = start;
        for (const [index, recommended] of recommendations.entries()) {
          const atMs = nowMs + index * 15_000;
          const { replicas } = normalize(spec, history, current, recommended, atMs);
          expect(replicas).toBeGreaterThanOrEqual(2);
          expect(replicas).toBeLessThanOrEqual(20);
          noteScaled(spec, history, current, replicas, atMs);
          current = replicas;
        }
      }),
    );
  });
});
