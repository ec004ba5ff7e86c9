import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { Turns } from '../registry/turns.ts';
import type { AnyRequest } from './incoming.ts';
import type { ApiRequest } from './request.ts';
import type { ApiResponse } from './response.ts';

/** Below this, compressing costs more than sending. */
const minGzipBytes = 128 * 1024;
const maxWriteBytes = 1024 * 1024;
/** Encrypting a megabyte takes a millisecond: of many long answers few go on in one turn of the event loop. */
const piecesInTurn = new Turns(4);

type AnyResponse = ServerResponse | Http2ServerResponse;

/** Writes a response to an HTTP/1.1 or HTTP/2 client and ends it. Resolves early when the client goes away. */
export async function writeResponse(req: AnyRequest, res: AnyResponse, response: ApiResponse, request: ApiRequest): Promise<void> {
  if (res.destroyed) return;
  const { body } = response;
  const headers: Record<string, string | string[]> = {};
  for (const name in response.headers) {
    const value = response.headers[name];
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : [...value];
  }
  if (body.kind === 'stream') {
    if (body.compressible === true && wantsGzip(req, request)) {
      await writeCompressed(res, response.status, headers, body.chunks as AsyncIterable<Uint8Array>, request);
      return;
    }
    writeHead(res, response.status, headers);
    (res as ServerResponse).flushHeaders();
    for await (const chunk of body.chunks) {
      const bytes = chunk instanceof Uint8Array ? chunk : chunk.length === 1 && chunk[0] !== undefined ? chunk[0] : Buffer.concat(chunk);
      if (bytes.length > 0 && !(await write(res, bytes, request))) return;
    }
    res.end();
    return;
  }
  const { chunks } = body;
  const length = body.kind === 'bytes' ? sizeOf(body.chunks) : body.length;
  if (length >= minGzipBytes && req.method !== 'HEAD' && wantsGzip(req, request)) {
    await writeCompressed(res, response.status, headers, body.kind === 'pieces' ? copies(chunks) : pieces(chunks), request);
    return;
  }
  if (response.status !== 204 && response.status !== 304) headers['content-length'] = length.toString();
  writeHead(res, response.status, headers);
  if (req.method === 'HEAD') res.end();
  else if (body.kind === 'pieces') {
    for (const chunk of chunks) {
      if (!(await writeWhole(res, chunk))) return;
      await new Promise<void>((resolve) => piecesInTurn.run(resolve));
    }
    res.end();
  } else if (length <= maxWriteBytes) {
    const [only, ...more] = chunks;
    if (only !== undefined && more.length === 0) (res as ServerResponse).end(only);
    else (res as ServerResponse).end(Buffer.concat(only === undefined ? [] : [only, ...more], length));
  } else {
    for (const piece of pieces(chunks)) if (!(await write(res, piece, request))) return;
    res.end();
  }
}

/** Compresses on the fly: neither the whole nor its compressed form lies in memory. */
async function writeCompressed(
  res: AnyResponse,
  status: number,
  headers: Record<string, string | string[]>,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  request: ApiRequest,
): Promise<void> {
  writeHead(res, status, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  try {
    await pipeline(Readable.from(chunks, { objectMode: true }), createGzip({ level: constants.Z_BEST_SPEED }), res as ServerResponse);
  } catch (error) {
    if (!request.signal.aborted && !res.destroyed) throw error;
  }
}

function writeHead(res: AnyResponse, status: number, headers: Record<string, string | string[]>): void {
  (res as ServerResponse).writeHead(status, headers);
}

/** False when the client is gone. */
async function write(res: AnyResponse, bytes: Uint8Array, { signal }: ApiRequest): Promise<boolean> {
  if (res.destroyed) return false;
  const ready = (res as ServerResponse).write(bytes);
  if (ready) return true;
  try {
    await once(res as ServerResponse, 'drain', { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Resolves when the memory of `bytes` is no longer needed: to false when the client is gone. */
async function writeWhole(res: AnyResponse, bytes: Uint8Array): Promise<boolean> {
  if (res.destroyed) return false;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      (res as ServerResponse).off('close', done);
      resolve();
    };
    (res as ServerResponse).once('close', done);
    (res as ServerResponse).write(bytes, done);
  });
  return !res.destroyed;
}

function* copies(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** Joins small chunks, so that ten thousand items do not become ten thousand frames. */
function* pieces(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  let group: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    group.push(chunk);
    size += chunk.length;
    // Large ones are never joined with what follows: that would copy them.
    if (size < maxWriteBytes / 2) continue;
    yield group.length === 1 ? chunk : Buffer.concat(group, size);
    group = [];
    size = 0;
  }
  const [only] = group;
  if (only !== undefined) yield group.length === 1 ? only : Buffer.concat(group, size);
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}

/** Where the bytes do not leave the machine, compressing them costs more than it saves. */
function wantsGzip(req: AnyRequest, request: ApiRequest): boolean {
  if (isLocal(request.remoteAddress)) return false;
  const accepted = req.headers['accept-encoding'];
  return typeof accepted === 'string' && /\bgzip\b/.test(accepted);
}

function isLocal(address: string): boolean {
  return address === '' || address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}
