import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import dnsPacket from 'dns-packet';
import { seededRandom, systemClock } from '@bayplan/component-base';
import { afterEach, describe, expect, it } from 'vitest';
import { createForwarder } from '../../src/dns/forwarder.ts';
import { parseNameServers } from '../../src/dns/resolv-conf.ts';
import { frameTcp, splitTcp } from '../../src/dns/tcp-framing.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const query = dnsPacket.encode({ type: 'query', id: 4711, questions: [{ type: 'A', name: 'example.com' }] });

function answerTo(message: Buffer, address: string): Buffer {
  const { id, questions } = dnsPacket.decode(message);
  return dnsPacket.encode({
    type: 'response',
    id: id ?? 0,
    questions: questions ?? [],
    answers: [{ type: 'A', name: 'example.com', data: address }],
  });
}

async function udpServer(reply: (message: Buffer) => readonly Buffer[]): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => reply(message).forEach((one) => socket.send(one, from.port, from.address)));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  closing.push(() => socket.close());
  return `127.0.0.1#${socket.address().port}`;
}

const forwarderTo = (...servers: string[]) =>
  createForwarder({ servers: () => Promise.resolve(servers), clock: systemClock, random: seededRandom(1), timeoutMs: 100 });
const addressIn = (message: Buffer | undefined) =>
  message === undefined ? undefined : dnsPacket.decode(message).answers?.map((answer) => ('data' in answer ? answer.data : ''));

describe('createForwarder', () => {
  it('asks with an id of its own and gives the answer the id of the question', async () => {
    const ids: number[] = [];
    const server = await udpServer((message) => {
      ids.push(message.readUInt16BE(0));
      return [answerTo(message, '192.0.2.1')];
    });
    const answer = await forwarderTo(server).forward(query, 'udp');
    expect(addressIn(answer)).toEqual(['192.0.2.1']);
    expect(answer?.readUInt16BE(0)).toBe(4711);
    expect(ids[0]).not.toBe(4711);
  });

  it('ignores answers to other questions', async () => {
    const server = await udpServer((message) => {
      const forged = answerTo(message, '203.0.113.66');
      forged.writeUInt16BE((message.readUInt16BE(0) + 1) & 0xffff, 0);
      return [forged, answerTo(message, '192.0.2.1')];
    });
    expect(addressIn(await forwarderTo(server).forward(query, 'udp'))).toEqual(['192.0.2.1']);
  });

  it('goes on to the next server after silence or refusal, and asks the silent one last from then on', async () => {
    let asked = 0;
    const silent = await udpServer(() => {
      asked += 1;
      return [];
    });
    const good = await udpServer((message) => [answerTo(message, '192.0.2.1')]);
    const forwarder = forwarderTo('127.0.0.1#1', silent, good);
    expect(addressIn(await forwarder.forward(query, 'udp'))).toEqual(['192.0.2.1']);
    expect(addressIn(await forwarder.forward(query, 'udp'))).toEqual(['192.0.2.1']);
    expect(asked).toBe(1);
  });

  it('gives up when no server answers or none is known', async () => {
    expect(await forwarderTo('127.0.0.1#1').forward(query, 'udp')).toBeUndefined();
    expect(await forwarderTo().forward(query, 'udp')).toBeUndefined();
  });

  it('speaks TCP for those who do', async () => {
    const server = createServer((socket) => {
      socket.on(
        'data',
        splitTcp((message) => {
          const reply = frameTcp(answerTo(message, '192.0.2.2'));
          // In two parts, as a network may deliver it.
          socket.write(reply.subarray(0, 5));
          setImmediate(() => socket.write(reply.subarray(5)));
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(addressIn(await forwarderTo(`127.0.0.1#${port}`).forward(query, 'tcp'))).toEqual(['192.0.2.2']);
  });
});

describe('parseNameServers', () => {
  it('takes addresses in order, without comments, doubles and ourselves', () => {
    const text =
      '# made by hand\nsearch example.com\nnameserver 10.0.0.1\n nameserver  fe80::1\nnameserver 10.96.0.10\nnameserver 10.0.0.1\noptions ndots:1\n';
    expect(parseNameServers(text, '10.96.0.10')).toEqual(['10.0.0.1', 'fe80::1']);
  });
});
