import dnsPacket from 'dns-packet';
import type { Answer, Packet } from 'dns-packet';
import { seededRandom } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { ClusterZone } from '../../src/dns/cluster-zone.ts';
import type { ZoneSource } from '../../src/dns/cluster-zone.ts';
import type { Forwarder } from '../../src/dns/forwarder.ts';
import { Responder } from '../../src/dns/responder.ts';
import { service, slice } from '../support/objects.ts';

const many = Array.from({ length: 60 }, (_, index) => ({ address: `10.128.0.${index + 1}` }));
const source: ZoneSource = {
  ready: () => true,
  service: (_namespace, name) =>
    ({
      web: service('web', { clusterIP: '10.96.0.9' }),
      many: service('many', { clusterIP: 'None' }),
      near: service('near', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
      far: service('far', { type: 'ExternalName', externalName: 'example.com' }),
      loop: service('loop', { type: 'ExternalName', externalName: 'loop.default.svc.cluster.local' }),
    })[name],
  slices: (_namespace, name) => (name === 'many' ? [slice('many', [], many)] : []),
  hasServices: () => true,
  servicesAt: () => [],
  slicesWith: () => [],
};

/** Answers `example.com`, and nothing else. */
const forwarder: Forwarder = {
  forward(query) {
    const { id, questions } = dnsPacket.decode(query);
    if (questions?.[0]?.name !== 'example.com') return Promise.resolve(undefined);
    const answers: Answer[] = [{ type: 'A', name: 'example.com', ttl: 60, data: '192.0.2.80' }];
    return Promise.resolve(dnsPacket.encode({ type: 'response', id: id ?? 0, flags: 0, questions, answers }));
  },
};

const responder = new Responder({
  zone: new ClusterZone({ domain: 'cluster.local', dnsAddress: '10.96.0.10', source }),
  forwarder,
  ownsAddress: (address) => address.startsWith('10.'),
  random: seededRandom(1),
});

async function ask(name: string, options: { type?: 'A' | 'PTR' | 'SOA'; transport?: 'udp' | 'tcp'; edns?: number } = {}) {
  const opt: Answer[] = options.edns
    ? [{ type: 'OPT', name: '.', udpPayloadSize: options.edns, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }]
    : [];
  const query: Packet = {
    type: 'query',
    id: 99,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: options.type ?? 'A', name }],
    additionals: opt,
  };
  const reply = await responder.respond(dnsPacket.encode(query), options.transport ?? 'udp');
  if (reply === undefined) throw new Error('no answer');
  const decoded = dnsPacket.decode(reply.message);
  return {
    size: reply.message.length,
    rcode: reply.exchange.rcode,
    id: decoded.id,
    truncated: decoded.flag_tc,
    authoritative: decoded.flag_aa,
    answers: (decoded.answers ?? []).map((answer) => `${answer.type} ${'data' in answer ? String(answer.data) : ''}`),
    authorities: (decoded.authorities ?? []).map((answer) => answer.type),
    additionals: (decoded.additionals ?? []).map((answer) => answer.type),
  };
}

describe('Responder', () => {
  it('answers what it knows with authority', async () => {
    expect(await ask('web.default.svc.cluster.local')).toMatchObject({
      id: 99,
      rcode: 'NOERROR',
      authoritative: true,
      answers: ['A 10.96.0.9'],
      additionals: [],
    });
  });

  it('denies a name, or a type of a name, with its SOA, so that the denial can be kept', async () => {
    expect(await ask('nothing.default.svc.cluster.local')).toMatchObject({ rcode: 'NXDOMAIN', answers: [], authorities: ['SOA'] });
    expect(await ask('web.default.svc.cluster.local', { type: 'PTR' })).toMatchObject({
      rcode: 'NOERROR',
      answers: [],
      authorities: ['SOA'],
    });
    expect(await ask('cluster.local', { type: 'SOA' })).toMatchObject({ rcode: 'NOERROR', authorities: [] });
  });

  it('follows an alias inside the cluster and outside', async () => {
    expect((await ask('near.default.svc.cluster.local')).answers).toEqual(['CNAME web.default.svc.cluster.local', 'A 10.96.0.9']);
    expect((await ask('far.default.svc.cluster.local')).answers).toEqual(['CNAME example.com', 'A 192.0.2.80']);
    expect((await ask('loop.default.svc.cluster.local')).rcode).toBe('SERVFAIL');
  });

  it('asks others for other names, and says so when nobody answers', async () => {
    expect(await ask('example.com')).toMatchObject({ id: 99, rcode: 'NOERROR', answers: ['A 192.0.2.80'] });
    expect(await ask('unreachable.example')).toMatchObject({ id: 99, rcode: 'SERVFAIL' });
  });

  it('denies unknown addresses of the cluster itself', async () => {
    expect((await ask('1.0.128.10.in-addr.arpa', { type: 'PTR' })).rcode).toBe('NXDOMAIN');
    expect((await ask('1.2.0.192.in-addr.arpa', { type: 'PTR' })).rcode).toBe('SERVFAIL');
  });

  it('cuts an answer to what the client can take, and gives all of it over TCP', async () => {
    const plain = await ask('many.default.svc.cluster.local');
    expect(plain.truncated).toBe(true);
    expect(plain.size).toBeLessThanOrEqual(512);
    expect(plain.answers.length).toBeGreaterThan(0);
    const extended = await ask('many.default.svc.cluster.local', { edns: 4096 });
    expect(extended.size).toBeLessThanOrEqual(1232);
    expect(extended.answers.length).toBeGreaterThan(plain.answers.length);
    expect(extended.additionals).toEqual(['OPT']);
    const whole = await ask('many.default.svc.cluster.local', { transport: 'tcp' });
    expect(whole).toMatchObject({ truncated: false });
    expect(whole.answers.length).toBe(60);
  });

  it('answers garbage with an error or not at all, and never fails', async () => {
    expect(await responder.respond(Buffer.from('short'), 'udp')).toBeUndefined();
    const answer = dnsPacket.encode({ type: 'response', id: 1, questions: [] });
    expect(await responder.respond(answer, 'udp')).toBeUndefined();
    const broken = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 65]);
    expect((await responder.respond(broken, 'udp'))?.exchange.rcode).toBe('FORMERR');
    const update = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'a' }] });
    update.writeUInt8(5 << 3, 2);
    expect((await responder.respond(update, 'udp'))?.exchange.rcode).toBe('NOTIMP');
    for (let seed = 0; seed < 200; seed += 1) {
      const random = seededRandom(seed);
      const noise = Buffer.from(Array.from({ length: 12 + Math.floor(random.next() * 60) }, () => Math.floor(random.next() * 256)));
      await responder.respond(noise, 'udp');
    }
  });
});
