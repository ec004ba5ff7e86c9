import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Logger } from '@bayplan/component-base';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import type { IOptions, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse, KVClient, WatchClient } from 'etcd3';
import { StoreError } from '../store-error.ts';

export interface EtcdStoreOptions {
  /** URLs of the members, such as `https://10.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  /** What all keys start with, so that others may use the same etcd. `/bayplan` unless told. */
  readonly prefix?: string;
  /** PEM. Without it TLS trusts what the system trusts. */
  readonly tls?: { readonly ca: Buffer; readonly certificate?: Buffer; readonly key?: Buffer };
  readonly user?: { readonly name: string; readonly password: string };
  /** How long one request may take. 10 seconds unless told. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
  /** Told of what happens in the background: a compaction that failed, a full etcd. */
  readonly logger?: Logger;
  /** How often one of the servers compacts history that is older than this. 5 minutes unless told; 0 for never. */
  readonly compactionIntervalMs?: number;
}

/**
 * Calls to etcd with deadlines and errors of the store's kind. etcd3's own retries are switched off:
 * it would repeat a write whose answer was lost, and report that the key exists.
 */
export class EtcdClient {
  readonly #connection: Etcd3;
  readonly #kv: KVClient;
  readonly #options: EtcdStoreOptions;
  readonly requestTimeoutMs: number;
  /** etcd3's own watcher does not tell where a revision ends, so the stream is used as it is. */
  readonly watchClient: WatchClient;
  #closed = false;

  constructor(options: EtcdStoreOptions) {
    if (options.endpoints.length === 0) throw new StoreError('invalid', 'No etcd endpoint was given');
    this.#options = options;
    this.requestTimeoutMs = options.requestTimeoutMs ?? 10_000;
    this.#connection = new Etcd3(connectionOptions(options, options.endpoints));
    this.#kv = this.#connection.kv;
    this.watchClient = this.#connection.watchClient;
  }

  get closed(): boolean {
    return this.#closed;
  }

  range(request: IRangeRequest, signal?: AbortSignal): Promise<IRangeResponse> {
    return this.#call(true, (deadline) => this.#kv.range(request, { deadline }), signal);
  }

  txn(request: ITxnRequest): Promise<ITxnResponse> {
    return this.#call(false, (deadline) => this.#kv.txn(request, { deadline }));
  }

  async put(key: Buffer, value: Buffer): Promise<void> {
    await this.#call(false, (deadline) => this.#kv.put({ key, value }, { deadline }));
  }

  async compact(revision: number): Promise<void> {
    await this.#call(true, (deadline) => this.#kv.compact({ revision, physical: false }, { deadline }));
  }

  /** Runs `use` with a connection to each member in turn; what concerns one member, not the cluster. */
  async eachMember(use: (maintenance: Etcd3['maintenance'], deadline: () => number) => Promise<void>): Promise<void> {
    for (const endpoint of this.#options.endpoints) {
      const member = new Etcd3(connectionOptions(this.#options, [endpoint]));
      try {
        await use(member.maintenance, () => Date.now() + this.requestTimeoutMs);
      } catch (error) {
        throw fromEtcd(error);
      } finally {
        member.close();
      }
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  /** Repeats what may be repeated: reads always, writes when etcd surely never saw them. */
  async #call<T>(repeatable: boolean, attempt: (deadline: number) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const deadline = Date.now() + this.requestTimeoutMs;
    for (let tries = 0; ; tries += 1) {
      signal?.throwIfAborted();
      if (this.#closed) throw new StoreError('closed', 'The store is closed');
      try {
        const answer = await attempt(deadline);
        signal?.throwIfAborted();
        return answer;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = this.#closed ? new StoreError('closed', 'The store is closed', { cause: error }) : fromEtcd(error);
        const pauseMs = Math.min(50 * 2 ** tries, 1000);
        const again = failure.reason === 'unreachable' && (repeatable || neverSent(failure.message)) && Date.now() + pauseMs < deadline;
        if (!again) throw failure;
        await sleep(pauseMs);
      }
    }
  }
}

function connectionOptions(options: EtcdStoreOptions, hosts: readonly string[]): IOptions {
  const { tls, user } = options;
  return {
    hosts: [...hosts],
    ...(tls === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: tls.ca,
            ...(tls.key === undefined ? {} : { privateKey: tls.key }),
            ...(tls.certificate === undefined ? {} : { certChain: tls.certificate }),
          },
        }),
    ...(user === undefined ? {} : { auth: { username: user.name, password: user.password } }),
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: {
      // A page of a list is bounded by the number of its items, not by their size.
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // A link that died silently is noticed within 15 seconds.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
    },
  };
}

/** True for failures that come before the request has left this process. */
function neverSent(message: string): boolean {
  return /No connection established|Name resolution failed|no leader/i.test(message);
}

const reasons: readonly (readonly [RegExp, StoreError['reason']])[] = [
  [/has been compacted/, 'compacted'],
  [/is a future revision/, 'invalid'],
  [/request is too large|message larger than max|too large/i, 'too-large'],
  [/database space exceeded|NOSPACE/, 'full'],
  [/\bcorrupt/i, 'corrupt'],
  [/DEADLINE_EXCEEDED|request timed out/, 'timeout'],
  [/INVALID_ARGUMENT|PERMISSION_DENIED|permission denied|UNAUTHENTICATED|authentication failed|invalid auth token/i, 'invalid'],
];

/** etcd3 drops the gRPC status code, so the message is all there is to go by. */
export function fromEtcd(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const reason = reasons.find(([pattern]) => pattern.test(message))?.[1] ?? 'unreachable';
  return new StoreError(reason, `etcd: ${message.replace(/^\w*Error: /, '')}`, { cause: error });
}
