import { internalError, serviceUnavailable, StatusError } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { ApiCall, RawWatchEvent, Transport } from '@bayplan/client';
import type { Identity } from './api-server.ts';
import { bookmarkObject, listHead, objectIn } from './chain/encode.ts';
import type { Outcome } from './chain/outcome.ts';
import type { ApiRequest } from './http/request.ts';

/** Runs the chain up to, but without, the encoding. Rejects with `StatusError`. */
export type RunChain = (request: ApiRequest) => Promise<Outcome>;

/**
 * A transport into the API server of this process under `identity`: the same chain, but objects
 * come as they lie in the watch cache, parsed once and shared.
 */
export class LoopbackTransport implements Transport {
  private readonly run: RunChain;
  private readonly identity: Identity;
  /** Of the calls under way. Plain listeners instead of `AbortSignal.any`, which leaks on signals that live long. */
  private readonly running = new Set<AbortController>();
  private readonly links = new WeakMap<AbortController, () => void>();
  private closed = false;

  constructor(run: RunChain, identity: Identity) {
    this.run = run;
    this.identity = identity;
  }

  async call(call: ApiCall): Promise<unknown> {
    const done = this.begin(call.signal);
    try {
      return await valueOf(await this.run(this.request(call, done.signal, false)));
    } finally {
      this.finish(done, call.signal);
    }
  }

  async *watch(call: ApiCall): AsyncGenerator<RawWatchEvent> {
    const done = this.begin(call.signal);
    try {
      const outcome = await this.run(this.request(call, done.signal, true));
      if (outcome.kind !== 'watch') throw internalError('the path cannot be watched');
      for await (const batch of outcome.events) {
        for (const item of batch) {
          if (item.type === 'ERROR') throw new StatusError(item.status);
          if (item.type === 'BOOKMARK') yield { type: 'BOOKMARK', object: bookmarkObject(outcome.resource, item) };
          else yield { type: item.type, object: objectIn(outcome.resource, item.object) };
        }
      }
    } catch (error) {
      if (isAbort(error, call.signal)) return;
      throw error;
    } finally {
      this.finish(done, call.signal);
    }
  }

  close(): Promise<void> {
    this.closed = true;
    for (const done of this.running) done.abort(over);
    return Promise.resolve();
  }

  private begin(signal: AbortSignal | undefined): AbortController {
    if (this.closed) throw serviceUnavailable('the transport is closed');
    const done = new AbortController();
    this.running.add(done);
    if (signal === undefined) return done;
    const abort = (): void => done.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    this.links.set(done, abort);
    return done;
  }

  private finish(done: AbortController, signal: AbortSignal | undefined): void {
    const abort = this.links.get(done);
    if (signal !== undefined && abort !== undefined) signal.removeEventListener('abort', abort);
    this.running.delete(done);
    done.abort(over);
  }

  private request(call: ApiCall, signal: AbortSignal, watch: boolean): ApiRequest {
    const query = new URLSearchParams(call.query);
    if (watch) query.set('watch', 'true');
    return {
      method: call.method,
      path: call.path,
      query,
      headers: { 'content-type': call.contentType ?? 'application/json', 'user-agent': this.identity.name },
      body: { kind: 'object', value: call.body },
      peer: { kind: 'loopback', identity: this.identity },
      remoteAddress: '127.0.0.1',
      signal,
    };
  }
}

/** The reason of signals whose call has ended; one for all, because making errors is dear. */
const over = new Error('the call is over');

async function valueOf(outcome: Outcome): Promise<unknown> {
  switch (outcome.kind) {
    case 'object':
      return objectIn(outcome.resource, outcome.object);
    case 'list': {
      const items: KubeObject[] = outcome.objects.map((object) => objectIn(outcome.resource, object));
      return { ...listHead(outcome), items };
    }
    case 'value':
      if ('code' in outcome.value && outcome.status >= 400) throw new StatusError(outcome.value as StatusError['status']);
      return outcome.value;
    case 'bytes':
      return text(outcome.contentType, Buffer.from(outcome.bytes));
    case 'stream': {
      const chunks: Uint8Array[] = [];
      for await (const chunk of outcome.chunks) chunks.push(chunk);
      return text(outcome.headers['content-type'] ?? '', Buffer.concat(chunks));
    }
    case 'watch':
      throw internalError('a watch was called as a request');
  }
}

function text(contentType: string, bytes: Buffer): unknown {
  return contentType.includes('json') ? (JSON.parse(bytes.toString('utf8')) as unknown) : bytes.toString('utf8');
}

function isAbort(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && error instanceof Error && (error === signal.reason || error.name === 'AbortError');
}
