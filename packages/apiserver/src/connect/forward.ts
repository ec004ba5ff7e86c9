import { request as httpRequest } from 'node:http';
import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Outcome } from '../chain/outcome.ts';
import type { ApiRequest } from '../http/request.ts';
import { unreachable } from './node-link.ts';
import { withoutToken } from './without-token.ts';

export interface ForwardTarget {
  readonly url: URL;
  readonly tls?: ConnectionOptions;
  readonly agent?: HttpAgent;
  /** Makes the connection, TLS included, instead of the URL's host and port. */
  readonly open?: () => Promise<Duplex>;
  /** Added to the request: who makes it. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** Headers that belong to one connection, or to the caller's dealings with this server. */
const keptBack = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'content-length',
]);

/** Sends a request on and streams the answer back as it is. Throws `ServiceUnavailable` when nobody answers. */
export async function forward(request: ApiRequest, target: ForwardTarget): Promise<Outcome> {
  const body = await bodyOf(request);
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !keptBack.has(name) && !/^(impersonate|x-remote)-/.test(name)) headers[name] = value;
  }
  const forwardedFor = request.headers['x-forwarded-for'];
  headers['x-forwarded-for'] = forwardedFor === undefined ? request.remoteAddress : `${forwardedFor}, ${request.remoteAddress}`;
  Object.assign(headers, withoutToken(request), target.headers);
  if (body.length > 0) headers['content-length'] = body.length.toString();
  const response = await send(request, target, headers, body);
  const answered: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !keptBack.has(name)) answered[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { kind: 'stream', status: response.statusCode ?? 502, headers: answered, chunks: response as AsyncIterable<Buffer> };
}

/** Node.js takes the connection by the callback when nothing is returned. */
function connectionBy(open: () => Promise<Duplex>) {
  return (_options: unknown, done: (error: Error | null, socket: Duplex) => void): undefined => {
    open().then(
      (socket) => done(null, socket),
      (error: unknown) => done(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  };
}

async function bodyOf({ body }: ApiRequest): Promise<Buffer> {
  if (body.kind === 'bytes') return body.read();
  return body.kind === 'object' ? Buffer.from(JSON.stringify(body.value)) : Buffer.alloc(0);
}

function send(
  request: ApiRequest,
  target: ForwardTarget,
  headers: Record<string, string | string[]>,
  body: Buffer,
): Promise<IncomingMessage> {
  const secure = target.url.protocol === 'https:';
  const options = {
    method: request.method,
    headers,
    signal: request.signal,
    ...(target.agent === undefined ? {} : { agent: target.agent }),
    ...(target.open === undefined ? {} : { createConnection: connectionBy(target.open) }),
    ...target.tls,
  };
  return new Promise((resolve, reject) => {
    const outgoing = secure ? httpsRequest(target.url, options, resolve) : httpRequest(target.url, options, resolve);
    outgoing.on('error', (error) => reject(unreachable(target.url, error)));
    outgoing.end(body);
  });
}
