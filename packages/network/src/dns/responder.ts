import dnsPacket from 'dns-packet';
import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet';
import type { Random } from '@bayplan/component-base';
import type { ClusterZone, ZoneAnswer, ZoneRecord } from './cluster-zone.ts';
import type { Forwarder } from './forwarder.ts';

export type DnsTransport = 'udp' | 'tcp';

/** What was asked and said, for metrics. */
export interface DnsExchange {
  readonly zone: string;
  readonly type: string;
  readonly rcode: string;
}

export interface DnsReply {
  readonly message: Buffer;
  readonly exchange: DnsExchange;
}

export interface ResponderOptions {
  readonly zone: ClusterZone;
  readonly forwarder: Forwarder;
  /** Ranges whose reverse names belong to the cluster alone: what is unknown there does not exist. */
  readonly ownsAddress: (address: string) => boolean;
  readonly random: Random;
}

/** Seconds that clients may keep an answer, positive or negative. */
const ttlSeconds = 5;
/** Safe for any path (DNS flag day 2020). */
const maxUdpBytes = 1232;
const maxAliases = 8;
const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
type Rcode = keyof typeof rcodes;

/** Answers DNS messages: the cluster's names itself, everything else by asking the host's servers. */
export class Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Undefined for what deserves no answer: not a DNS message, or itself an answer. Never rejects. */
  async respond(query: Buffer, transport: DnsTransport): Promise<DnsReply | undefined> {
    if (query.length < 12 || (query.readUInt8(2) & 0x80) !== 0) return undefined;
    let packet: DecodedPacket;
    try {
      packet = dnsPacket.decode(query);
    } catch {
      return { message: bareReply(query, 'FORMERR'), exchange: { zone: '.', type: 'other', rcode: 'FORMERR' } };
    }
    const question = packet.questions?.[0];
    if (opcodeOf(query) !== queryOpcode)
      return { message: bareReply(query, 'NOTIMP'), exchange: { zone: '.', type: 'other', rcode: 'NOTIMP' } };
    if (question === undefined || packet.questions?.length !== 1) {
      return { message: bareReply(query, 'FORMERR'), exchange: { zone: '.', type: 'other', rcode: 'FORMERR' } };
    }
    const answer = (question.class ?? 'IN') === 'IN' ? this.#local(question) : { kind: 'elsewhere' as const };
    if (answer.kind === 'elsewhere') return this.#forward(query, question, transport);
    const { rcode, body } = await this.#compose(question, answer);
    const message = encode(packet, question, rcode, body, transport);
    return { message, exchange: { zone: `${this.#options.zone.domain}.`, type: question.type, rcode } };
  }

  #local(question: Question): ZoneAnswer {
    const answer = this.#options.zone.answer(question.name, question.type);
    if (answer.kind !== 'elsewhere') return answer;
    const reverse = /^((?:\d+\.){4})in-addr\.arpa$/i.exec(question.name)?.[1];
    const address = reverse?.split('.').slice(0, 4).reverse().join('.');
    return address !== undefined && this.#options.ownsAddress(address) ? { kind: 'no-such-name' } : answer;
  }

  async #forward(query: Buffer, question: Question, transport: DnsTransport): Promise<DnsReply> {
    const message = await this.#options.forwarder.forward(query, transport);
    if (message === undefined)
      return { message: bareReply(query, 'SERVFAIL'), exchange: { zone: '.', type: question.type, rcode: 'SERVFAIL' } };
    const code = rcodeOf(message);
    return {
      message,
      exchange: { zone: '.', type: question.type, rcode: Object.entries(rcodes).find(([, value]) => value === code)?.[0] ?? 'other' },
    };
  }

  async #compose(
    question: Question,
    answer: ZoneAnswer,
  ): Promise<{ rcode: Rcode; body: Pick<Packet, 'answers' | 'authorities' | 'additionals'> }> {
    if (answer.kind === 'not-ready') return { rcode: 'SERVFAIL', body: {} };
    if (answer.kind !== 'success') return { rcode: 'NXDOMAIN', body: { authorities: [this.#soa()] } };
    const records = answer.records.map(toAnswer);
    const alias = answer.records[0];
    if (alias?.type === 'CNAME' && question.type !== 'CNAME') {
      const followed = await this.#follow(alias.target, question, maxAliases);
      return { rcode: followed.rcode, body: { answers: [...records, ...followed.answers] } };
    }
    if (question.type === 'SOA' && question.name.toLowerCase() === this.#options.zone.domain)
      return { rcode: 'NOERROR', body: { answers: [this.#soa()] } };
    if (records.length === 0) return { rcode: 'NOERROR', body: { authorities: [this.#soa()] } };
    return { rcode: 'NOERROR', body: { answers: this.#shuffle(records), additionals: answer.additional.map(toAnswer) } };
  }

  /** The records behind an alias, wherever it leads. */
  async #follow(target: string, question: Question, aliasesLeft: number): Promise<{ rcode: Rcode; answers: Answer[] }> {
    const asked: Question = { type: question.type, name: target, class: 'IN' };
    const answer = this.#local(asked);
    if (answer.kind === 'success') {
      const alias = answer.records[0];
      const records = answer.records.map(toAnswer);
      if (alias?.type !== 'CNAME') return { rcode: 'NOERROR', answers: records };
      if (aliasesLeft === 0) return { rcode: 'SERVFAIL', answers: [] };
      const rest = await this.#follow(alias.target, question, aliasesLeft - 1);
      return { rcode: rest.rcode, answers: [...records, ...rest.answers] };
    }
    if (answer.kind !== 'elsewhere') return { rcode: answer.kind === 'no-such-name' ? 'NXDOMAIN' : 'SERVFAIL', answers: [] };
    const query = dnsPacket.encode({ type: 'query', id: 0, flags: dnsPacket.RECURSION_DESIRED, questions: [asked] });
    const message = await this.#options.forwarder.forward(query, 'udp');
    if (message === undefined) return { rcode: 'SERVFAIL', answers: [] };
    try {
      const decoded = dnsPacket.decode(message);
      return {
        rcode: followedRcode(rcodeOf(message)),
        answers: [...(decoded.answers ?? [])],
      };
    } catch {
      return { rcode: 'SERVFAIL', answers: [] };
    }
  }

  #soa(): Answer {
    const domain = this.#options.zone.domain;
    // The serial never changes: nobody transfers this zone. `minimum` bounds how long a denial is kept.
    const data = {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttlSeconds,
    };
    return { type: 'SOA', name: domain, ttl: ttlSeconds, class: 'IN', data };
  }

  /** A random order, so that clients which take the first address spread over all. */
  #shuffle(records: Answer[]): Answer[] {
    for (let last = records.length - 1; last > 0; last -= 1) {
      const pick = Math.floor(this.#options.random.next() * (last + 1));
      const [left, right] = [records[last], records[pick]];
      if (left !== undefined && right !== undefined) [records[last], records[pick]] = [right, left];
    }
    return records;
  }
}

const queryOpcode = 0;

function opcodeOf(message: Buffer): number {
  return (message.readUInt8(2) >> 3) & 0x0f;
}

function rcodeOf(message: Buffer): number {
  return message.readUInt8(3) & 0x0f;
}

function followedRcode(code: number): Rcode {
  return code === rcodes.NXDOMAIN ? 'NXDOMAIN' : code === rcodes.NOERROR ? 'NOERROR' : 'SERVFAIL';
}

function toAnswer(record: ZoneRecord): Answer {
  const base = { name: record.name, ttl: ttlSeconds, class: 'IN' as const };
  switch (record.type) {
    case 'A':
      return { ...base, type: 'A', data: record.address };
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return { ...base, type: record.type, data: record.target };
    case 'TXT':
      return { ...base, type: 'TXT', data: record.text };
    case 'SRV':
      return { ...base, type: 'SRV', data: { priority: 0, weight: 100, port: record.port, target: record.target } };
  }
}

function encode(
  query: DecodedPacket,
  question: Question,
  rcode: Rcode,
  body: Pick<Packet, 'answers' | 'authorities' | 'additionals'>,
  transport: DnsTransport,
): Buffer {
  const edns = query.additionals?.find((record) => record.type === 'OPT');
  const limit = transport === 'tcp' ? 65_535 : edns ? Math.min(Math.max(edns.udpPayloadSize, 512), maxUdpBytes) : 512;
  const opt: Answer[] = edns
    ? [{ type: 'OPT', name: '.', udpPayloadSize: maxUdpBytes, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }]
    : [];
  const build = (answers: readonly Answer[], additionals: readonly Answer[], truncated: boolean): Buffer =>
    dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags:
        dnsPacket.AUTHORITATIVE_ANSWER |
        dnsPacket.RECURSION_AVAILABLE |
        (query.flag_rd ? dnsPacket.RECURSION_DESIRED : 0) |
        (truncated ? dnsPacket.TRUNCATED_RESPONSE : 0) |
        rcodes[rcode],
      questions: [question],
      answers: [...answers],
      authorities: body.authorities ?? [],
      additionals: [...additionals, ...opt],
    });
  const answers = body.answers ?? [];
  let message = build(answers, body.additionals ?? [], false);
  if (message.length <= limit) return message;
  message = build(answers, [], false);
  // As many answers as fit, with the bit that tells the client to ask again over TCP.
  for (let keep = answers.length; message.length > limit && keep > 0;) {
    keep = Math.min(keep - 1, Math.floor((keep * limit) / message.length));
    message = build(answers.slice(0, keep), [], true);
  }
  return message;
}

/** An answer made of the question's own bytes, for when nothing can or need be decoded. */
function bareReply(query: Buffer, rcode: Rcode): Buffer {
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt8(0x80 | (query.readUInt8(2) & 0x79), 2);
  header.writeUInt8(0x80 | rcodes[rcode], 3);
  const end = questionEnd(query);
  if (rcode === 'FORMERR' || end === undefined) return header;
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, query.subarray(12, end)]);
}

function questionEnd(query: Buffer): number | undefined {
  let at = 12;
  while (at < query.length) {
    const length = query.readUInt8(at);
    if (length === 0) return at + 5 <= query.length ? at + 5 : undefined;
    if (length > 63) return undefined;
    at += length + 1;
  }
  return undefined;
}
