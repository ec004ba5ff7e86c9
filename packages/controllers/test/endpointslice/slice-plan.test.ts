import type { Endpoint, EndpointSlice } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSlices } from '../../src/endpointslice/slice-plan.ts';

const ports = [{ name: '', protocol: 'TCP', port: 80 }];
const labels = { app: 'web' };

function endpoint(number: number, ready = true): Endpoint {
  return { addresses: [`10.0.0.${String(number)}`], conditions: { ready }, targetRef: { uid: `u${String(number)}` } };
}

function group(endpoints: Endpoint[]) {
  return { addressType: 'IPv4' as const, ports, endpoints };
}

function slice(name: string, endpoints: Endpoint[]): EndpointSlice {
  return { metadata: { name, labels }, addressType: 'IPv4', ports, endpoints };
}

const range = (from: number, to: number): Endpoint[] => Array.from({ length: to - from }, (_, index) => endpoint(from + index));

describe('a plan for slices', () => {
  it('makes slices of at most 100 endpoints', () => {
    const plan = planSlices([], [group(range(0, 250))], labels);
    expect(plan.create.map((one) => one.endpoints.length)).toEqual([100, 100, 50]);
  });

  it('does nothing when nothing changed', () => {
    expect(planSlices([slice('a', range(0, 3))], [group(range(0, 3))], labels)).toEqual({ create: [], update: [], delete: [] });
  });

  it('changes only the slice of a changed endpoint, and fills that one', () => {
    const existing = [slice('a', range(0, 50)), slice('b', range(50, 90))];
    const wanted = [...range(0, 60), endpoint(60, false), ...range(61, 90), endpoint(99)];
    const plan = planSlices(existing, [group(wanted)], labels);
    expect(plan.create).toEqual([]);
    expect(plan.update.map((one) => [one.metadata.name, one.endpoints?.length])).toEqual([['b', 41]]);
  });

  it('deletes slices that became empty or have other ports', () => {
    const other = { ...slice('b', range(3, 5)), ports: [{ name: '', protocol: 'TCP', port: 81 }] };
    const plan = planSlices([slice('a', range(0, 3)), slice('c', range(5, 7)), other], [group(range(0, 3))], labels);
    expect(plan.delete.map((one) => one.metadata.name).sort()).toEqual(['b', 'c']);
  });

  it('keeps one empty slice for a Service without endpoints', () => {
    expect(planSlices([], [group([])], labels).create).toHaveLength(1);
    const plan = planSlices([slice('a', range(0, 3)), slice('b', range(3, 4))], [group([])], labels);
    expect([plan.update.map((one) => one.endpoints), plan.delete.length, plan.create.length]).toEqual([[[]], 1, 0]);
  });

  it('holds exactly the wanted endpoints after it is carried out, and then plans nothing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(400)), fc.uniqueArray(fc.nat(400)), (before, after) => {
        let slices: EndpointSlice[] = [];
        for (const numbers of [before, after, after]) {
          const plan = planSlices(slices, [group(numbers.map((number) => endpoint(number)))], labels);
          const gone = new Set([...plan.delete, ...plan.update].map((one) => one.metadata.name));
          const created = plan.create.map((one, index) =>
            slice(`${String(slices.length)}-${String(index)}-${String(numbers.length)}`, one.endpoints),
          );
          if (numbers === after && slices.length > 0 && created.length + gone.size === 0) continue;
          slices = [...slices.filter((one) => !gone.has(one.metadata.name)), ...plan.update, ...created];
          const held = slices.flatMap((one) => (one.endpoints ?? []).map((item) => item.targetRef?.uid)).sort();
          expect(held).toEqual(numbers.map((number) => `u${String(number)}`).sort());
          expect(slices.every((one) => (one.endpoints ?? []).length <= 100)).toBe(true);
        }
        expect(planSlices(slices, [group(after.map((number) => endpoint(number)))], labels)).toEqual({
          create: [],
          update: [],
          delete: [],
        });
      }),
    );
  });
});
