import protobuf from 'protobufjs/minimal.js';
import type { Reader, Writer } from 'protobufjs/minimal.js';

/**
 * A message as a sender may write it: every field may be left out. Readers get the whole message:
 * scalars, lists and maps are always there (zero, empty), only sub-messages can be undefined.
 */
export type Draft<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
      : T;

/** The serialisers of one gRPC method, in the shape that grpc-js takes. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly requestSerialize: (value: Draft<Request>) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (value: Draft<Response>) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

export interface UnaryMethod<Request, Response> extends Method<Request, Response> {
  readonly responseStream: false;
}

export interface ServerStreamMethod<Request, Response> extends Method<Request, Response> {
  readonly responseStream: true;
}

type Encode<T> = (writer: Writer, message: Draft<T>) => Writer;
type Decode<T> = (reader: Reader, length: number) => T;

// 64-bit integers are plain numbers: without this, protobufjs returns Long objects when it finds the
// `long` package. Byte sizes and durations stay exact up to 2^53; times in nanoseconds round to 256 ns.
protobuf.util.Long = null as never;
protobuf.configure();

/** What an unset `bytes` field reads as. */
export const noBytes: Uint8Array = new Uint8Array(0);

/** Reads one entry of a string-to-string map into `into`. */
export function readEntry(reader: Reader, into: Record<string, string>): void {
  const end = reader.uint32() + reader.pos;
  let key = '';
  let value = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 10) key = reader.string();
    else if (tag === 18) value = reader.string();
    else reader.skipType(tag & 7);
  }
  // A plain assignment of `__proto__` would change the object instead of adding a key.
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

function codecs<Request, Response>(
  path: string,
  encodeRequest: Encode<Request>,
  decodeRequest: Decode<Request>,
  encodeResponse: Encode<Response>,
  decodeResponse: Decode<Response>,
): Method<Request, Response> {
  return {
    path,
    requestStream: false,
    requestSerialize: (value) => Buffer.from(encodeRequest(protobuf.Writer.create(), value).finish()),
    requestDeserialize: (bytes) => decodeRequest(protobuf.Reader.create(bytes), bytes.length),
    responseSerialize: (value) => Buffer.from(encodeResponse(protobuf.Writer.create(), value).finish()),
    responseDeserialize: (bytes) => decodeResponse(protobuf.Reader.create(bytes), bytes.length),
  };
}

/** Describes a method with one request and one response. */
export function unary<Request, Response>(...args: Parameters<typeof codecs<Request, Response>>): UnaryMethod<Request, Response> {
  return { ...codecs(...args), responseStream: false };
}

/** Describes a method with one request and a stream of responses. */
export function serverStream<Request, Response>(
  ...args: Parameters<typeof codecs<Request, Response>>
): ServerStreamMethod<Request, Response> {
  return { ...codecs(...args), responseStream: true };
}
