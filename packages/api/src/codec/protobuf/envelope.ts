import { badRequest } from '../../errors/constructors.ts';
import { schemaFor, schemaOfType } from '../../schema/builtin.ts';
import type { ObjectDescriptor } from '../../schema/descriptor.ts';
import { decodeObject } from '../decode.ts';
import { MessageDecoder } from './decode.ts';
import { writeMessage } from './encode.ts';
import { MessageReader } from './reader.ts';
import { ReverseWriter } from './writer.ts';

/** What precedes every object in `application/vnd.kubernetes.protobuf`: `k8s` and a zero byte. */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
const watchEventName = 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Around the message that `writer` holds from `mark` on: magic, and runtime.Unknown with the type. */
function writeEnvelope(writer: ReverseWriter, mark: number, apiVersion: string, kind: string): void {
  const raw = writer.length - mark;
  writer.varint(raw);
  writer.tag(2, 2);
  const type = writer.length;
  writer.string(2, kind);
  writer.string(1, apiVersion);
  writer.lengthSince(type, 1);
  writer.raw(magic);
}

/** contentEncoding and contentType, which follow the message and are always empty. */
function writeTrailer(writer: ReverseWriter): void {
  writer.string(4, '');
  writer.string(3, '');
}

/**
 * The bytes of an object as Kubernetes would write them, envelope included. `object` must have the shape that
 * `decodeObject` gives; its apiVersion and kind go into the envelope.
 */
export function encodeProtobuf(descriptor: ObjectDescriptor, object: object): Uint8Array {
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  const writer = new ReverseWriter();
  writeTrailer(writer);
  const mark = writer.length;
  writeMessage(writer, descriptor, object as Record<string, unknown>);
  writeEnvelope(writer, mark, apiVersion, kind);
  return writer.finish().slice();
}

/** A watch event around an object that is already encoded, envelope and all. */
export function encodeProtobufWatchEvent(type: string, object: Uint8Array): Uint8Array {
  const writer = new ReverseWriter(object.length + 64);
  writeTrailer(writer);
  const mark = writer.length;
  const raw = writer.length;
  writer.bytes(1, object);
  writer.lengthSince(raw, 2);
  writer.string(1, type);
  writeEnvelope(writer, mark, '', '');
  return writer.finish().slice();
}

export interface ProtobufObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** In the form that `decodeObject` gives, apiVersion and kind included. */
  readonly object: Record<string, unknown>;
}

export function isProtobuf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && magic.every((byte, index) => bytes[index] === byte);
}

/**
 * Reads an object in its envelope. `fallback` says what the bytes are when the envelope names no type (watch events, options).
 * @throws StatusError BadRequest when the bytes are malformed or of no known kind.
 */
export function decodeProtobuf(bytes: Uint8Array, fallback?: ObjectDescriptor): ProtobufObject {
  if (!isProtobuf(bytes)) throw badRequest('the body has no k8s protobuf prefix');
  const reader = new MessageReader(bytes.subarray(magic.length));
  let apiVersion = '';
  let kind = '';
  let raw = new Uint8Array() as Uint8Array;
  while (reader.next()) {
    if (reader.number === 1) {
      const type = new MessageReader(reader.bytes());
      while (type.next()) {
        if (type.number === 1) apiVersion = type.string();
        else if (type.number === 2) kind = type.string();
        else type.skip();
      }
    } else if (reader.number === 2) raw = reader.bytes();
    else reader.skip();
  }
  const { group, version } = splitApiVersion(apiVersion);
  const descriptor = kind === '' ? fallback : schemaFor(group, version, kind);
  if (!descriptor)
    throw badRequest(kind === '' ? 'the protobuf body names no kind' : `no kind "${kind}" is registered for version "${apiVersion}"`);
  const loose = new MessageDecoder((inner) => decodeProtobuf(inner, schemaOfType(watchEventName)).object).message(descriptor, raw);
  if (descriptor.kind) {
    if (apiVersion !== '') loose['apiVersion'] = apiVersion;
    if (kind !== '') loose['kind'] = kind;
  }
  return { apiVersion, kind, object: decodeObject(descriptor, loose, { validation: 'Ignore' }).object };
}
