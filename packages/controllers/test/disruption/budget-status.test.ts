import type { Pod, PodDisruptionBudget } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { budgetStatus, disruptedPods, goalOf, needsScale, staleDisruptionInMs } from '../../src/disruption/budget-status.ts';

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();

const budget = (spec: PodDisruptionBudget['spec'], status: PodDisruptionBudget['status'] = {}): PodDisruptionBudget => ({
  metadata: { namespace: 'default', name: 'web', generation: 3 },
  spec,
  status,
});

const pod = (name: string, ready = true, deletionTimestamp?: string): Pod => ({
  metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

describe('the goal of a disruption budget', () => {
  it.each<[PodDisruptionBudget['spec'], number, boolean, number]>([
    [{ minAvailable: 2 }, 5, false, 2],
    [{ minAvailable: '50%' }, 5, true, 3], // 2.5, rounded up
    [{ maxUnavailable: 1 }, 5, true, 4],
    [{ maxUnavailable: '30%' }, 5, true, 3], // 1.5 may go, rounded up to 2
    [{ maxUnavailable: 9 }, 5, true, 0],
  ])('%j of %i pods', (spec, expected, scaled, desired) => {
    expect([needsScale(budget(spec)), goalOf(budget(spec), expected).desired]).toEqual([scaled, desired]);
  });
});

describe('the status of a disruption budget', () => {
  it('counts pods that are ready, stay, and were not just evicted', () => {
    const pods = [pod('a'), pod('b'), pod('c', false), pod('d', true, ago(0)), pod('e')];
    const before = budget({ minAvailable: 1 }, { disruptedPods: { e: ago(1000), gone: ago(1000), b: ago(200_000) } });
    const { pods: disrupted, recheckMs, stayed } = disruptedPods(before, pods, nowMs);
    expect([disrupted, recheckMs, stayed.map(({ metadata }) => metadata.name)]).toEqual([{ e: ago(1000) }, 119_001, ['b']]);
    expect(budgetStatus(before, pods, goalOf(before, pods.length), disrupted, nowMs)).toMatchObject({
      currentHealthy: 2,
      desiredHealthy: 1,
      expectedPods: 5,
      disruptionsAllowed: 1,
      observedGeneration: 3,
    });
  });

  it('allows nothing where nothing is expected, and keeps the time of what did not change', () => {
    const first = budgetStatus(budget({ maxUnavailable: 1 }), [pod('a')], { expected: 0, desired: 0 }, {}, nowMs);
    expect([first.disruptionsAllowed, first.conditions?.[0]?.reason]).toEqual([0, 'InsufficientPods']);
    const again = budgetStatus(budget({ maxUnavailable: 1 }, first), [pod('a')], { expected: 0, desired: 0 }, {}, nowMs + 60_000);
    expect(again).toEqual(first);
  });

  it('calls off after two minutes what the node did not announce itself', () => {
    const target = (reason: string, sinceMs: number): Pod => ({
      ...pod('a'),
      status: { phase: 'Running', conditions: [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: ago(sinceMs) }] },
    });
    expect(staleDisruptionInMs(target('EvictionByEvictionAPI', 30_000), nowMs)).toBe(90_000);
    expect(staleDisruptionInMs(target('EvictionByEvictionAPI', 300_000), nowMs)).toBe(0);
    expect(staleDisruptionInMs(target('TerminationByKubelet', 300_000), nowMs)).toBeUndefined();
    expect(staleDisruptionInMs(pod('a'), nowMs)).toBeUndefined();
  });
});
