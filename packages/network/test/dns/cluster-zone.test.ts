import { resources } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { ClusterZone } from '../../src/dns/cluster-zone.ts';
import { zoneSourceOf } from '../../src/dns/zone-source.ts';
import { createFakeInformers } from '../support/fake-informers.ts';
import { service, slice } from '../support/objects.ts';

function zone(): ClusterZone {
  const informers = createFakeInformers();
  const source = zoneSourceOf(informers);
  const services = informers.informer(resources.services);
  const slices = informers.informer(resources.endpointSlices);
  const httpAndDns = [
    { name: 'http', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ];
  services.put(service('web', { clusterIP: '10.96.0.9', ports: httpAndDns }));
  services.put(service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }));
  services.put(service('idle', { clusterIP: 'None' }));
  services.put(service('docs', { type: 'ExternalName', externalName: 'docs.example.com.' }));
  slices.put(
    slice(
      'db',
      [{ name: 'sql', port: 15_432 }],
      [{ address: '10.128.0.2', hostname: 'db-0' }, { address: '10.128.0.3' }, { address: '10.128.0.4', ready: false }],
      { headless: true },
    ),
  );
  return new ClusterZone({ domain: 'cluster.local', dnsAddress: '10.96.0.10', source });
}

/** The answer as text: records joined, or the kind of denial. */
function ask(name: string, type: string): string {
  const answer = zone().answer(name, type);
  if (answer.kind !== 'success') return answer.kind;
  return answer.records
    .map((record) => {
      switch (record.type) {
        case 'A':
          return record.address;
        case 'SRV':
          return `${record.port} ${record.target}`;
        case 'TXT':
          return record.text;
        default:
          return record.target;
      }
    })
    .join(', ');
}

describe('ClusterZone', () => {
  it.each([
    ['web.default.svc.cluster.local', 'A', '10.96.0.9'],
    ['WEB.Default.svc.cluster.local', 'A', '10.96.0.9'],
    ['web.default.svc.cluster.local', 'AAAA', ''],
    ['web.default.svc.cluster.local', 'SRV', '80 web.default.svc.cluster.local, 53 web.default.svc.cluster.local'],
    ['_http._tcp.web.default.svc.cluster.local', 'SRV', '80 web.default.svc.cluster.local'],
    ['_http._udp.web.default.svc.cluster.local', 'SRV', 'no-such-name'],
    ['_tcp.web.default.svc.cluster.local', 'SRV', ''],
    ['x.web.default.svc.cluster.local', 'A', 'no-such-name'],
    ['db.default.svc.cluster.local', 'A', '10.128.0.2, 10.128.0.3'],
    ['db-0.db.default.svc.cluster.local', 'A', '10.128.0.2'],
    ['10-128-0-3.db.default.svc.cluster.local', 'A', '10.128.0.3'],
    ['10-128-0-4.db.default.svc.cluster.local', 'A', 'no-such-name'],
    [
      '_sql._tcp.db.default.svc.cluster.local',
      'SRV',
      '15432 db-0.db.default.svc.cluster.local, 15432 10-128-0-3.db.default.svc.cluster.local',
    ],
    ['idle.default.svc.cluster.local', 'A', 'no-such-name'],
    ['docs.default.svc.cluster.local', 'A', 'docs.example.com'],
    ['missing.default.svc.cluster.local', 'A', 'no-such-name'],
    ['default.svc.cluster.local', 'A', ''],
    ['nowhere.svc.cluster.local', 'A', 'no-such-name'],
    ['svc.cluster.local', 'A', ''],
    ['cluster.local', 'A', ''],
    ['cluster.local', 'NS', 'ns.dns.cluster.local'],
    ['dns-version.cluster.local', 'TXT', '1.1.0'],
    // What a resolver tries along its search path before the name itself.
    ['web.default.svc.cluster.local.default.svc.cluster.local', 'A', 'no-such-name'],
    ['example.com.default.svc.cluster.local', 'A', 'no-such-name'],
    ['example.com.cluster.local', 'A', 'no-such-name'],
    ['10-128-0-7.default.pod.cluster.local', 'A', '10.128.0.7'],
    ['10-128-0-777.default.pod.cluster.local', 'A', 'no-such-name'],
    ['9.0.96.10.in-addr.arpa', 'PTR', 'web.default.svc.cluster.local'],
    ['2.0.128.10.in-addr.arpa', 'PTR', 'db-0.db.default.svc.cluster.local'],
    ['3.0.128.10.in-addr.arpa', 'PTR', '10-128-0-3.db.default.svc.cluster.local'],
    ['1.1.1.1.in-addr.arpa', 'PTR', 'elsewhere'],
    ['example.com', 'A', 'elsewhere'],
    ['notcluster.local', 'A', 'elsewhere'],
  ])('%s %s: %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });

  it('denies nothing before it knows what exists', () => {
    const informers = createFakeInformers();
    const source = { ...zoneSourceOf(informers), ready: () => false };
    const young = new ClusterZone({ domain: 'cluster.local', dnsAddress: '10.96.0.10', source });
    expect(young.answer('web.default.svc.cluster.local', 'A').kind).toBe('not-ready');
    expect(young.answer('example.com', 'A').kind).toBe('elsewhere');
  });
});
