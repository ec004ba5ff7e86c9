import type { KeyPair, Logger } from '@bayplan/component-base';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { constants, createSecureServer } from 'node:http2';
import type { Http2SecureServer, Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { IncomingRequest } from './incoming.ts';
import type { AnyRequest } from './incoming.ts';
import type { ApiRequest } from './request.ts';
import type { ApiResponse } from './response.ts';
import { writeResponse } from './write-response.ts';

/** Megabytes of one HTTP/2 session: all watches of a client share one. */
const maxSessionMemory = 256;
const maxConcurrentStreams = 1000;
/** A handshake, or the head of a request, that comes no quicker is cut. */
const handshakeTimeoutMs = 10_000;
const headTimeoutMs = 32_000;
/** A whole request, its body with it. */
const bodyTimeoutMs = 90_000;
/** Of a connection on which nothing is asked. */
const idleTimeoutMs = 90_000;
/** For the rest of a body that nobody reads. */
const leftoverMs = 10_000;
/** The kernel asks after peers that say nothing, so that dead ones are found without a timer here. */
const keepAliveMs = 15_000;

export interface ListenerOptions {
  readonly bindAddress: string;
  readonly port: number;
  readonly serving: KeyPair;
  /** Client certificates are checked against it. */
  readonly clientCaPem: string;
  /** Signs the certificates of front proxies, which say by headers whom they ask for. */
  readonly frontProxyCaPem?: string;
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>;
  /** Takes over a connection that asks for another protocol (HTTP/1.1 Upgrade). */
  readonly upgrade: (request: ApiRequest, req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  readonly logger: Logger;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Stops accepting, gives the requests under way `drainMs` at most, then cuts what is left. */
  close(drainMs: number): Promise<void>;
}

const frontProxyCas = new WeakMap<ListenerOptions, X509Certificate>();

function frontProxyCaOf(options: ListenerOptions): X509Certificate | undefined {
  if (options.frontProxyCaPem === undefined) return undefined;
  let ca = frontProxyCas.get(options);
  if (ca === undefined) frontProxyCas.set(options, (ca = new X509Certificate(options.frontProxyCaPem)));
  return ca;
}

/** HTTPS with HTTP/2 and HTTP/1.1, chosen by ALPN. Resolves when it accepts connections. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createSecureServer({
    allowHTTP1: true,
    key: options.serving.keyPem,
    // With the CA: a joining machine finds it in the handshake, by the hash in its token.
    cert: `${options.serving.certPem.trimEnd()}\n${options.clientCaPem}`,
    ca: [options.clientCaPem, ...(options.frontProxyCaPem === undefined ? [] : [options.frontProxyCaPem])],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: handshakeTimeoutMs,
    maxSessionMemory,
    settings: { maxConcurrentStreams, initialWindowSize: 1024 * 1024 },
  });
  const active = new Set<Promise<void>>();
  server.on('request', (req: AnyRequest, res: ServerResponse | Http2ServerResponse) => {
    const answering: Promise<void> = answer(options, req, res, () => active.delete(answering)).finally(() => active.delete(answering));
    active.add(answering);
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    void takeOver(options, req, socket, head);
  });
  setTimeouts(server);
  const connections = trackConnections(server);
  server.listen(options.port, options.bindAddress);
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  return { address, port, close: (drainMs) => close(server, connections, active, drainMs) };
}

/** `streams` is told of answers that last as long as their client wants: nobody waits for them at the end. */
async function answer(
  options: ListenerOptions,
  req: AnyRequest,
  res: ServerResponse | Http2ServerResponse,
  streams: () => void,
): Promise<void> {
  const request = new IncomingRequest(req, frontProxyCaOf(options));
  res.on('close', () => request.end());
  res.on('error', (error: Error) => options.logger.debug('Response could not be written', { err: error }));
  try {
    const response = await options.handle(request);
    if (response.body.kind === 'stream') streams();
    await writeResponse(req, res, response, request);
    if ('stream' in req && !req.stream.endAfterHeaders && !req.complete) readPast(req.stream);
  } catch (error) {
    // A client that went away in the middle is no fault of ours.
    if (!request.ended) options.logger.error('Request handling failed', { err: error, path: req.url });
    request.end();
    (res as ServerResponse).destroy();
  }
}

/**
 * The answer did not wait for the body. What comes of it is thrown away; cutting the stream at once would make
 * clients lose the answer. Whoever never ends is told to stop.
 */
function readPast(stream: ServerHttp2Stream): void {
  stream.resume();
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), leftoverMs);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
}

async function takeOver(options: ListenerOptions, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const request = new IncomingRequest(req, frontProxyCaOf(options));
  socket.on('close', () => request.end());
  socket.on('error', (error: Error) => options.logger.debug('Upgraded connection failed', { err: error }));
  try {
    await options.upgrade(request, req, socket, head);
  } catch (error) {
    options.logger.error('Upgrade failed', { err: error });
    socket.destroy();
  }
}

/** Peers that are slow on purpose, or gone, hold nothing for long. */
function setTimeouts(server: Http2SecureServer): void {
  // These are HTTP/1.1's, which Node's types know of its own server only.
  Object.assign(server, { headersTimeout: headTimeoutMs, requestTimeout: bodyTimeoutMs, keepAliveTimeout: idleTimeoutMs });
  server.on('session', (session) => {
    let open = 0;
    session.on('stream', (stream) => {
      open++;
      stream.on('close', () => open--);
    });
    session.setTimeout(idleTimeoutMs, () => {
      if (open === 0) session.close();
    });
  });
  server.on('secureConnection', (socket) => socket.setKeepAlive(true, keepAliveMs));
}

function trackConnections(server: Http2SecureServer): Set<Duplex> {
  const connections = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy());
  return connections;
}

async function close(
  server: Http2SecureServer,
  connections: ReadonlySet<Duplex>,
  active: ReadonlySet<Promise<void>>,
  drainMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
  await Promise.race([Promise.allSettled(active), tooLong]);
  clearTimeout(timer);
  for (const socket of connections) socket.destroy();
  await closed;
}
