import type { TestApiServer } from '../../src/testing/index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: Json;
}

export type Json = Record<string, unknown> & {
  readonly metadata: Record<string, unknown>;
  readonly items: Json[];
};

/** Asks the API server as a client of the network would, below the socket, as an administrator. */
export async function ask(
  api: TestApiServer,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  options: { readonly accept?: string; readonly body?: string | Buffer; readonly contentType?: string; readonly manager?: string } = {},
): Promise<Answer> {
  const { body, abort } = await open(api, method, url, options);
  const parts: Uint8Array[] = [];
  for await (const chunk of body.body.chunks) parts.push(...(chunk instanceof Uint8Array ? [Buffer.from(chunk)] : chunk));
  abort.abort();
  const bytes = Buffer.concat(parts);
  return {
    status: body.status,
    headers: body.headers,
    body: bytes,
    get json() {
      return JSON.parse(bytes.toString()) as Json;
    },
  };
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

/** Opens a JSON watch. `next` waits for an event; undefined means that the watch has ended. */
export async function watch(
  api: TestApiServer,
  url: string,
  accept = 'application/json',
): Promise<{ next(): Promise<WatchEvent | undefined>; close(): void; readonly status: number }> {
  const { body, abort } = await open(api, 'GET', url, { accept });
  const events: WatchEvent[] = [];
  const iterator = (body.body as { chunks: AsyncIterable<Uint8Array | readonly Uint8Array[]> }).chunks[Symbol.asyncIterator]();
  return {
    status: body.status,
    async next() {
      while (events.length === 0) {
        const { value, done } = await iterator.next();
        if (done === true) return undefined;
        const text = Buffer.concat(value instanceof Uint8Array ? [value] : value).toString();
        for (const line of text.split('\n')) if (line !== '') events.push(JSON.parse(line) as WatchEvent);
      }
      return events.shift();
    },
    close: () => abort.abort(),
  };
}

async function open(
  api: TestApiServer,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  options: { readonly accept?: string; readonly body?: string | Buffer; readonly contentType?: string; readonly manager?: string },
) {
  const [path = '', query = ''] = url.split('?');
  const abort = new AbortController();
  const { body, accept = 'application/json', contentType = 'application/json' } = options;
  const response = await api.server.handle({
    method,
    path,
    query: new URLSearchParams(query),
    headers: { accept, 'content-type': contentType, 'user-agent': options.manager ?? 'test' },
    body: body === undefined ? { kind: 'none' } : { kind: 'bytes', read: () => Promise.resolve(Buffer.from(body)) },
    peer: { kind: 'loopback', identity: { name: 'admin', groups: ['system:masters'] } },
    remoteAddress: '127.0.0.1',
    signal: abort.signal,
  });
  return { body: response, abort };
}
