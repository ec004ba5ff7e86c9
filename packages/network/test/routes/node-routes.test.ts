import type { Node } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { parseRoutes, routeChanges, routesOf } from '../../src/routes/node-routes.ts';

function node(name: string, address: string, podCIDR?: string): Node {
  return {
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

describe('node routes', () => {
  it('lead to every other node that has a range', () => {
    expect(
      routesOf([node('b', '192.0.2.2', '10.128.4.0/22'), node('a', '192.0.2.1', '10.128.0.0/22'), node('c', '192.0.2.3')], 'a'),
    ).toEqual([{ cidr: '10.128.4.0/22', gateway: '192.0.2.2' }]);
  });

  it('change only where they differ', () => {
    const existing = parseRoutes(
      '10.128.4.0/22 via 192.0.2.2 dev eth0 \n10.128.8.0/22 via 192.0.2.3 dev eth0 \n10.96.0.0/12 dev eth0 scope link src 192.0.2.1 \n',
    );
    const wanted = [
      { cidr: '10.128.4.0/22', gateway: '192.0.2.2' },
      { cidr: '10.128.12.0/22', gateway: '192.0.2.4' },
    ];
    expect(routeChanges(existing, wanted).map((command) => command.join(' '))).toEqual([
      'ip route del 10.128.8.0/22 via 192.0.2.3 proto 98',
      'ip route replace 10.128.12.0/22 via 192.0.2.4 proto 98',
    ]);
    expect(routeChanges(wanted, wanted)).toEqual([]);
  });
});
