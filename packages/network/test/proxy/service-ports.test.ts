import { describe, expect, it } from 'vitest';
import { servicePortsOf } from '../../src/proxy/service-ports.ts';
import { service, slice } from '../support/objects.ts';
import type { TestEndpoint } from '../support/objects.ts';

const web = service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, targetPort: 'http' }] });

function backends(endpoints: readonly TestEndpoint[], of: 'backends' | 'localBackends' = 'backends'): string[] {
  const [port] = servicePortsOf(web, [slice('web', [{ name: 'http', port: 8080 }], endpoints)], 'here');
  return (port?.[of] ?? []).map((backend) => `${backend.address}:${backend.port}`);
}

describe('servicePortsOf', () => {
  it.each([
    { what: 'headless Services', spec: { clusterIP: 'None' } },
    { what: 'ExternalName Services', spec: { type: 'ExternalName', externalName: 'example.com' } },
    { what: 'Services that have no address yet', spec: {} },
    { what: 'Services with IPv6 addresses only', spec: { clusterIP: 'fd00::1' } },
  ])('leaves $what alone', ({ spec }) => {
    expect(servicePortsOf(service('web', { ...spec, ports: [{ port: 80 }] }), [], 'here')).toEqual([]);
  });

  it('uses ready endpoints only', () => {
    expect(
      backends([
        { address: '10.0.0.1' },
        { address: '10.0.0.2', ready: false },
        { address: '10.0.0.3', ready: false, serving: true, terminating: true },
      ]),
    ).toEqual(['10.0.0.1:8080']);
  });

  it('falls back to endpoints that terminate but still serve', () => {
    expect(
      backends([
        { address: '10.0.0.2', ready: false, serving: false, terminating: true },
        { address: '10.0.0.3', ready: false, serving: true, terminating: true },
      ]),
    ).toEqual(['10.0.0.3:8080']);
  });

  it('applies the same rule to the endpoints of this node alone', () => {
    const endpoints = [
      { address: '10.0.0.1', node: 'there' },
      { address: '10.0.0.3', node: 'here', ready: false, serving: true, terminating: true },
    ];
    expect(backends(endpoints)).toEqual(['10.0.0.1:8080']);
    expect(backends(endpoints, 'localBackends')).toEqual(['10.0.0.3:8080']);
  });

  it('joins slices, drops doubles, and matches ports by name', () => {
    const slices = [
      slice(
        'web',
        [
          { name: 'http', port: 8080 },
          { name: 'other', port: 1 },
        ],
        [{ address: '10.0.0.2' }],
      ),
      slice('web', [{ name: 'http', port: 8081 }], [{ address: '10.0.0.1' }], { suffix: 'b' }),
      slice('web', [{ name: 'http', port: 8080 }], [{ address: '10.0.0.2' }], { suffix: 'c' }),
    ];
    expect(servicePortsOf(web, slices, 'here')[0]?.backends.map((backend) => `${backend.address}:${backend.port}`)).toEqual([
      '10.0.0.1:8081',
      '10.0.0.2:8080',
    ]);
  });

  it('lets nothing that is no address into the rules', () => {
    const evil = service('lb', {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.9',
      externalIPs: ['203.0.113.5', '1.2.3.4; flush ruleset', '01.2.3.4'],
      loadBalancerSourceRanges: [' 192.0.2.0/24 ', '10.0.0.0/8 } accept; #', '10.0.0.0/99'],
      ports: [{ port: 80, nodePort: 30_000 }],
    });
    expect(servicePortsOf(evil, [], 'here')[0]).toMatchObject({
      externalIps: ['203.0.113.5'],
      sourceRanges: ['192.0.2.0/24'],
      nodePort: 30_000,
    });
    expect(backends([{ address: '10.0.0.1 } goto x' }, { address: 'fd00::1' }])).toEqual([]);
  });
});
