import { encodeProtobuf, protobufMediaType, schemaFor } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { ApiResponse } from '../http/response.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { descriptorOf } from '../registry/decode-object.ts';
import type { RequestContext } from './context.ts';
import { bookmarkObject, jsonBytes, listHead, objectIn } from './encode.ts';
import type { Representation } from './negotiate.ts';
import type { Outcome, WatchItem, WatchOutcome } from './outcome.ts';
import { asTable, tableOf } from './table.ts';

type Encodable = Exclude<Outcome, { kind: 'bytes' | 'stream' }>;
type Headers = Record<string, string | readonly string[]>;

/** Encodes what is not plain JSON of stored objects: YAML, protobuf, tables and metadata alone. */
export async function encodeSpecial(
  context: RequestContext,
  outcome: Encodable,
  representation: Representation,
  headers: Headers,
): Promise<ApiResponse> {
  if (outcome.kind === 'watch') return encodeWatch(context, outcome, representation, headers);
  const status = outcome.kind === 'list' ? 200 : outcome.status;
  const value = valueOf(context, outcome, representation);
  const { mediaType } = representation;
  headers['content-type'] = mediaType;
  if (mediaType === 'application/vnd.kubernetes.protobuf') {
    const bytes = protobufOf(value, outcome);
    if (bytes !== undefined) return { status, headers, body: { kind: 'bytes', chunks: [bytes] } };
    headers['content-type'] = 'application/json';
  }
  if (mediaType === 'application/yaml') {
    const { stringify } = await import('yaml');
    return { status, headers, body: { kind: 'bytes', chunks: [Buffer.from(stringify(value, { aliasDuplicateObjects: false }))] } };
  }
  return { status, headers, body: { kind: 'bytes', chunks: [jsonBytes(value, representation.pretty)] } };
}

function valueOf(context: RequestContext, outcome: Exclude<Encodable, WatchOutcome>, representation: Representation): object {
  if (outcome.kind === 'value') return outcome.value;
  if (representation.as === 'Table') {
    const objects = outcome.kind === 'list' ? outcome.objects : [outcome.object];
    const head = outcome.kind === 'list' ? listHead(outcome).metadata : { resourceVersion: outcome.object.revision.toString() };
    return asTable(context, outcome.resource, objects, head, true);
  }
  if (outcome.kind === 'object') return single(outcome.resource, outcome.object, representation);
  const items = outcome.objects.map((object) => single(outcome.resource, object, representation));
  if (representation.as === undefined) return { ...listHead(outcome), items };
  return { ...listHead(outcome), kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', items };
}

function single(resource: ServedResource, stored: StoredObject, representation: Representation): KubeObject {
  const object = objectIn(resource, stored);
  return representation.as === undefined ? object : metadataOnly(object);
}

/** The `PartialObjectMetadata` of an object; shares its metadata. */
export function metadataOnly(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** Undefined when the value's kind has no protobuf form. */
function protobufOf(value: object, outcome: Encodable): Uint8Array | undefined {
  if (outcome.kind === 'object' && (value as KubeObject).kind === outcome.resource.kind) {
    const { resource } = outcome;
    return outcome.object.encoded(`${protobufMediaType} ${resource.apiVersion}`, () =>
      Buffer.from(encodeProtobuf(descriptorOf(resource), value)),
    );
  }
  const { apiVersion = '', kind = '' } = value as { apiVersion?: string; kind?: string };
  const slash = apiVersion.indexOf('/');
  const descriptor = schemaFor(apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1), kind);
  return descriptor === undefined ? undefined : encodeProtobuf(descriptor, value);
}

function encodeWatch(context: RequestContext, outcome: WatchOutcome, representation: Representation, headers: Headers): ApiResponse {
  const protobuf = representation.mediaType === 'application/vnd.kubernetes.protobuf' && representation.as !== 'Table';
  headers['content-type'] = protobuf ? 'application/vnd.kubernetes.protobuf;stream=watch' : 'application/json';
  let first = true;
  const encodeItem = (item: WatchItem): Uint8Array => {
    if (protobuf) return protobufEvent(outcome.resource, item, representation);
    if (representation.as !== 'Table') {
      const object =
        item.type === 'BOOKMARK'
          ? bookmarkIn(outcome.resource, item, representation)
          : single(outcome.resource, item.object, representation);
      return jsonBytes({ type: item.type, object }, false);
    }
    const table = tableOf(context, outcome.resource, item, first);
    first = false;
    return jsonBytes({ type: item.type, object: table }, false);
  };
  return { status: 200, headers, body: { kind: 'stream', chunks: mapBatches(outcome, encodeItem) } };
}

async function* mapBatches(outcome: WatchOutcome, encodeItem: (item: WatchItem) => Uint8Array): AsyncGenerator<readonly Uint8Array[]> {
  for await (const batch of outcome.events) yield batch.map(encodeItem);
}

function bookmarkIn(resource: ServedResource, item: Extract<WatchItem, { type: 'BOOKMARK' }>, representation: Representation): KubeObject {
  const bookmark = bookmarkObject(resource, item);
  return representation.as === undefined ? bookmark : metadataOnly(bookmark);
}

/**
 * A watch event of protobuf: four bytes of length, then a bare `WatchEvent` whose object is a
 * `RawExtension` of the object in its envelope. Streams leave the envelope of the event itself out.
 */
function protobufEvent(resource: ServedResource, item: WatchItem, representation: Representation): Uint8Array {
  const object = protobufObject(resource, item, representation);
  const type = Buffer.from(item.type);
  const raw = Buffer.concat([Buffer.from([0x0a]), varint(object.length), object]);
  const event = Buffer.concat([Buffer.from([0x0a]), varint(type.length), type, Buffer.from([0x12]), varint(raw.length), raw]);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function protobufObject(resource: ServedResource, item: WatchItem, representation: Representation): Uint8Array {
  if (representation.as !== undefined) {
    const descriptor = descriptorOf({ group: 'meta.k8s.io', version: 'v1', kind: 'PartialObjectMetadata' });
    const object = item.type === 'BOOKMARK' ? bookmarkIn(resource, item, representation) : single(resource, item.object, representation);
    return encodeProtobuf(descriptor, object);
  }
  if (item.type === 'BOOKMARK') return encodeProtobuf(descriptorOf(resource), bookmarkObject(resource, item));
  const { object } = item;
  return object.encoded(`${protobufMediaType} ${resource.apiVersion}`, () =>
    Buffer.from(encodeProtobuf(descriptorOf(resource), objectIn(resource, object))),
  );
}
