import { validateHeaderValue } from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

/** Where an upgraded connection is forwarded to. */
export interface ProxyTarget {
  /** `http:` or `https:`; its path and query replace those of the request. */
  readonly url: URL;
  /** Connect to this unix socket instead of the URL's host and port. */
  readonly socketPath?: string;
  /** Client certificate, trust and the like, for `https:`. */
  readonly tls?: tls.ConnectionOptions;
  /** Added to the request, replacing headers of the same (lower case) name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Makes the connection, TLS included, instead of the URL's host and port. */
  readonly open?: () => Promise<Duplex>;
  readonly signal?: AbortSignal;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
}

/** Credentials and identities of the client are the proxy's business, never the next server's. */
const droppedHeader = /^(authorization|cookie|host|x-forwarded-.*|x-remote-.*|impersonate-.*)$/;

/** Browsers cannot set headers, so their token comes as an offered subprotocol. */
const tokenProtocol = 'base64url.bearer.authorization.k8s.io.';

function withoutToken(offered: string): string {
  const protocols = offered.split(',').map((protocol) => protocol.trim());
  return protocols.filter((protocol) => !protocol.startsWith(tokenProtocol)).join(', ');
}

/**
 * Forwards an upgrade request and then every byte both ways, unparsed: the upstream's answer, `101`
 * or an error, reaches the client as it is. Resolves when both directions have ended.
 * Rejects, with nothing written to the client and its socket still open, when the upstream cannot be reached.
 */
export async function proxyUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, target: ProxyTarget): Promise<void> {
  const opening = requestHead(req, target);
  const upstream = target.open === undefined ? await connect(target) : await target.open();
  if (socket.destroyed) {
    upstream.destroy();
    return;
  }
  upstream.write(opening);
  if (head.length > 0) upstream.write(head);
  await joinStreams(socket, upstream, target.signal);
}

/** Names of users come from elsewhere: a line break in one would be a header of its own. Throws for what no header can hold. */
function headerValue(name: string, value: string): string {
  validateHeaderValue(name, value);
  return value;
}

function requestHead(req: IncomingMessage, target: ProxyTarget): string {
  const extra = target.headers ?? {};
  const lines: string[] = [];
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (droppedHeader.test(lower) || lower in extra) continue;
    const value = req.rawHeaders[index + 1] ?? '';
    lines.push(`${name}: ${lower === 'sec-websocket-protocol' ? withoutToken(value) : value}`);
  }
  for (const [name, value] of Object.entries(extra)) {
    for (const one of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${headerValue(name, one)}`);
  }
  return `${req.method ?? 'GET'} ${target.url.pathname}${target.url.search} HTTP/1.1\r\nHost: ${target.url.host}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function connect(target: ProxyTarget): Promise<net.Socket> {
  const secure = target.url.protocol === 'https:';
  const place =
    target.socketPath === undefined
      ? { host: target.url.hostname.replace(/^\[|\]$/g, ''), port: Number(target.url.port || (secure ? 443 : 80)) }
      : { path: target.socketPath };
  return new Promise((resolve, reject) => {
    const upstream = secure ? tls.connect({ ALPNProtocols: ['http/1.1'], ...target.tls, ...place }) : net.connect(place);
    const fail = (cause: unknown): void => {
      stop();
      upstream.destroy();
      reject(new Error(`Cannot connect to ${target.socketPath ?? target.url.host}`, { cause }));
    };
    const abort = (): void => fail(target.signal?.reason);
    const timer = setTimeout(() => fail(new Error('Timed out')), target.connectTimeoutMs ?? 10_000);
    const stop = (): void => {
      clearTimeout(timer);
      target.signal?.removeEventListener('abort', abort);
      upstream.off('error', fail);
    };
    upstream.once('error', fail);
    upstream.once(secure ? 'secureConnect' : 'connect', () => {
      stop();
      resolve(upstream);
    });
    target.signal?.addEventListener('abort', abort, { once: true });
    if (target.signal?.aborted) abort();
  });
}

/**
 * Copies bytes both ways with back-pressure and half-close until both directions end; an error or
 * the signal destroys both ends. Never rejects: a broken session is an ended one.
 */
export function joinStreams(one: Duplex, other: Duplex, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const destroy = (): void => {
      one.destroy();
      other.destroy();
    };
    const closed = (): void => {
      open -= 1;
      if (open === 0) {
        signal?.removeEventListener('abort', destroy);
        resolve();
      }
    };
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.on('error', destroy);
      // A peer that is gone for good can neither be read nor written to; a half-close arrives as `end`.
      from.once('close', () => {
        if (!to.writableEnded) to.end();
        closed();
      });
      from.pipe(to);
    }
    signal?.addEventListener('abort', destroy, { once: true });
    if (signal?.aborted) destroy();
  });
}
