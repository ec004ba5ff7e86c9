import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { acceptPortForward, joinStreams } from '../src/index.ts';
import { maskedFrames } from './support/masked-frames.ts';
import { requestUpgrade, SpdyClient } from './support/spdy-client.ts';
import { until, upgradeServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

let echo: net.Server;
let echoPort = 0;
let server: TestServer;

beforeEach(async () => {
  echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  echoPort = (echo.address() as AddressInfo).port;
  server = await upgradeServer(async (req, socket, head) => {
    const ports = new URL(req.url ?? '/', 'http://x').searchParams.getAll('ports').map(Number);
    const session = await acceptPortForward(req, socket, head, ports);
    for await (const connection of session.connections) {
      const target = net.connect({ port: connection.port, host: '127.0.0.1', allowHalfOpen: true });
      target.once('error', (error) => connection.fail(error.message));
      target.once('connect', () => void joinStreams(connection.data, target));
    }
  });
});
afterEach(async () => {
  await server.close();
  await new Promise((resolve) => echo.close(resolve));
});

async function exerciseSpdy(client: SpdyClient) {
  const error = await client.open({ streamType: 'error', port: String(echoPort), requestID: '0' }, true);
  const data = await client.open({ streamType: 'data', port: String(echoPort), requestID: '0' });
  client.send(data, 'ping', true);
  await until(() => client.finished.has(data) && client.finished.has(error));
  expect(client.received.get(data)).toBe('ping');
  expect(client.received.get(error)).toBe('');
  const badError = await client.open({ streamType: 'error', port: '1', requestID: '1' }, true);
  await client.open({ streamType: 'data', port: '1', requestID: '1' });
  await until(() => client.finished.has(badError));
  expect(client.received.get(badError)).toContain('ECONNREFUSED');
  client.close();
}

describe('Port-forward', () => {
  it('works over SPDY, and reports ports that refuse', async () => {
    const answer = await requestUpgrade(server.port, '/portforward', {
      Upgrade: 'SPDY/3.1',
      'X-Stream-Protocol-Version': 'portforward.k8s.io',
    });
    expect(answer.headers['x-stream-protocol-version']).toBe('portforward.k8s.io');
    await exerciseSpdy(new SpdyClient(answer.socket, answer.head));
  });

  it('works over SPDY inside of a WebSocket', async () => {
    const protocol = 'SPDY/3.1+portforward.k8s.io';
    const handshake = { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
    const answer = await requestUpgrade(server.port, '/portforward', { ...handshake, 'Sec-WebSocket-Protocol': protocol });
    expect(answer.headers['sec-websocket-protocol']).toBe(protocol);
    await exerciseSpdy(new SpdyClient(maskedFrames(answer.socket), answer.head));
  });

  it('works over WebSocket channels', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/portforward?ports=${echoPort}`, ['v4.channel.k8s.io']);
    const received: Record<number, Buffer> = {};
    socket.on('message', (data: Buffer<ArrayBuffer>) => {
      const channel = data[0] ?? 0;
      received[channel] = Buffer.concat([received[channel] ?? Buffer.alloc(0), data.subarray(1)]);
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('ping')]));
    await until(() => received[0]?.length === 6 && received[1]?.length === 2);
    expect([received[0]?.readUInt16LE(0), received[0]?.subarray(2).toString(), received[1]?.readUInt16LE(0)]).toEqual([
      echoPort,
      'ping',
      echoPort,
    ]);
    socket.close();
  });
});
