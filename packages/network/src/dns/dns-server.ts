import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Clock, Logger } from '@bayplan/component-base';
import type { NetworkMetrics } from '../metrics.ts';
import type { DnsTransport, Responder } from './responder.ts';
import { frameTcp, splitTcp } from './tcp-framing.ts';

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface DnsServerOptions {
  readonly responder: Responder;
  readonly address: string;
  /** 0 picks a free port, the same for UDP and TCP. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

const idleTcpMs = 10_000;
const maxTcpConnections = 256;

/** Listens on UDP and TCP. Rejects when the address cannot be bound. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const udp = createSocket('udp4');
  const tcp = createServer();
  try {
    await bindUdp(udp, options.address, options.port);
    const { port } = udp.address();
    await listenTcp(tcp, options.address, port);
    serve(udp, tcp, options);
    return { port, close: () => closeBoth(udp, tcp) };
  } catch (error) {
    await closeBoth(udp, tcp);
    throw error;
  }
}

const connections = new WeakMap<Server, Set<Socket>>();

function serve(udp: UdpSocket, tcp: Server, options: DnsServerOptions): void {
  const { logger, metrics, clock, address, responder } = options;
  const server = `dns://${address}:53`;
  const answer = async (query: Buffer, transport: DnsTransport): Promise<Buffer | undefined> => {
    const startedAt = clock.monotonic();
    const reply = await responder.respond(query, transport);
    if (reply === undefined) return undefined;
    const { zone, type, rcode } = reply.exchange;
    metrics.dnsRequests.inc({ server, zone, proto: transport, family: '1', type: countedTypes.has(type) ? type : 'other' });
    metrics.dnsResponses.inc({ server, zone, rcode });
    metrics.dnsSeconds.observe({ server, zone }, (clock.monotonic() - startedAt) / 1000);
    if (zone === '.' && rcode === 'SERVFAIL') metrics.dnsForwardFailures.inc();
    return reply.message;
  };
  const failed = (err: unknown): void => logger.error('Failed to answer a DNS question', { err });
  udp.on('error', (err) => logger.warn('DNS socket reported an error', { err }));
  udp.on('message', (query, from) => {
    answer(query, 'udp').then((reply) => {
      if (reply !== undefined) udp.send(reply, from.port, from.address, () => undefined);
    }, failed);
  });
  const open = new Set<Socket>();
  connections.set(tcp, open);
  tcp.maxConnections = maxTcpConnections;
  tcp.on('error', (err) => logger.warn('DNS listener reported an error', { err }));
  tcp.on('connection', (socket) => {
    open.add(socket);
    socket.setTimeout(idleTcpMs, () => socket.destroy());
    // Clients may reset at any time; `close` follows.
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.on(
      'data',
      splitTcp((query) => {
        answer(query, 'tcp').then((reply) => {
          if (reply === undefined) socket.destroy();
          else if (socket.writable) socket.write(frameTcp(reply));
        }, failed);
      }),
    );
  });
}

/** Types with a metric of their own: a client must not be able to make series. */
const countedTypes = new Set(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT']);

function bindUdp(socket: UdpSocket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function listenTcp(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeBoth(udp: UdpSocket, tcp: Server): Promise<void> {
  for (const socket of connections.get(tcp) ?? []) socket.destroy();
  await new Promise<void>((resolve) => {
    try {
      udp.close(() => resolve());
    } catch {
      // Was never bound.
      resolve();
    }
  });
  if (tcp.listening) await new Promise<void>((resolve) => tcp.close(() => resolve()));
}
