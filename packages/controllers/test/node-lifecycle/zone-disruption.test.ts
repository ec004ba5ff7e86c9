import type { Node } from '@bayplan/api';
import { FakeClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { isLeftBehind } from '../../src/lease-cleanup/lease-cleanup-controller.ts';
import { ZoneDisruption, zoneState } from '../../src/node-lifecycle/zone-disruption.ts';
import { nextStep } from '../../src/node-ttl/node-ttl-controller.ts';

const node = (zone: string, ready: boolean): Node => ({
  metadata: { labels: { 'topology.kubernetes.io/zone': zone } },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
});

describe('zones', () => {
  it.each([
    [3, 0, 'Normal'],
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [3, 3, 'Normal'],
    [0, 1, 'FullDisruption'],
    [0, 0, 'Normal'],
  ])('with %i ready nodes and %i others are in %s', (ready, notReady, state) => {
    expect(zoneState(ready, notReady)).toBe(state);
  });

  function setUp(sizes: Record<string, [ready: number, notReady: number]>) {
    const clock = new FakeClock();
    const zones = new ZoneDisruption(clock, 50_000);
    for (const [zone, [ready, notReady]] of Object.entries(sizes)) {
      for (let index = 0; index < ready + notReady; index++) zones.update(`${zone}${String(index)}`, node(zone, index < ready));
    }
    return { clock, zones };
  }

  it('lose one node in ten seconds, each zone by itself', async () => {
    const { clock, zones } = setUp({ a: [4, 2], b: [4, 1] });
    await clock.advance(50_000);
    expect(zones.askToTaint(node('a', false))).toBe(0);
    expect(zones.askToTaint(node('a', false))).toBe(10_000);
    expect(zones.askToTaint(node('b', false))).toBe(0);
    await clock.advance(10_000);
    expect(zones.askToTaint(node('a', false))).toBe(0);
  });

  it('that are small and half gone are left alone, large ones go on slowly', async () => {
    const { clock, zones } = setUp({ small: [2, 3], large: [20, 40] });
    await clock.advance(50_000);
    expect(zones.askToTaint(node('small', false))).toBe(Infinity);
    expect(zones.askToTaint(node('large', false))).toBe(0);
    expect(zones.askToTaint(node('large', false))).toBe(100_000);
  });

  it('a zone without a ready node is evicted while another is well; with no ready node at all nothing is', async () => {
    const { clock, zones } = setUp({ gone: [0, 1], well: [1, 0] });
    await clock.advance(50_000);
    expect(zones.askToTaint(node('gone', false))).toBe(0);
    expect(zones.update('well0', node('well', false))).toBe(true);
    expect([zones.isWholeCluster, zones.askToTaint(node('well', false))]).toEqual([true, Infinity]);
    expect(zones.update('well0', node('well', true))).toBe(true);
    // Nodes get time to report before the first is given up.
    expect(zones.askToTaint(node('gone', false))).toBe(50_000);
  });
});

it('the time to live of nodes rises with their number and falls later', () => {
  expect([0, 100, 101, 600, 5000].map((count) => nextStep(0, count))).toEqual([0, 0, 1, 2, 4]);
  expect([95, 89].map((count) => nextStep(1, count))).toEqual([1, 0]);
});

it('a Lease is left behind an hour after it has run out', () => {
  const lease = { metadata: {}, spec: { renewTime: '2026-01-01T00:00:00.000000Z', leaseDurationSeconds: 30 } };
  const at = Date.parse('2026-01-01T01:00:30Z');
  expect([isLeftBehind(lease, at), isLeftBehind(lease, at + 1)]).toEqual([false, true]);
});
