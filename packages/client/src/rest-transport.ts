import { retryAfterSecondsOf, statusOf } from '@bayplan/api';
import { systemClock } from '@bayplan/component-base';
import type { Clock } from '@bayplan/component-base';
import { readFile } from 'node:fs/promises';
import type { Dispatcher, Pool } from 'undici';
import { jsonLines } from './json-lines.ts';
import { errorFromAnswer, errorFromConnection, errorFromEvent, mayTryAgain } from './rest-errors.ts';
import type { ApiCall, RawWatchEvent, Transport } from './transport.ts';

/** How to reach an API server over HTTPS, and as whom. */
export interface RestTransportOptions {
  /** `https://host:port`, one or several; the next is tried when one does not answer. */
  readonly server: string | readonly string[];
  /** The authority that signed the server's certificate; the system's when absent. */
  readonly caPem?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** Name to expect in the server's certificate when it is not the URL's host. */
  readonly tlsServerName?: string | undefined;
  readonly certPem?: string | undefined;
  readonly keyPem?: string | undefined;
  readonly token?: string | undefined;
  /** Read again every minute, so a rotated token is picked up. */
  readonly tokenFile?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Deadline of calls other than watches. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Default `systemClock`. */
  readonly clock?: Clock | undefined;
}

const tokenLifetimeMs = 60_000;
const connectTimeoutMs = 10_000;
/** Tries of one call that the server asked to come back later. */
const maxBusyTries = 5;

/**
 * Calls over HTTPS. Connections are kept; every watch holds one. When a server does not answer the next of
 * the list is used from then on. `429` answers are retried as the server asks.
 */
export function createRestTransport(options: RestTransportOptions): Transport {
  return new RestTransport(options);
}

class RestTransport implements Transport {
  readonly #options: RestTransportOptions;
  readonly #servers: readonly URL[];
  readonly #clock: Clock;
  readonly #pools = new Map<number, Promise<Pool>>();
  #current = 0;
  #token: { readonly value: Promise<string>; readonly readAtMs: number } | undefined;

  constructor(options: RestTransportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#servers = (typeof options.server === 'string' ? [options.server] : options.server).map((server) => new URL(server));
    if (this.#servers.length === 0) throw new Error('At least one server is needed');
  }

  async call(call: ApiCall): Promise<unknown> {
    for (let busy = 1; ; busy++) {
      const answer = await this.#send(call, this.#options.timeoutMs ?? 60_000);
      try {
        const text = await answer.body.text();
        if (answer.statusCode >= 200 && answer.statusCode < 300) return text === '' ? undefined : JSON.parse(text);
        throw errorFromAnswer(answer.statusCode, text, headerOf(answer, 'retry-after'));
      } catch (error) {
        call.signal?.throwIfAborted();
        if (statusOf(error) === undefined) throw errorFromConnection(error, this.#server().host);
        const waitSeconds = retryAfterSecondsOf(error);
        if (answer.statusCode !== 429 || waitSeconds === undefined || busy === maxBusyTries) throw error;
        await this.#clock.sleep(waitSeconds * 1000, call.signal);
      }
    }
  }

  async *watch(call: ApiCall): AsyncGenerator<RawWatchEvent> {
    const answer = await this.#send({ ...call, query: { ...call.query, watch: 'true' } }, 0);
    if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode, await answer.body.text(), headerOf(answer, 'retry-after'));
    try {
      for await (const value of jsonLines(answer.body)) {
        const event = value as { readonly type: RawWatchEvent['type'] | 'ERROR'; readonly object: unknown };
        if (event.type === 'ERROR') throw errorFromEvent(event.object);
        yield { type: event.type, object: event.object };
      }
    } catch (error) {
      if (call.signal?.aborted) return;
      throw statusOf(error) === undefined ? errorFromConnection(error, this.#server().host) : error;
    } finally {
      answer.body.on('error', () => undefined); // cutting the stream is not a failure
      answer.body.destroy();
    }
  }

  async close(): Promise<void> {
    const pools = await Promise.all(this.#pools.values());
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  /** Sends to the current server, going on to the next while they do not answer. */
  async #send(call: ApiCall, timeoutMs: number): Promise<Dispatcher.ResponseData> {
    const headers = await this.#headers(call);
    const query = new URLSearchParams(call.query).toString();
    for (let tries = 1; ; tries++) {
      const index = this.#current;
      const server = this.#server();
      try {
        const pool = await this.#pool(index, server);
        return await pool.request({
          path: `${server.pathname.replace(/\/$/, '')}${call.path}${query === '' ? '' : `?${query}`}`,
          method: call.method,
          headers,
          body: call.body === undefined ? null : JSON.stringify(call.body),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: call.signal ?? null,
        });
      } catch (error) {
        call.signal?.throwIfAborted();
        if (this.#current === index) this.#current = (index + 1) % this.#servers.length;
        // A kept connection that the server had just closed is worth a second try on the same server.
        if (tries > this.#servers.length || !mayTryAgain(error, call.method)) throw errorFromConnection(error, server.host);
        if (this.#servers.length === 1 && tries > 1) throw errorFromConnection(error, server.host);
      }
    }
  }

  #server(): URL {
    const server = this.#servers[this.#current];
    if (server === undefined) throw new Error('There is no such server');
    return server;
  }

  #pool(index: number, server: URL): Promise<Pool> {
    let pool = this.#pools.get(index);
    if (pool === undefined) {
      pool = this.#open(server);
      this.#pools.set(index, pool);
    }
    return pool;
  }

  async #open(server: URL): Promise<Pool> {
    // Loaded on first use: a process that only uses loopbacks saves its memory.
    const undici = await import('undici');
    const { caPem, certPem, keyPem, insecureSkipTlsVerify, tlsServerName } = this.#options;
    return new undici.Pool(server.origin, {
      connections: null,
      connect: {
        timeout: connectTimeoutMs,
        ...(caPem === undefined ? {} : { ca: caPem }),
        ...(certPem === undefined ? {} : { cert: certPem }),
        ...(keyPem === undefined ? {} : { key: keyPem }),
        ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
        ...(insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
      },
    });
  }

  async #headers(call: ApiCall): Promise<Record<string, string>> {
    const token = await this.#bearerToken();
    return {
      accept: call.accept ?? 'application/json',
      'user-agent': this.#options.userAgent ?? 'bayplan',
      ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  #bearerToken(): Promise<string> | string | undefined {
    const { token, tokenFile } = this.#options;
    if (tokenFile === undefined) return token;
    const nowMs = this.#clock.monotonic();
    if (this.#token === undefined || nowMs - this.#token.readAtMs >= tokenLifetimeMs) {
      this.#token = { value: readFile(tokenFile, 'utf8').then((text) => text.trim()), readAtMs: nowMs };
    }
    return this.#token.value;
  }
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
