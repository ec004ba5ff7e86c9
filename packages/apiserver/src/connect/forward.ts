import { request as httpRequest } from 'node:http';
import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { Outcome } from '../chain/outcome.ts';
import type { ApiRequest } from '../http/request.ts';
import { unreachable } from './node-link.ts';

export interface ForwardTarget {
  readonly url: URL;
  readonly tls?: ConnectionOptions;
  readonly agent?: HttpAgent;
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
  const body = request.body.kind === 'bytes' ? await request.body.read() : Buffer.alloc(0);
  const headers: Record<string, string> = { 'x-forwarded-for': request.remoteAddress };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !keptBack.has(name) && !name.startsWith('impersonate-')) headers[name] = value;
  }
  if (body.length > 0) headers['content-length'] = body.length.toString();
  const response = await send(request, target, headers, body);
  const answered: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !keptBack.has(name)) answered[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { kind: 'stream', status: response.statusCode ?? 502, headers: answered, chunks: response as AsyncIterable<Buffer> };
}

function send(request: ApiRequest, target: ForwardTarget, headers: Record<string, string>, body: Buffer): Promise<IncomingMessage> {
  const secure = target.url.protocol === 'https:';
  const options = {
    method: request.method,
    headers,
    signal: request.signal,
    ...(target.agent === undefined ? {} : { agent: target.agent }),
    ...target.tls,
  };
  return new Promise((resolve, reject) => {
    const outgoing = secure ? httpsRequest(target.url, options, resolve) : httpRequest(target.url, options, resolve);
    outgoing.on('error', (error) => reject(unreachable(target.url, error)));
    outgoing.end(body);
  });
}
