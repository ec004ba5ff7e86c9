import { rejectUpgrade } from '@bayplan/streaming';
import type { Clock, Logger } from '@bayplan/component-base';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NodeApiCertificates } from '../options.ts';
import { accessOf } from './authentication.ts';
import type { NodeApiGuard } from './authentication.ts';

/** An answer other than success; the text goes to the caller. */
export class NodeApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL, signal: AbortSignal) => Promise<void>;
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer, url: URL, signal: AbortSignal) => Promise<void>;

export type TunnelHandler = (authority: string, socket: Duplex, head: Buffer, signal: AbortSignal) => Promise<void>;

/** Handlers by the first part of the path, such as `containerLogs`. */
export interface NodeApiRoutes {
  readonly plain: Readonly<Record<string, Handler>>;
  readonly upgrade: Readonly<Record<string, UpgradeHandler>>;
  /** Takes a CONNECT to `host:port` over. */
  readonly tunnel: TunnelHandler;
}

export interface NodeApiOptions {
  readonly certificates: NodeApiCertificates;
  readonly address: string;
  readonly port: number;
  readonly guard: NodeApiGuard;
  readonly routes: NodeApiRoutes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface NodeApiServer {
  readonly port: number;
  readonly closed: Promise<void>;
}

const headersTimeoutMs = 30_000;

/** Serves the node API over TLS until the signal aborts. */
export async function serveNodeApi(options: NodeApiOptions): Promise<NodeApiServer> {
  const { certificates, signal, logger } = options;
  const server = https.createServer({
    cert: certificates.certPem,
    key: certificates.keyPem,
    ca: certificates.clientCaPem,
    requestCert: true,
    // Prometheus comes with a token instead of a certificate.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  server.headersTimeout = headersTimeoutMs;
  // Following a log has no end.
  server.requestTimeout = 0;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the caller has gone')));
    answer(options, request, response, AbortSignal.any([signal, gone.signal])).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendText(response, error instanceof NodeApiError ? error.status : 500, error instanceof Error ? error.message : String(error));
      if (!(error instanceof NodeApiError) && !gone.signal.aborted)
        logger.warn('Failed a request to the node API', { path: request.url?.split('?')[0], err: error });
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    upgrade(options, request, socket, head).catch((error: unknown) => {
      rejectUpgrade(socket, error instanceof NodeApiError ? error.status : 500, error instanceof Error ? error.message : String(error));
    });
  });
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    tunnel(options, request, socket, head).catch((error: unknown) => {
      rejectUpgrade(socket, error instanceof NodeApiError ? error.status : 502, error instanceof Error ? error.message : String(error));
    });
  });
  server.on('tlsClientError', (error) => logger.trace('A TLS handshake failed', { err: error }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, () => resolve());
  });
  const closed = new Promise<void>((resolve) => {
    const close = (): void => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
  });
  return { port: (server.address() as AddressInfo).port, closed };
}

async function answer(options: NodeApiOptions, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const url = await admit(options, request, signal);
  const handler = options.routes.plain[url.pathname.split('/')[1] ?? ''];
  if (handler === undefined) throw new NodeApiError(404, '404 page not found');
  await handler(request, response, url, signal);
}

async function upgrade(options: NodeApiOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const url = await admit(options, request, options.signal);
  const handler = options.routes.upgrade[url.pathname.split('/')[1] ?? ''];
  if (handler === undefined) throw new NodeApiError(404, '404 page not found');
  await handler(request, socket, head, url, options.signal);
}

/** CONNECT names no path: whoever may use `nodes/proxy` to create may open a tunnel. */
async function tunnel(options: NodeApiOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  await demand(options, request, 'create', 'proxy', options.signal);
  await options.routes.tunnel(request.url ?? '', socket, head, options.signal);
}

async function admit(options: NodeApiOptions, request: IncomingMessage, signal: AbortSignal): Promise<URL> {
  const url = new URL(request.url ?? '/', 'https://node');
  const { verb, subresource } = accessOf(request.method ?? 'GET', url.pathname);
  await demand(options, request, verb, subresource, signal);
  return url;
}

async function demand(
  options: NodeApiOptions,
  request: IncomingMessage,
  verb: string,
  subresource: string,
  signal: AbortSignal,
): Promise<void> {
  const caller = await options.guard.identify(request, signal);
  if (caller === undefined) throw new NodeApiError(401, 'Unauthorized');
  if (!(await options.guard.allows(caller, verb, subresource, signal))) {
    throw new NodeApiError(403, `Forbidden (user=${caller.name}, verb=${verb}, resource=nodes, subresource=${subresource})`);
  }
}

export function sendText(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
  response.end(text);
}

export function sendJson(response: ServerResponse, body: unknown): void {
  sendText(response, 200, JSON.stringify(body), 'application/json');
}
