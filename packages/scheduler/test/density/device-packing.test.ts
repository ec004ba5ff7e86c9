import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DevicePacking, fits, ShapeMix, take } from '../../src/index.ts';
import type { DeviceNode, DeviceShape } from '../../src/index.ts';
import { DeviceRemainders } from '../../src/density/device-remainders.ts';

const shared = (deviceMilli: number, cpuMilli = 4000): DeviceShape => ({ cpuMilli, memory: 1, devices: 1, deviceMilli });
const whole = (devices: number, cpuMilli = devices * 10_000): DeviceShape => ({ cpuMilli, memory: 1, devices, deviceMilli: 1000 });
const node = (devices: number[], cpuMilli = 96_000, model = 'A'): DeviceNode => ({
  cpuMilli,
  memory: 1000,
  devices: Int32Array.from(devices),
  model,
});

function mixOf(...entries: [DeviceShape, number][]): ShapeMix {
  const mix = new ShapeMix();
  for (const [shape, count] of entries) for (let index = 0; index < count; index += 1) mix.record(shape);
  return mix;
}

describe('the mix of shapes', () => {
  test('gives the most frequent first, and a typical set that adds up to 1', () => {
    const mix = mixOf([shared(500), 6], [whole(1), 3], [whole(8), 1]);
    expect(mix.shapes().map(({ share }) => share)).toEqual([0.6, 0.3, 0.1]);
    const typical = mix.typical(0.85);
    expect(typical).toHaveLength(2);
    expect(typical.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });

  test('forgets by half-life', () => {
    const mix = new ShapeMix(10);
    for (let index = 0; index < 10; index += 1) mix.record(shared(500));
    for (let index = 0; index < 10; index += 1) mix.record(whole(1));
    const [first, second] = mix.shapes();
    expect(first?.devices === 1 && first.deviceMilli).toBe(1000);
    expect((first?.share ?? 0) / (second?.share ?? 1)).toBeCloseTo(2);
  });

  test('stays exact over very many arrivals', () => {
    const mix = new ShapeMix(5);
    for (let index = 0; index < 5000; index += 1) mix.record(shared(index % 2 === 0 ? 500 : 250));
    const [first, second] = mix.shapes();
    expect((first?.share ?? 0) + (second?.share ?? 0)).toBeCloseTo(1);
    expect(first?.deviceMilli).toBe(250);
  });
});

describe('remainders of devices', () => {
  const remainders = new DeviceRemainders(mixOf([shared(470), 10], [shared(530), 10], [whole(1), 10]).shapes(), {
    eagerness: 100,
    choosiness: 50,
  });

  test('that nothing fits are wasted, those with an exact filler are not', () => {
    expect(remainders.waste(190)).toBe(190);
    expect(remainders.waste(460)).toBe(460);
    expect(remainders.waste(530)).toBeLessThan(15);
    expect(remainders.waste(600)).toBeGreaterThan(60);
    expect(remainders.waste(1000)).toBeLessThan(15);
    expect(remainders.waste(0)).toBe(0);
  });
});

describe('placement', () => {
  const mix = mixOf([shared(500), 40], [whole(1), 40], [whole(8, 80_000), 1]);

  test('fills a started device before it opens another', () => {
    const packing = new DevicePacking(mix);
    expect(packing.place(node([1000, 500, 1000, 1000]), shared(500)).devices).toEqual([1]);
    const started = packing.place(node([500, 1000]), shared(500)).score;
    const fresh = packing.place(node([1000, 1000]), shared(500)).score;
    expect(started).toBeGreaterThan(fresh);
  });

  test('leaves the last place of a large pod alone while another node will do', () => {
    const empty = node([1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
    const part = node([0, 1000, 1000, 1000, 1000, 1000, 1000, 1000], 86_000);
    const packing = new DevicePacking(mix);
    packing.placed([empty, part]);
    expect(packing.place(part, whole(1)).score).toBeGreaterThan(packing.place(empty, whole(1)).score);
  });

  test('sends CPU-heavy pods where CPU is plentiful', () => {
    const packing = new DevicePacking(mix);
    const rich = packing.place(node([1000, 1000], 96_000), whole(1, 16_000)).score;
    const poor = packing.place(node([1000, 1000], 20_000), whole(1, 16_000)).score;
    expect(rich).toBeGreaterThan(poor);
  });

  test('takes what it says, only from nodes that the pod fits, whatever the order', () => {
    const shape = fc.oneof(
      fc
        .record({ milli: fc.integer({ min: 1, max: 1000 }), cpu: fc.integer({ min: 0, max: 32_000 }) })
        .map(({ milli, cpu }) => shared(milli, cpu)),
      fc
        .record({ devices: fc.integer({ min: 0, max: 4 }), cpu: fc.integer({ min: 0, max: 64_000 }) })
        .map(({ devices, cpu }) => whole(devices, cpu)),
    );
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 40 }), (shapes) => {
        const packing = new DevicePacking(mix);
        const nodes = [node([1000, 1000, 1000, 1000]), node([1000, 1000], 16_000, 'B')];
        let asked = 0;
        for (const pod of shapes) {
          const target = nodes.find((candidate) => fits(candidate, pod));
          if (target === undefined) continue;
          const { devices, score } = packing.place(target, pod);
          expect(Number.isFinite(score)).toBe(true);
          expect(new Set(devices).size).toBe(pod.devices);
          take(target, pod, devices);
          asked += pod.devices * pod.deviceMilli;
          packing.placed(nodes);
        }
        for (const { devices, cpuMilli } of nodes) expect(Math.min(cpuMilli, ...devices)).toBeGreaterThanOrEqual(0);
        const free = nodes.reduce((sum, { devices }) => sum + devices.reduce((a, b) => a + b, 0), 0);
        expect(free + asked).toBe(6000);
      }),
    );
  });
});
