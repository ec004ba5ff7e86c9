import { requestEntityTooLarge } from '@bayplan/api';
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Turns } from '../registry/turns.ts';
import { connectionOf } from './peer.ts';
import type { ApiRequest, HttpMethod, Peer, RequestBody } from './request.ts';

export const maxBodyBytes = 3 * 1024 * 1024;

/** One for all requests: making an error for each is dear. */
const gone = new Error('the connection of the request has ended');

/** A request of HTTP/1.1 or of HTTP/2. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** A request that came over the network. What few requests need, a signal above all, is made when it is asked for. */
export class IncomingRequest implements ApiRequest {
  readonly method: HttpMethod;
  readonly path: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: RequestBody;
  readonly peer: Peer;
  readonly remoteAddress: string;
  private readonly req: AnyRequest;
  private readonly queryText: string;
  private parsedQuery: URLSearchParams | undefined;
  private controller: AbortController | undefined;
  private over = false;

  constructor(req: AnyRequest, frontProxyCa?: X509Certificate) {
    this.req = req;
    const url = req.url ?? '/';
    this.url = url;
    const question = url.indexOf('?');
    this.method = (req.method ?? 'GET') as HttpMethod;
    this.path = question < 0 ? url : url.slice(0, question);
    this.queryText = question < 0 ? '' : url.slice(question + 1);
    this.headers = plainHeaders(req);
    this.body = bodyOf(req);
    const session = 'stream' in req ? req.stream.session : undefined;
    const { peer, remoteAddress } = connectionOf(session ?? req.socket, () => req.socket as TLSSocket, frontProxyCa);
    this.peer = peer;
    this.remoteAddress = remoteAddress;
  }

  get query(): URLSearchParams {
    return (this.parsedQuery ??= new URLSearchParams(this.queryText));
  }

  headerValues(name: string): readonly string[] {
    const values: string[] = [];
    const raw = this.req.rawHeaders;
    for (let at = 0; at < raw.length; at += 2) if (raw[at]?.toLowerCase() === name) values.push(raw[at + 1] ?? '');
    return values;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.over) this.controller.abort(gone);
    }
    return this.controller.signal;
  }

  /** The client has gone away, or has its answer: aborts the signal. */
  end(): void {
    if (this.over) return;
    this.over = true;
    this.controller?.abort(gone);
  }

  expire(reason: Error): void {
    const expired = this.controller;
    // The answer is written under a signal of its own.
    this.controller = undefined;
    expired?.abort(reason);
  }

  /** Whether `end` was called. */
  get ended(): boolean {
    return this.over;
  }
}

function plainHeaders(req: AnyRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  const given = req.headers as Record<string, string | string[] | undefined>;
  for (const name in given) {
    const value = given[name];
    if (value !== undefined && name.charCodeAt(0) !== 58)
      headers[name] = typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : String(value);
  }
  return headers;
}

/** What follows on a body, decoding and admission, takes a millisecond: of many that arrive together a few have their turn at once. */
const bodies = new Turns(4);
const none: RequestBody = { kind: 'none' };

function bodyOf(req: AnyRequest): RequestBody {
  return req.method === 'GET' || req.method === 'HEAD' ? none : { kind: 'bytes', read: () => readBody(req) };
}

/** The whole body. Rejects with 413 past the limit, and when the client goes away before its end. */
function readBody(req: AnyRequest): Promise<Buffer> {
  const tooLarge = (): Error => requestEntityTooLarge(`limit is ${maxBodyBytes.toString()}`);
  return new Promise((resolve, reject) => {
    if (Number(req.headers['content-length'] ?? 0) > maxBodyBytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= maxBodyBytes) {
        chunks.push(chunk);
        return;
      }
      // What is left is read past, so that the answer reaches a client that is still sending.
      req.off('data', onData);
      req.resume();
      chunks.length = 0;
      reject(tooLarge());
    };
    req.on('data', onData);
    let complete = false;
    req.on('end', () => {
      complete = true;
      bodies.run(() => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    });
    req.on('error', reject);
    req.on('aborted', () => reject(gone));
    // HTTP/1.1 closes a request as soon as it has been read.
    req.on('close', () => {
      if (!complete) reject(gone);
    });
  });
}
