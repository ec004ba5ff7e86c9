import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultProfile, PlacementCore } from '../src/index.ts';
import { node, pod } from './support/objects.ts';

interface Step {
  readonly kind: 'place' | 'remove' | 'cordon' | 'resize';
  readonly cpuMilli: number;
  readonly memoryMi: number;
  readonly pick: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('place', 'place', 'place', 'place', 'remove', 'cordon', 'resize'),
  cpuMilli: fc.integer({ min: 0, max: 8 }).map((count) => count * 125),
  memoryMi: fc.integer({ min: 0, max: 8 }).map((count) => count * 128),
  pick: fc.nat(1000),
});
const nodeCounts = fc.integer({ min: 1, max: 40 });

/** Plays the steps and tells where each pod went. A fresh core for every decision shows what incremental plans must equal. */
function play(count: number, steps: readonly Step[], seed: number, check: (core: PlacementCore) => void): string[] {
  const core = new PlacementCore({ profile: defaultProfile, seed });
  const nodes = new Map<string, Parameters<typeof node>[1]>();
  for (let index = 0; index < count; index += 1) {
    const shape = { cpu: `${1 + (index % 3)}`, memory: `${1 + (index % 4)}Gi`, pods: '6' };
    nodes.set(`n${index}`, shape);
    core.cache.setNode(node(`n${index}`, shape));
  }
  const placed: string[] = [];
  const trace: string[] = [];
  steps.forEach((one, index) => {
    const name = `n${one.pick % count}`;
    if (one.kind === 'place') {
      const wanted = pod(`p${index}`, { cpu: `${one.cpuMilli}m`, memory: `${one.memoryMi}Mi` });
      const decision = core.decide(wanted);
      trace.push(decision.kind === 'placed' ? decision.nodeName : decision.message);
      if (decision.kind === 'placed') {
        core.cache.assume(wanted, decision.nodeName);
        placed.push(`uid-p${index}`);
      }
    } else if (one.kind === 'remove') {
      const uid = placed.splice(one.pick % Math.max(placed.length, 1), 1)[0];
      if (uid !== undefined) core.cache.removePod(uid);
    } else {
      const shape = {
        ...nodes.get(name),
        ...(one.kind === 'cordon' ? { unschedulable: one.pick % 2 === 0 } : { cpu: `${2 + (one.pick % 3)}` }),
      };
      nodes.set(name, shape);
      core.cache.setNode(node(name, shape));
    }
    check(core);
  });
  return trace;
}

describe('PlacementCore, for any course of events', () => {
  it('never gives a node more than it has, and keeps exact accounts', () => {
    fc.assert(
      fc.property(nodeCounts, fc.array(step, { maxLength: 120 }), fc.nat(), (count, steps, seed) => {
        // Nodes only grow here: a node that shrinks may be over-committed without anybody's fault.
        const growing = steps.filter((one) => one.kind !== 'resize');
        play(count, growing, seed, ({ cache: { columns } }) => {
          for (const row of columns.live) {
            const sums = new Map<number, number>();
            for (const placed of columns.podsOn(row))
              for (const { resource, amount } of placed.shape.requests) sums.set(resource, (sums.get(resource) ?? 0) + amount);
            for (let resource = 0; resource < columns.resources.count; resource += 1) {
              expect(columns.used(resource)[row]).toBe(sums.get(resource) ?? 0);
              expect(columns.used(resource)[row]).toBeLessThanOrEqual(columns.allocatable(resource)[row] ?? 0);
            }
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same plan for the same seed', () => {
    fc.assert(
      fc.property(nodeCounts, fc.array(step, { maxLength: 60 }), fc.nat(), (count, steps, seed) => {
        expect(play(count, steps, seed, () => undefined)).toEqual(play(count, steps, seed, () => undefined));
      }),
      { numRuns: 40 },
    );
  });

  it('decides the same from a plan kept up to date as from a new one', () => {
    fc.assert(
      fc.property(nodeCounts, fc.array(step, { maxLength: 60 }), fc.nat(), (count, steps, seed) => {
        // Two pods of one shape: the first keeps its plan through the steps, the second meets a new core's.
        const kept = play(count, steps, seed, (core) => void core.decide(pod('probe', { cpu: '250m', memory: '256Mi' })));
        const scores = (of: PlacementCore) => {
          const decision = of.decide(pod('probe', { cpu: '250m', memory: '256Mi' }));
          return decision.kind === 'placed' ? [decision.score, decision.feasibleNodes] : [decision.message];
        };
        let last: PlacementCore | undefined;
        play(count, steps, seed, (core) => {
          core.decide(pod('probe', { cpu: '250m', memory: '256Mi' }));
          last = core;
        });
        if (last === undefined) return;
        const fresh = new PlacementCore({ profile: defaultProfile, seed });
        for (const row of last.cache.columns.live) {
          const name = last.cache.columns.nameOf(row);
          const { columns } = last.cache;
          fresh.cache.setNode(
            node(name, {
              cpu: `${(columns.allocatable(0)[row] ?? 0) / 1000}`,
              memory: `${columns.allocatable(1)[row] ?? 0}`,
              pods: `${columns.allocatable(3)[row] ?? 0}`,
              unschedulable: columns.unschedulable.has(row),
            }),
          );
          for (const placed of columns.podsOn(row)) {
            const amount = (resource: number) => placed.shape.requests.find((request) => request.resource === resource)?.amount ?? 0;
            fresh.cache.assume(pod(placed.name, { cpu: `${amount(0)}m`, memory: `${amount(1)}` }), name);
          }
        }
        expect(scores(last)).toEqual(scores(fresh));
        expect(kept.length).toBe(steps.filter((one) => one.kind === 'place').length);
      }),
      { numRuns: 60 },
    );
  });
});
