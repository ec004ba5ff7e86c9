import { encodeProtobuf, protobufMediaType, schemaFor } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { descriptorOf } from '../registry/decode-object.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { listHead, objectIn } from './encode.ts';
import type { ListOutcome } from './outcome.ts';

const magic = Buffer.from('k8s\0', 'latin1');
/** Objects encoded before other requests get their turn. */
const turn = 200;

/** An object in its envelope, encoded once per revision and version. */
export function protobufObject(resource: ServedResource, stored: StoredObject): Buffer {
  return stored.encoded(`${protobufMediaType} ${resource.apiVersion}`, () =>
    Buffer.from(encodeProtobuf(descriptorOf(resource), objectIn(resource, stored))),
  );
}

/** Any value whose kind has a protobuf form, in its envelope; undefined when it has none. */
export function protobufValue(value: object): Uint8Array | undefined {
  const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string };
  const slash = apiVersion.indexOf('/');
  const descriptor = schemaFor(apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1), kind);
  return descriptor === undefined ? undefined : encodeProtobuf(descriptor, value);
}

/** A list, joined from the encodings of its objects. Undefined when the list's kind has no protobuf form. */
export async function protobufList(list: ListOutcome): Promise<Uint8Array[] | undefined> {
  const head = listHead(list);
  const empty = protobufValue({ ...head, items: [] } as unknown as KubeObject);
  if (empty === undefined) return undefined;
  const parts: Uint8Array[] = [contentOf(Buffer.from(empty))];
  let encoded = 0;
  for (const object of list.objects) {
    const item = contentOf(protobufObject(list.resource, object));
    parts.push(fieldHead(2, item.length), item);
    if (++encoded % turn === 0) await nextTurn();
  }
  let length = 0;
  for (const part of parts) length += part.length;
  const apiVersion = Buffer.from(head.apiVersion);
  const kind = Buffer.from(head.kind);
  const type = Buffer.concat([fieldHead(1, apiVersion.length), apiVersion, fieldHead(2, kind.length), kind]);
  // After the content come its encoding and type, which are always empty.
  return [magic, fieldHead(1, type.length), type, fieldHead(2, length), ...parts, fieldHead(3, 0), fieldHead(4, 0)];
}

/**
 * A watch event: four bytes of length, then a bare `WatchEvent` whose object is a `RawExtension` of the
 * object in its envelope. Streams leave the envelope of the event itself out.
 */
export function protobufEvent(type: string, object: Uint8Array): Buffer {
  const name = Buffer.from(type);
  const raw = Buffer.concat([fieldHead(1, object.length), object]);
  const event = Buffer.concat([fieldHead(1, name.length), name, fieldHead(2, raw.length), raw]);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

/** Tag and length of a length-delimited field. */
function fieldHead(number: number, length: number): Buffer {
  const bytes = [(number << 3) | 2];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** What an envelope holds: its field 2. */
function contentOf(envelope: Buffer): Buffer {
  let at = magic.length;
  while (at < envelope.length) {
    const number = (envelope[at] ?? 0) >> 3;
    at++;
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = envelope[at++] ?? 0;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (number === 2) return envelope.subarray(at, at + length);
    at += length;
  }
  return Buffer.alloc(0);
}
