import type { Node, Taint } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { silentConditions, wantedTaints } from '../../src/node-lifecycle/node-health.ts';
import { evictionDelayMs } from '../../src/node-lifecycle/taint-eviction.ts';

const nowMs = Date.UTC(2026, 0, 1);

function node(ready: string | undefined, taints: Taint[] = [], unschedulable = false): Node {
  return {
    metadata: { name: 'n1' },
    spec: { taints, unschedulable },
    status: { conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready, reason: 'KubeletReady' }] },
  };
}

const texts = (taints: readonly Taint[]): string[] => taints.map((taint) => `${taint.key}:${taint.effect}`);

describe('taints of a node', () => {
  it('follow its conditions', () => {
    expect(texts(wantedTaints(node('True'), nowMs))).toEqual([]);
    expect(texts(wantedTaints(node('False'), nowMs))).toEqual([
      'node.kubernetes.io/not-ready:NoSchedule',
      'node.kubernetes.io/not-ready:NoExecute',
    ]);
    expect(texts(wantedTaints(node('Unknown'), nowMs))).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(texts(wantedTaints(node('True', [], true), nowMs))).toEqual(['node.kubernetes.io/unschedulable:NoSchedule']);
  });

  it('keep what others set and the time of what stays', () => {
    const mine = { key: 'team', value: 'a', effect: 'NoExecute' };
    const old = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', timeAdded: '2025-01-01T00:00:00Z' };
    expect(wantedTaints(node('False', [mine, old]), nowMs)).toEqual([
      mine,
      old,
      { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' },
    ]);
    expect(wantedTaints(node('True', [mine, old]), nowMs)).toEqual([mine]);
  });

  it('stay as registered until the node has reported', () => {
    const registered = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
    expect(wantedTaints(node(undefined, [registered]), nowMs)).toEqual([registered]);
  });
});

it('a silent node has unknown conditions, once', () => {
  const conditions = silentConditions(node('True'), nowMs);
  expect(conditions?.map((condition) => `${condition.type} ${condition.status} ${condition.reason ?? ''}`)).toEqual([
    'Ready Unknown NodeStatusUnknown',
    'MemoryPressure Unknown NodeStatusNeverUpdated',
    'DiskPressure Unknown NodeStatusNeverUpdated',
    'PIDPressure Unknown NodeStatusNeverUpdated',
  ]);
  expect(silentConditions({ metadata: {}, status: { conditions: conditions ?? [] } }, nowMs)).toBeUndefined();
});

describe('how long a pod stays', () => {
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' };
  const exists = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' };
  it.each([
    [[], 0],
    [[exists], undefined],
    [[{ ...exists, tolerationSeconds: 300 }], 300_000],
    [
      [
        { ...exists, tolerationSeconds: 300 },
        { operator: 'Exists', tolerationSeconds: 20 },
      ],
      20_000,
    ],
    [[{ operator: 'Exists' }], undefined],
    [[{ key: 'other', operator: 'Exists' }], 0],
    [[{ ...exists, operator: 'Equal', value: 'x' }], 0],
  ])('with tolerations %j', (tolerations, delayMs) => {
    expect(evictionDelayMs({ metadata: {}, spec: { containers: [], tolerations } }, [taint])).toBe(delayMs);
  });
});
