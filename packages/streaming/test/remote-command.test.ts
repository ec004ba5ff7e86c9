import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { acceptRemoteCommand, proxyUpgrade, UpgradeError } from '../src/index.ts';
import type { CommandEnd, RemoteCommand, WantedStreams } from '../src/index.ts';
import { spdyDictionary } from '../src/spdy/header-block.ts';
import { requestUpgrade, SpdyClient } from './support/spdy-client.ts';
import { until, upgradeServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const all: WantedStreams = { stdin: true, stdout: true, stderr: true, tty: false };
const servers: TestServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(wanted: WantedStreams, run: (command: RemoteCommand) => Promise<CommandEnd>): Promise<TestServer> {
  const server = await upgradeServer(async (req, socket, head) => {
    const command = await acceptRemoteCommand(req, socket, head, wanted);
    await command.finish(await run(command));
  });
  servers.push(server);
  return server;
}

/** Repeats its input in capitals, then exits with 3. */
async function shout(command: RemoteCommand): Promise<CommandEnd> {
  command.stderr?.write('ready');
  for await (const chunk of command.stdin ?? []) command.stdout?.write(String(chunk).toUpperCase());
  return { exitCode: 3 };
}

async function webSocketSession(port: number, protocol: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/exec`, [protocol]);
  const received: Record<number, string> = {};
  let closeCode = 0;
  socket.on('message', (data: Buffer, isBinary) => {
    const channel = isBinary ? (data[0] ?? 0) : Number(data.subarray(0, 1).toString());
    const payload = isBinary ? data.subarray(1).toString() : Buffer.from(data.subarray(1).toString(), 'base64').toString();
    received[channel] = (received[channel] ?? '') + payload;
  });
  socket.on('close', (code) => (closeCode = code));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { socket, received, protocol: socket.protocol, closed: () => until(() => closeCode === 1000) };
}

const exitThree = {
  metadata: {},
  status: 'Failure',
  message: 'command terminated with non-zero exit code: exit status 3',
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: '3' }] },
};

describe('Exec over WebSocket', () => {
  it('carries all streams, the end of stdin and the exit code in version 5', async () => {
    const server = await serve(all, shout);
    const { socket, received, protocol, closed } = await webSocketSession(server.port, 'v5.channel.k8s.io');
    expect(protocol).toBe('v5.channel.k8s.io');
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('hello')]));
    socket.send(Buffer.of(255, 0));
    await closed();
    expect([received[1], received[2]]).toEqual(['HELLO', 'ready']);
    expect(JSON.parse(received[3] ?? '')).toEqual(exitThree);
  });

  it('reports success and failures to run', async () => {
    const ends: CommandEnd[] = [{ exitCode: 0 }, { error: 'no such container' }];
    const server = await serve({ ...all, stdin: false }, async () => ends.shift() ?? { exitCode: 9 });
    const good = await webSocketSession(server.port, 'v4.channel.k8s.io');
    await good.closed();
    expect(JSON.parse(good.received[3] ?? '')).toEqual({ metadata: {}, status: 'Success' });
    const bad = await webSocketSession(server.port, 'v4.channel.k8s.io');
    await bad.closed();
    expect(JSON.parse(bad.received[3] ?? '')).toMatchObject({ status: 'Failure', reason: 'InternalError', message: 'no such container' });
  });

  it('passes terminal sizes, also to listeners that come late', async () => {
    const sizes: unknown[] = [];
    const server = await serve({ ...all, tty: true }, async (command) => {
      for await (const chunk of command.stdin ?? []) if (String(chunk) === 'go') break;
      command.onResize((size) => sizes.push(size));
      return { exitCode: 0 };
    });
    const { socket, received, closed } = await webSocketSession(server.port, 'v5.channel.k8s.io');
    socket.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":80,"Height":24}')]));
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('go')]));
    await closed();
    expect(sizes).toEqual([{ width: 80, height: 24 }]);
    expect(received[2]).toBeUndefined();
  });

  it('speaks base64 text to browsers', async () => {
    const server = await serve({ ...all, stdin: false }, async (command) => {
      command.stdout?.write('bytes');
      return { exitCode: 1 };
    });
    const { received, closed } = await webSocketSession(server.port, 'base64.channel.k8s.io');
    await closed();
    expect([received[1], received[3]]).toEqual(['bytes', 'command terminated with non-zero exit code: exit status 1']);
  });

  it('sends megabytes in order', async () => {
    const block = 'x'.repeat(64 * 1024);
    const server = await serve({ ...all, stdin: false }, async (command) => {
      for (let index = 0; index < 64; index += 1)
        if (command.stdout?.write(block) === false) await new Promise((resolve) => command.stdout?.once('drain', resolve));
      return { exitCode: 0 };
    });
    const { received, closed } = await webSocketSession(server.port, 'v5.channel.k8s.io');
    await closed();
    expect(received[1]?.length).toBe(64 * 64 * 1024);
  });

  it('survives input after the end of the input', async () => {
    const server = await serve(all, shout);
    const { socket, received, closed } = await webSocketSession(server.port, 'v5.channel.k8s.io');
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('one')]));
    socket.send(Buffer.of(255, 0));
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('two')]));
    await closed();
    expect(received[1]).toBe('ONE');
  });

  it.each(['{"Width":0,"Height":24}', '{"Width":1e999,"Height":24}', '{"Width":80.5,"Height":24}', '{"Width":80,"Height":70000}', 'x'])(
    'ignores %s as the size of a terminal',
    async (text) => {
      const sizes: unknown[] = [];
      const server = await serve({ ...all, tty: true }, async (command) => {
        command.onResize((size) => sizes.push(size));
        for await (const chunk of command.stdin ?? []) if (String(chunk) === 'go') break;
        return { exitCode: 0 };
      });
      const { socket, closed } = await webSocketSession(server.port, 'v5.channel.k8s.io');
      socket.send(Buffer.concat([Buffer.of(4), Buffer.from(text)]));
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from('go')]));
      await closed();
      expect(sizes).toEqual([]);
    },
  );

  it('aborts `closed` when the client leaves', async () => {
    let left = false;
    const server = await serve(all, async (command) => {
      await new Promise((resolve) => command.closed.addEventListener('abort', resolve, { once: true }));
      left = true;
      return { exitCode: 0 };
    });
    const { socket } = await webSocketSession(server.port, 'v5.channel.k8s.io');
    socket.terminate();
    await until(() => left);
  });

  it('refuses unknown protocols', async () => {
    const server = await serve(all, shout);
    const answer = await requestUpgrade(server.port, '/', {
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol': 'v9',
    });
    expect(answer.statusCode).toBe(400);
    expect(server.errors[0]).toBeInstanceOf(UpgradeError);
  });
});

describe('Exec over SPDY', () => {
  it('primes its compressor with the dictionary of the draft', () => {
    expect(spdyDictionary.length).toBe(1423);
    expect(createHash('sha256').update(spdyDictionary).digest('hex')).toBe(
      '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
    );
  });

  async function spdySession(port: number) {
    const answer = await requestUpgrade(port, '/exec', {
      Upgrade: 'SPDY/3.1',
      'X-Stream-Protocol-Version': 'v4.channel.k8s.io, v3.channel.k8s.io',
    });
    expect([answer.statusCode, answer.headers['x-stream-protocol-version']]).toEqual([101, 'v4.channel.k8s.io']);
    return new SpdyClient(answer.socket, answer.head);
  }

  it('carries all streams and the exit code', async () => {
    const server = await serve(all, shout);
    const client = await spdySession(server.port);
    const ids: Record<string, number> = {};
    for (const streamType of ['error', 'stdin', 'stdout', 'stderr']) ids[streamType] = await client.open({ streamType });
    client.send(ids['stdin'] ?? 0, 'hel');
    client.send(ids['stdin'] ?? 0, 'lo', true);
    await until(() => client.ended);
    expect(client.replies).toEqual([1, 3, 5, 7]);
    expect(client.received.get(ids['stdout'] ?? 0)).toBe('HELLO');
    expect(client.received.get(ids['stderr'] ?? 0)).toBe('ready');
    expect(JSON.parse(client.received.get(ids['error'] ?? 0) ?? '')).toEqual(exitThree);
  });

  it('keeps to the window of a client that controls flow', async () => {
    const total = 300_000;
    const server = await serve({ ...all, stdin: false }, async (command) => {
      command.stdout?.write('x'.repeat(total));
      return { exitCode: 0 };
    });
    const client = await spdySession(server.port);
    await client.open({ streamType: 'error' });
    const out = 3;
    client.widen(0, 1);
    await client.open({ streamType: 'stdout' });
    await client.open({ streamType: 'stderr' });
    await until(() => (client.received.get(out)?.length ?? 0) >= 65_536);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.received.get(out)?.length).toBe(65_536);
    client.widen(0, total);
    client.widen(out, total);
    await until(() => client.ended);
    expect(client.received.get(out)?.length).toBe(total);
  });

  it('grants more window as input is consumed', async () => {
    let size = 0;
    const server = await serve({ ...all, stderr: false }, async (command) => {
      for await (const chunk of command.stdin ?? []) size += (chunk as Buffer).length;
      return { exitCode: 0 };
    });
    const client = await spdySession(server.port);
    for (const streamType of ['error', 'stdin', 'stdout']) await client.open({ streamType });
    for (let index = 0; index < 10; index += 1) {
      const known = client.windowUpdates.length;
      client.send(3, 'y'.repeat(30_000), index === 9);
      if (index % 2 === 1 && index < 9) await until(() => client.windowUpdates.length > known);
    }
    await until(() => client.ended);
    expect(size).toBe(300_000);
    expect(client.windowUpdates.length).toBeGreaterThan(2);
  });
});

describe('The upgrade proxy', () => {
  it('passes a session through, without the credentials of the client', async () => {
    let seen: Record<string, unknown> = {};
    const upstream = await upgradeServer(async (req, socket, head) => {
      seen = { url: req.url, authorization: req.headers.authorization, identity: req.headers['x-token'] };
      const command = await acceptRemoteCommand(req, socket, head, all);
      await command.finish(await shout(command));
    });
    const proxy = await upgradeServer((req, socket, head) =>
      proxyUpgrade(req, socket, head, {
        url: new URL(`http://127.0.0.1:${upstream.port}/target?command=x`),
        headers: { 'x-token': 'mine' },
      }),
    );
    servers.push(upstream, proxy);
    const { socket, received, closed } = await webSocketSession(proxy.port, 'v5.channel.k8s.io');
    socket.send(Buffer.concat([Buffer.of(0), Buffer.from('via')]));
    socket.send(Buffer.of(255, 0));
    await closed();
    expect(received[1]).toBe('VIA');
    expect(seen).toEqual({ url: '/target?command=x', authorization: undefined, identity: 'mine' });
  });

  it('keeps the token of a browser to itself', async () => {
    let offered: string | undefined;
    const upstream = await upgradeServer(async (req, socket) => {
      offered = req.headers['sec-websocket-protocol'];
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
    const front = await upgradeServer((req, socket, head) =>
      proxyUpgrade(req, socket, head, { url: new URL(`http://127.0.0.1:${upstream.port}/`) }),
    );
    servers.push(upstream, front);
    const protocols = 'base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io';
    await requestUpgrade(front.port, '/', { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': protocols });
    expect(offered).toBe('v5.channel.k8s.io');
  });

  it('rejects when the upstream cannot be reached', async () => {
    let message = '';
    const proxy = await upgradeServer(async (req, socket, head) => {
      await proxyUpgrade(req, socket, head, { url: new URL('http://127.0.0.1:1/') }).catch((error: Error) => {
        message = error.message;
        socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      });
    });
    servers.push(proxy);
    expect((await requestUpgrade(proxy.port, '/', { Upgrade: 'SPDY/3.1' })).statusCode).toBe(502);
    expect(message).toBe('Cannot connect to 127.0.0.1:1');
  });
});
