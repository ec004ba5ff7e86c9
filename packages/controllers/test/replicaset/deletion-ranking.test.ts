import type { Pod } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { podsToDelete } from '../../src/replicaset/deletion-ranking.ts';

const nowMs = Date.UTC(2026, 0, 2);

interface Traits {
  node?: string;
  phase?: string;
  readyForSeconds?: number;
  cost?: number;
  restarts?: number;
  ageSeconds?: number;
}

function pod(name: string, { node = 'n1', phase = 'Running', readyForSeconds = 100, cost, restarts = 0, ageSeconds = 1000 }: Traits): Pod {
  const at = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();
  const ready = readyForSeconds > 0 ? [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyForSeconds) }] : [];
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: at(ageSeconds),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) } }),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: { phase, conditions: ready, containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }] },
  };
}

describe('which pod goes first', () => {
  it.each<[string, Traits, Traits]>([
    ['one without a node', { node: '' }, {}],
    ['a pending one', { phase: 'Pending' }, {}],
    ['one that is not ready', { readyForSeconds: 0 }, {}],
    ['a cheap one', { cost: -5 }, { cost: 5 }],
    ['one on a fuller node', { node: 'full' }, { node: 'empty' }],
    ['one that became ready lately', { readyForSeconds: 10 }, { readyForSeconds: 900 }],
    ['one that restarted more', { restarts: 3 }, { restarts: 1 }],
    ['a young one', { ageSeconds: 10 }, { ageSeconds: 1000 }],
  ])('%s', (_name, first, second) => {
    const related = ['a', 'b'].map((name) => pod(name, { node: 'full' }));
    for (const order of [0, 1]) {
      const [x, y] = [pod('z', first), pod('a', second)];
      const active = order === 0 ? [x, y] : [y, x];
      expect(podsToDelete(active, 1, related, nowMs).map((one) => one.metadata.name)).toEqual(['z']);
    }
  });
});
