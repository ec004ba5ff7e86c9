import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { imageService, runtimeService } from './generated/cri.ts';
import type { Draft, ServerStreamMethod, UnaryMethod } from './method.ts';
import { RpcError, rpcCodes } from './rpc-error.ts';

/** What a handler knows of its call besides the request. */
export interface CallContext {
  /** The service's method, lower camel case, as `runPodSandbox`. */
  readonly method: string;
  /** Aborted when the caller cancels, disconnects or its deadline passes. */
  readonly signal: AbortSignal;
}

type HandlerOf<M> =
  M extends UnaryMethod<infer Request, infer Response>
    ? (request: Request, context: CallContext) => Promise<Draft<Response>>
    : M extends ServerStreamMethod<infer Request, infer Response>
      ? (request: Request, context: CallContext) => AsyncIterable<Draft<Response>>
      : never;

/** A service's implementation; methods left out answer UNIMPLEMENTED. */
export type ServiceHandlers<Service> = { readonly [Name in keyof Service]?: HandlerOf<Service[Name]> };

export type RuntimeServiceHandlers = ServiceHandlers<typeof runtimeService>;
export type ImageServiceHandlers = ServiceHandlers<typeof imageService>;

export interface CriHandlers {
  readonly runtime: RuntimeServiceHandlers;
  readonly image: ImageServiceHandlers;
}

export interface CriServer {
  /** Stops listening and waits for running calls, at most `graceMs` (default 0: cancels them at once). */
  close(graceMs?: number): Promise<void>;
}

type AnyMethod = UnaryMethod<object, object> | ServerStreamMethod<object, object>;
type UnaryHandler = (request: object, context: CallContext) => Promise<object>;
type StreamHandler = (request: object, context: CallContext) => AsyncIterable<object>;

const maxMessageBytes = 64 * 1024 * 1024;

/**
 * Serves CRI v1 on a unix socket (mode 0660), replacing a socket file left by a dead process.
 * Handlers throw `RpcError` to choose a code; any other error is sent as UNKNOWN with its message.
 */
export async function serveCri(socketPath: string, handlers: CriHandlers): Promise<CriServer> {
  const server = new Server({ 'grpc.max_receive_message_length': maxMessageBytes, 'grpc.max_send_message_length': maxMessageBytes });
  addService(server, runtimeService, handlers.runtime);
  addService(server, imageService, handlers.image);
  await mkdir(path.dirname(socketPath), { recursive: true });
  await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(new Error(`Cannot listen on ${socketPath}`, { cause: error }));
      else resolve();
    });
  });
  await chmod(socketPath, 0o660);
  return { close: (graceMs = 0) => shutDown(server, graceMs) };
}

function addService(server: Server, service: object, handlers: object): void {
  const methods: Record<string, AnyMethod> = {};
  const implementation: Record<string, UntypedHandleCall> = {};
  for (const [name, method] of Object.entries(service) as [string, AnyMethod][]) {
    const handler = (handlers as Record<string, UnaryHandler | StreamHandler | undefined>)[name];
    if (handler === undefined) continue;
    methods[name] = method;
    implementation[name] = method.responseStream ? streamCall(name, handler as StreamHandler) : unaryCall(name, handler as UnaryHandler);
  }
  // grpc-js refuses a service without methods; calls to it answer UNIMPLEMENTED either way.
  if (Object.keys(methods).length > 0) server.addService(methods, implementation);
}

function unaryCall(method: string, handler: UnaryHandler) {
  return (call: ServerUnaryCall<object, object>, reply: sendUnaryData<object>): void => {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort(new RpcError('CANCELLED', 'The caller went away')));
    handler(call.request, { method, signal: abort.signal }).then(
      (response) => reply(null, response),
      (error: unknown) => reply(statusOf(error)),
    );
  };
}

function streamCall(method: string, handler: StreamHandler) {
  return (call: ServerWritableStream<object, object>): void => {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort(new RpcError('CANCELLED', 'The caller went away')));
    call.on('error', () => abort.abort(new RpcError('CANCELLED', 'The stream broke')));
    writeAll(call, handler(call.request, { method, signal: abort.signal }), abort.signal).then(
      () => call.end(),
      (error: unknown) => {
        if (!abort.signal.aborted) call.emit('error', statusOf(error));
      },
    );
  };
}

async function writeAll(call: ServerWritableStream<object, object>, messages: AsyncIterable<object>, signal: AbortSignal): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!call.write(message)) await drained(call, signal);
  }
}

function drained(call: ServerWritableStream<object, object>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof RpcError) return { code: rpcCodes[error.code], details: error.message };
  return { code: rpcCodes.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (graceMs <= 0) {
      server.forceShutdown();
      resolve();
      return;
    }
    const force = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
