import { Client, credentials } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { imageService, runtimeService } from './generated/cri.ts';
import type { Draft, ServerStreamMethod, UnaryMethod } from './method.ts';
import { rpcErrorFrom } from './rpc-error.ts';

export interface CallOptions {
  /** Aborting it cancels the call, which then rejects with code CANCELLED. */
  readonly signal?: AbortSignal;
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED. Default: two minutes; streams have none. */
  readonly deadlineMs?: number;
}

type CallOf<M> =
  M extends UnaryMethod<infer Request, infer Response>
    ? (request: Draft<Request>, options?: CallOptions) => Promise<Response>
    : M extends ServerStreamMethod<infer Request, infer Response>
      ? (request: Draft<Request>, options?: CallOptions) => AsyncIterable<Response>
      : never;

/** The methods of a service as a client calls them. */
export type ServiceClient<Service> = { readonly [Name in keyof Service]: CallOf<Service[Name]> };

export type RuntimeServiceClient = ServiceClient<typeof runtimeService>;
export type ImageServiceClient = ServiceClient<typeof imageService>;

/** One channel to a container runtime. Failed calls reject with `RpcError`. */
export interface CriClient {
  readonly runtime: RuntimeServiceClient;
  readonly image: ImageServiceClient;
  /** Resolves once the runtime's socket accepts connections; rejects after `deadlineMs`. */
  ready(deadlineMs: number): Promise<void>;
  close(): void;
}

const defaultDeadlineMs = 120_000;
/** A node with a thousand pods answers lists larger than the usual 4 MiB. */
const maxMessageBytes = 64 * 1024 * 1024;

/** Connects (lazily, and again after every loss) to the runtime that listens on a unix socket. */
export function createCriClient(socketPath: string): CriClient {
  const channel = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // A restarted runtime must be found again within a second, not after minutes of backoff.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  });
  return {
    runtime: serviceClient(channel, runtimeService),
    image: serviceClient(channel, imageService),
    ready: (deadlineMs) =>
      new Promise((resolve, reject) => {
        channel.waitForReady(Date.now() + deadlineMs, (error) => {
          if (error) reject(rpcErrorFrom(14, `The runtime at ${socketPath} did not become ready`, error));
          else resolve();
        });
      }),
    close: () => channel.close(),
  };
}

type AnyMethod = UnaryMethod<object, object> | ServerStreamMethod<object, object>;

function serviceClient<Service extends object>(channel: Client, service: Service): ServiceClient<Service> {
  const calls: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(service) as [string, AnyMethod][]) {
    calls[name] = method.responseStream
      ? (request: object, options: CallOptions = {}) => callStream(channel, method, request, options)
      : (request: object, options: CallOptions = {}) => callUnary(channel, method, request, options);
  }
  return calls as ServiceClient<Service>;
}

function callUnary(channel: Client, method: UnaryMethod<object, object>, request: object, options: CallOptions): Promise<object> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(rpcErrorFrom(1, 'The call was cancelled before it started', options.signal.reason));
      return;
    }
    const finish = (error: ServiceError | null, response?: object): void => {
      options.signal?.removeEventListener('abort', cancel);
      if (error) reject(rpcErrorFrom(error.code, error.details, error));
      else resolve(response ?? {});
    };
    const deadline = Date.now() + (options.deadlineMs ?? defaultDeadlineMs);
    const { path, requestSerialize, responseDeserialize } = method;
    const call = channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, finish);
    const cancel = (): void => call.cancel();
    options.signal?.addEventListener('abort', cancel, { once: true });
  });
}

async function* callStream(
  channel: Client,
  method: ServerStreamMethod<object, object>,
  request: object,
  options: CallOptions,
): AsyncGenerator<object> {
  if (options.signal?.aborted) throw rpcErrorFrom(1, 'The call was cancelled before it started', options.signal.reason);
  const { path, requestSerialize, responseDeserialize } = method;
  const limits = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
  const call: ClientReadableStream<object> = channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, limits);
  const cancel = (): void => call.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of call) yield message as object;
  } catch (error) {
    const { code, details } = error as Partial<ServiceError>;
    throw typeof code === 'number' ? rpcErrorFrom(code, details ?? '', error) : error;
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    // The consumer may leave the loop early; cancelling a finished call does nothing.
    call.cancel();
  }
}
