import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { once } from 'node:events';

/** What a request came to. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly bytes: number;
  readonly ms: number;
}

export interface Credentials {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** Windows as client-go has them: large enough that a list is not paced by acknowledgements. */
const streamWindowBytes = 4 * 1024 * 1024;
const sessionWindowBytes = 256 * 1024 * 1024;

/** HTTP/2 connections over TLS to one server, used in turn. */
export class LoadClient {
  private readonly sessions: ClientHttp2Session[];
  private next = 0;

  private constructor(sessions: ClientHttp2Session[]) {
    this.sessions = sessions;
  }

  static async open(url: string, credentials: Credentials, connections: number): Promise<LoadClient> {
    const sessions = await Promise.all(
      Array.from({ length: connections }, async () => {
        const session = connect(url, {
          ca: credentials.caPem,
          cert: credentials.certPem,
          key: credentials.keyPem,
          settings: { initialWindowSize: streamWindowBytes, enablePush: false },
        });
        session.on('error', () => session.destroy());
        await once(session, 'connect');
        session.setLocalWindowSize(sessionWindowBytes);
        return session;
      }),
    );
    return new LoadClient(sessions);
  }

  /** Sends a request and takes the whole answer; its body is kept only if asked for. */
  async request(
    method: string,
    path: string,
    options: { readonly body?: string; readonly contentType?: string; readonly keep?: boolean } = {},
  ): Promise<Answer> {
    const start = performance.now();
    const stream = this.start(method, path, options.contentType, options.body);
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (options.keep === true) chunks.push(chunk);
    });
    const status = await statusOf(stream);
    if (!stream.readableEnded) await once(stream, 'end');
    return { status, body: Buffer.concat(chunks), bytes, ms: performance.now() - start };
  }

  /** Opens a stream of which the caller reads the body. Resolves once the headers have come; throws unless they say 200. */
  async open(path: string): Promise<ClientHttp2Stream> {
    const stream = this.start('GET', path, undefined, undefined);
    const status = await statusOf(stream);
    if (status !== 200) throw new Error(`${path} answered ${status.toString()}`);
    return stream;
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
  }

  private start(method: string, path: string, contentType: string | undefined, body: string | undefined): ClientHttp2Stream {
    const session = this.sessions[this.next++ % this.sessions.length];
    if (session === undefined) throw new Error('no connection');
    const headers = {
      [constants.HTTP2_HEADER_METHOD]: method,
      [constants.HTTP2_HEADER_PATH]: path,
      accept: 'application/json',
      'user-agent': 'bench/1',
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    };
    const stream = session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return stream;
  }
}

async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  return Number(headers[constants.HTTP2_HEADER_STATUS]);
}

/** Runs `work` from `workers` at once until `durationMs` are over or `count` are done; gives how long each took. */
export async function hammer(
  workers: number,
  limit: { readonly durationMs: number } | { readonly count: number },
  work: (index: number) => Promise<Answer>,
): Promise<{ readonly perSecond: number; readonly latenciesMs: number[]; readonly bytesPerSecond: number; readonly count: number }> {
  const latenciesMs: number[] = [];
  let begun = 0;
  let bytes = 0;
  const start = performance.now();
  const more = (): boolean => ('count' in limit ? begun < limit.count : performance.now() - start < limit.durationMs);
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (more()) {
        const answer = await work(begun++);
        if (answer.status >= 300)
          throw new Error(`the server answered ${answer.status.toString()}: ${answer.body.toString().slice(0, 300)}`);
        latenciesMs.push(answer.ms);
        bytes += answer.bytes;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: latenciesMs.length / seconds, latenciesMs, bytesPerSecond: bytes / seconds, count: latenciesMs.length };
}
