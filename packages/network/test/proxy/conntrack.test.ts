import { describe, expect, it } from 'vitest';
import { staleFlows } from '../../src/proxy/conntrack.ts';
import { servicePortsOf } from '../../src/proxy/service-ports.ts';
import { service, slice } from '../support/objects.ts';

function ports(addresses: readonly string[], protocol = 'UDP') {
  const of = service('dns', { type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 53, protocol, nodePort: 30_053 }] });
  return servicePortsOf(
    of,
    [
      slice(
        'dns',
        [{ port: 5353, protocol }],
        addresses.map((address) => ({ address })),
      ),
    ],
    'here',
  );
}

describe('staleFlows', () => {
  it('names the flows to a UDP backend that left', () => {
    expect(staleFlows(ports(['10.0.0.1', '10.0.0.2']), ports(['10.0.0.2']), '10.96.0.10')).toEqual([
      { address: '10.96.0.9', port: 53, backend: '10.0.0.1' },
      { address: undefined, port: 30_053, backend: '10.0.0.1' },
    ]);
  });

  it('names untranslated flows when the first backend comes', () => {
    expect(staleFlows(ports([]), ports(['10.0.0.2']), '10.96.0.10')).toEqual([
      { address: '10.96.0.9', port: 53, backend: undefined },
      { address: undefined, port: 30_053, backend: undefined },
    ]);
  });

  it('leaves TCP alone: its connections end by themselves', () => {
    expect(staleFlows(ports(['10.0.0.1'], 'TCP'), ports([], 'TCP'), '10.96.0.10')).toEqual([]);
  });
});
