import type { DaemonSet, Node, Pod } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daemonPod } from '../../src/daemonset/daemon-pods.ts';
import { planPlacement, planRollout } from '../../src/daemonset/daemonset-plan.ts';
import { judgeNode } from '../../src/daemonset/node-fit.ts';

const nowMs = Date.parse('2026-01-02T00:00:00Z');

function daemonSet(rollingUpdate: { maxSurge?: number | string; maxUnavailable?: number | string }): DaemonSet {
  return {
    metadata: { namespace: 'default', name: 'agent', uid: 'u' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'agent', image: 'agent' }] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    },
  };
}

const node = (name: string, spec: Node['spec'] = {}, labels: Record<string, string> = {}): Node => ({ metadata: { name, labels }, spec });

interface Running {
  readonly pod: Pod;
  readonly node: string;
  readonly hash: string;
  up: boolean;
}

describe('the plan of a DaemonSet', () => {
  it.each<[string, Node, boolean, boolean]>([
    ['an empty node', node('a'), true, true],
    ['one that is unschedulable', node('a', { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }), true, true],
    ['one that takes no new pods', node('a', { taints: [{ key: 'own', effect: 'NoSchedule' }] }), false, true],
    ['one that evicts pods', node('a', { taints: [{ key: 'own', effect: 'NoExecute' }] }), false, false],
    ['one that rather takes none', node('a', { taints: [{ key: 'own', effect: 'PreferNoSchedule' }] }), true, true],
  ])('judges %s', (_name, one, shouldRun, mayContinue) => {
    expect(judgeNode(daemonSet({}), one)).toEqual({ shouldRun, mayContinue });
  });

  it('updates every node within maxUnavailable or maxSurge, and then plans nothing', () => {
    const limits = fc.oneof(
      fc.record({ maxUnavailable: fc.integer({ min: 1, max: 3 }), maxSurge: fc.constant(0) }),
      fc.record({ maxUnavailable: fc.constant(0), maxSurge: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.nat(11)), (rollingUpdate, count, picks) => {
        const set = daemonSet(rollingUpdate);
        const nodes = Array.from({ length: count }, (_, index) => node(`n${String(index)}`));
        let made = 0;
        const make = (name: string, hash: string, up: boolean): Running => {
          const pod = daemonPod(set, name, hash);
          return { pod: { ...pod, metadata: { ...pod.metadata, name: `p${String(made++)}` } }, node: name, hash, up };
        };
        let running = nodes.map(({ metadata }) => make(metadata.name ?? '', 'old', true));
        const seen = ({ pod, up, node: nodeName }: Running): Pod => ({
          ...pod,
          spec: { ...pod.spec, containers: [], nodeName },
          status: {
            phase: 'Running',
            conditions: [{ type: 'Ready', status: up ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }],
          },
        });
        for (let round = 0; round < 100; round++) {
          const view = { daemonSet: set, nodes, pods: running.map(seen), hash: 'new', nowMs };
          const placed = planPlacement(view);
          const idle = placed.create.length + placed.remove.length === 0;
          const plan = idle ? planRollout(view) : placed;
          const doomed = new Set(plan.remove.map((pod) => pod.metadata.name));
          running = [
            ...running.filter(({ pod }) => !doomed.has(pod.metadata.name)),
            ...plan.create.map((name) => make(name, 'new', false)),
          ];
          const served = new Set(running.filter(({ up }) => up).map((one) => one.node)).size;
          expect(served).toBeGreaterThanOrEqual(count - rollingUpdate.maxUnavailable);
          expect(running.length).toBeLessThanOrEqual(count + rollingUpdate.maxSurge);
          const waiting = running.filter(({ up }) => !up);
          const next = waiting[(picks.next().value as number) % Math.max(1, waiting.length)];
          if (next) next.up = true;
          else if (plan.create.length + plan.remove.length === 0) break;
        }
        expect(running.map((one) => `${one.node} ${one.hash}`).sort()).toEqual(nodes.map(({ metadata }) => `${metadata.name ?? ''} new`));
      }),
      { numRuns: 200 },
    );
  });

  it('removes pods from nodes that they are not for, and those made for nodes that are gone', () => {
    const set = daemonSet({});
    const there = daemonPod(set, 'tainted', 'new');
    const gone = daemonPod(set, 'gone', 'new');
    const view = {
      daemonSet: set,
      nodes: [node('tainted', { taints: [{ key: 'own', effect: 'NoExecute' }] })],
      pods: [
        { ...there, metadata: { ...there.metadata, name: 'x' } },
        { ...gone, metadata: { ...gone.metadata, name: 'y' } },
      ],
      hash: 'new',
      nowMs,
    };
    expect(planPlacement(view).remove.map((pod) => pod.metadata.name)).toEqual(['x', 'y']);
  });
});
