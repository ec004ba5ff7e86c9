import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiResponse } from './response.ts';

const compress = promisify(gzip);
/** Below this, compressing costs more than sending. */
const minGzipBytes = 128 * 1024;
const maxWriteBytes = 1024 * 1024;

type AnyResponse = ServerResponse | Http2ServerResponse;

/** Writes a response to an HTTP/1.1 or HTTP/2 client and ends it. Resolves early when the client goes away. */
export async function writeResponse(
  req: IncomingMessage | Http2ServerRequest,
  res: AnyResponse,
  response: ApiResponse,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { body } = response;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) headers[name] = typeof value === 'string' ? value : [...value];
  if (body.kind === 'bytes') {
    let chunks = body.chunks;
    let length = sizeOf(chunks);
    if (length >= minGzipBytes && acceptsGzip(req) && !isLocal(req.socket.remoteAddress)) {
      const packed = await compress(Buffer.concat(chunks), { level: constants.Z_BEST_SPEED });
      chunks = [packed];
      length = packed.length;
      headers['content-encoding'] = 'gzip';
      headers['vary'] = 'Accept-Encoding';
    }
    if (response.status !== 204 && response.status !== 304) headers['content-length'] = length.toString();
    writeHead(res, response.status, headers);
    if (req.method !== 'HEAD') for (const piece of pieces(chunks)) if (!(await write(res, piece, signal))) return;
    res.end();
    return;
  }
  writeHead(res, response.status, headers);
  (res as ServerResponse).flushHeaders();
  for await (const chunk of body.chunks) {
    const bytes = chunk instanceof Uint8Array ? chunk : Buffer.concat(chunk);
    if (bytes.length > 0 && !(await write(res, bytes, signal))) return;
  }
  res.end();
}

function writeHead(res: AnyResponse, status: number, headers: Record<string, string | string[]>): void {
  (res as ServerResponse).writeHead(status, headers);
}

/** False when the client is gone. */
async function write(res: AnyResponse, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || res.destroyed) return false;
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

/** Joins small chunks, so that ten thousand items do not become ten thousand frames. */
function* pieces(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let group: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    group.push(chunk);
    size += chunk.length;
    if (size < maxWriteBytes) continue;
    yield group.length === 1 ? chunk : Buffer.concat(group);
    group = [];
    size = 0;
  }
  const [only] = group;
  if (only !== undefined) yield group.length === 1 ? only : Buffer.concat(group);
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}

function acceptsGzip(req: IncomingMessage | Http2ServerRequest): boolean {
  const accepted = req.headers['accept-encoding'];
  return typeof accepted === 'string' && /\bgzip\b/.test(accepted);
}

function isLocal(address: string | undefined): boolean {
  return address === undefined || address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}
