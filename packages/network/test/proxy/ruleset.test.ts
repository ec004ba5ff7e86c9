import { describe, expect, it } from 'vitest';
import type { NetworkSettings } from '../../src/network-options.ts';
import { diffState, emptyState } from '../../src/proxy/nft-state.ts';
import { renderServices } from '../../src/proxy/ruleset.ts';
import type { ServicePort } from '../../src/proxy/service-ports.ts';

const settings: NetworkSettings = {
  nodeName: 'here',
  nodeIp: '192.0.2.1',
  clusterCidr: '10.128.0.0/10',
  serviceCidr: '10.96.0.0/12',
  dnsAddress: '10.96.0.10',
  clusterDomain: 'cluster.local',
};

function port(change: Partial<ServicePort> = {}): ServicePort {
  return {
    namespace: 'default',
    name: 'web',
    protocol: 'tcp',
    port: 80,
    clusterIps: ['10.96.0.9'],
    externalIps: [],
    nodePort: undefined,
    sourceRanges: [],
    affinitySeconds: undefined,
    internalPolicy: 'Cluster',
    externalPolicy: 'Cluster',
    backends: [{ address: '10.128.0.2', port: 8080, local: true }],
    localBackends: [],
    ...change,
  };
}

const script = (from: readonly ServicePort[], to: readonly ServicePort[]) =>
  diffState('ip t', from.length === 0 ? emptyState : renderServices(from, [], settings), renderServices(to, [], settings));

describe('renderServices and diffState', () => {
  it('adds one chain and one element for a Service', () => {
    expect(script([], [port()])).toEqual({
      apply: `add chain ip t all-2c65dd2d6d-default/web/tcp/80
add rule ip t all-2c65dd2d6d-default/web/tcp/80 meta l4proto tcp dnat ip to numgen random mod 1 map { 0 : 10.128.0.2 . 8080 }
add element ip t service-ips { 10.96.0.9 . tcp . 80 : goto all-2c65dd2d6d-default/web/tcp/80 }
add element ip t hairpin { 10.128.0.2 . 10.128.0.2 }
add element ip t local-backends { 10.128.0.2 }
`.replaceAll('2c65dd2d6d', hashOf(port())),
      collect: '',
    });
  });

  it('writes nothing when nothing changed', () => {
    expect(script([port()], [port()])).toEqual({ apply: '', collect: '' });
  });

  it('touches only the chain when a backend on another node comes', () => {
    const remote = { address: '10.128.4.2', port: 8080, local: false };
    const { apply, collect } = script([port()], [port({ backends: [...port().backends, remote] })]);
    expect(
      apply
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ').slice(0, 2).join(' ')),
    ).toEqual(['flush chain', 'add rule']);
    expect(apply).toContain('mod 2 map { 0 : 10.128.0.2 . 8080, 1 : 10.128.4.2 . 8080 }');
    expect(collect).toBe('');
  });

  it('takes a Service out of the maps before its chain is collected', () => {
    const { apply, collect } = script([port({ nodePort: 30_080, type: 'x' } as Partial<ServicePort>)], []);
    expect(apply).toMatch(/^delete element ip t service-ips \{ 10\.96\.0\.9 \. tcp \. 80 \}$/m);
    expect(apply).toMatch(/^delete element ip t node-ports \{ tcp \. 30080 \}$/m);
    expect(apply).not.toContain('delete chain');
    expect(collect.match(/^delete chain/gm)).toHaveLength(2);
  });

  it('has no rule for a Service without backends, except to refuse its external addresses', () => {
    const { apply } = script([], [port({ backends: [], externalIps: ['203.0.113.1'], nodePort: 30_080 })]);
    expect(apply).toBe('add element ip t closed { 203.0.113.1 . tcp . 80 }\n');
  });

  it('leads host ports of the node, or of one of its addresses, to the pod', () => {
    const pod = { protocol: 'tcp', port: 80, address: '10.128.0.2', targetPort: 8080 };
    const state = renderServices(
      [],
      [
        { ...pod, hostIp: undefined },
        { ...pod, hostIp: '192.0.2.1', port: 81 },
      ],
      settings,
    );
    expect(diffState('ip t', emptyState, state).apply).toBe(`add element ip t host-ports { tcp . 80 : 10.128.0.2 . 8080 }
add element ip t host-address-ports { 192.0.2.1 . tcp . 81 : 10.128.0.2 . 8080 }
add element ip t hairpin { 10.128.0.2 . 10.128.0.2 }
add element ip t local-backends { 10.128.0.2 }
`);
  });

  it('leaves the DNS address to the resolver on this node', () => {
    const { apply } = script([], [port({ clusterIps: ['10.96.0.10'] })]);
    expect(apply).not.toContain('service-ips');
  });

  it('drops what a Local policy leaves without a backend', () => {
    expect(script([], [port({ internalPolicy: 'Local' })]).apply).toContain('add element ip t service-ips { 10.96.0.9 . tcp . 80 : drop }');
    const outside = script([], [port({ nodePort: 30_080, externalPolicy: 'Local' })]).apply;
    const rules = outside.split('\n').filter((line) => line.startsWith('add rule ip t external-'));
    expect(
      rules.map((line) =>
        line
          .split(' ')
          .slice(5, 9)
          .join(' ')
          .replace(/all-\S+/, 'ALL'),
      ),
    ).toEqual(['ip saddr 10.128.0.0/10 goto', 'fib saddr type local', 'drop']);
  });

  it('gives every backend of a sticky Service a set of clients of its own', () => {
    const two = [...port().backends, { address: '10.128.0.3', port: 8080, local: true }];
    const before = [port({ affinitySeconds: 60, backends: two })];
    const { apply } = script([], before);
    expect(apply.match(/^add set ip t clients-\w+ \{ type ipv4_addr; flags dynamic,timeout; timeout 60s; \}$/gm)).toHaveLength(2);
    const less = script(before, [port({ affinitySeconds: 60 })]);
    expect(less.apply).not.toContain('add set');
    expect(less.collect.match(/^delete (chain|set)/gm)).toEqual(['delete chain', 'delete set']);
  });
});

function hashOf(of: ServicePort): string {
  const [name = ''] = renderServices([of], [], settings).chains.keys();
  return name.split('-')[1] ?? '';
}
