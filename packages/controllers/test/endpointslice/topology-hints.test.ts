import type { Endpoint, Node, Service } from '@bayplan/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsOf } from '../../src/endpointslice/mirroring-controller.ts';
import { dealOut, withHints } from '../../src/endpointslice/topology-hints.ts';

const node = (name: string, zone: string, cpu = '2'): Node => ({
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
});
const endpoint = (number: number, zone: string, ready = true): Endpoint => ({
  addresses: [`10.0.0.${String(number)}`],
  conditions: { ready },
  nodeName: `n-${zone}`,
  zone,
});
const group = (endpoints: Endpoint[]) => [{ addressType: 'IPv4' as const, ports: [], endpoints }];
const service = (spec: Service['spec'], annotations: Record<string, string> = {}): Service => ({
  metadata: { name: 's', annotations },
  spec,
});
const auto = service({}, { 'service.kubernetes.io/topology-mode': 'Auto' });
const zonesOf = (endpoints: readonly Endpoint[] = []): (string | undefined)[] => endpoints.map((one) => one.hints?.forZones?.[0]?.name);

describe('hints', () => {
  it('name the zone, or the node too, where traffic shall stay near', () => {
    const endpoints = [endpoint(1, 'a'), endpoint(2, 'b', false)];
    const close = withHints(service({ trafficDistribution: 'PreferClose' }), group(endpoints), []);
    expect(zonesOf(close.groups[0]?.endpoints)).toEqual(['a', undefined]);
    const same = withHints(service({ trafficDistribution: 'PreferSameNode' }), group(endpoints), []);
    expect(same.groups[0]?.endpoints[0]?.hints).toEqual({ forZones: [{ name: 'a' }], forNodes: [{ name: 'n-a' }] });
    expect(zonesOf(withHints(service({}), group(endpoints), []).groups[0]?.endpoints)).toEqual([undefined, undefined]);
  });

  it('deal endpoints out to zones by their CPU', () => {
    // Zone a has 6 of 8 cores: 3 of 4 endpoints, though two of them are in b.
    const nodes = [node('a', 'a', '6'), node('b', 'b', '2')];
    const endpoints = [endpoint(1, 'a'), endpoint(2, 'a'), endpoint(3, 'b'), endpoint(4, 'b')];
    expect(zonesOf(withHints(auto, group(endpoints), nodes).groups[0]?.endpoints)).toEqual(['a', 'a', 'b', 'a']);
  });

  it('are refused when a zone would be left without', () => {
    const nodes = [node('a', 'a'), node('b', 'b'), node('c', 'c')];
    const two = withHints(auto, group([endpoint(1, 'a'), endpoint(2, 'b')]), nodes);
    expect(two.refusals).toEqual(['Insufficient number of endpoints (2), impossible to safely allocate proportionally, addressType: IPv4']);
    expect(zonesOf(two.groups[0]?.endpoints)).toEqual([undefined, undefined]);
    expect(withHints(auto, group([endpoint(1, 'a')]), [node('a', 'a')]).refusals[0]).toContain('Nodes only ready in one zone');
  });

  it('deal out every endpoint, none twice', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), (count, cpu) => {
        const total = cpu.reduce((sum, one) => sum + one, 0);
        const dealt = dealOut(count, new Map(cpu.map((one, index) => [`z${String(index)}`, one / total])));
        expect([...dealt.values()].reduce((sum, one) => sum + one, 0)).toBe(count);
        for (const [index, one] of cpu.entries())
          expect(Math.abs((dealt.get(`z${String(index)}`) ?? 0) - (count * one) / total)).toBeLessThan(1.000001);
      }),
    );
  });
});

describe('mirrored Endpoints', () => {
  it('are split by family and ports; what is no address is counted', () => {
    const { groups, skipped } = groupsOf([
      {
        addresses: [{ ip: '192.0.2.1', nodeName: 'n' }, { ip: '2001:db8::1' }, { ip: 'nonsense' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [{ port: 80 }],
      },
    ]);
    expect(skipped).toBe(1);
    expect(groups.map((one) => [one.addressType, one.endpoints.map((each) => [each.addresses[0], each.conditions?.ready])])).toEqual([
      [
        'IPv4',
        [
          ['192.0.2.1', true],
          ['192.0.2.2', false],
        ],
      ],
      ['IPv6', [['2001:db8::1', true]]],
    ]);
    expect(groups[0]?.ports).toEqual([{ name: '', protocol: 'TCP', port: 80 }]);
  });
});
