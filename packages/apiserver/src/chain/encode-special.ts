import { encodeProtobuf, statusError } from '@bayplan/api';
import type { KubeObject, StatusError } from '@bayplan/api';
import type { ApiResponse } from '../http/response.ts';
import { descriptorOf } from '../registry/decode-object.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { RequestContext } from './context.ts';
import { encodeList } from './encode-list.ts';
import { bookmarkObject, jsonBytes, listHead, objectIn } from './encode.ts';
import type { Representation } from './negotiate.ts';
import type { Outcome, WatchError, WatchItem, WatchOutcome } from './outcome.ts';
import { protobufEvent, protobufList, protobufObject, protobufValue } from './protobuf.ts';
import { asTable, tableOf } from './table.ts';

type Encodable = Exclude<Outcome, { kind: 'bytes' | 'stream' }>;
type ObjectItem = Exclude<WatchItem, WatchError>;
type Headers = Record<string, string | readonly string[]>;

const protobuf = 'application/vnd.kubernetes.protobuf';
const statusType = { group: '', version: 'v1', kind: 'Status' } as const;
const partialType = { group: 'meta.k8s.io', version: 'v1', kind: 'PartialObjectMetadata' } as const;

/** Encodes what is not plain JSON of stored objects: YAML, protobuf, tables and metadata alone. */
export async function encodeSpecial(
  context: RequestContext,
  outcome: Encodable,
  representation: Representation,
  headers: Headers,
): Promise<ApiResponse> {
  refuseMismatch(outcome, representation);
  if (outcome.kind === 'watch') return encodeWatch(context, outcome, representation, headers);
  const status = outcome.kind === 'list' ? 200 : outcome.status;
  const answer = (contentType: string, chunks: readonly Uint8Array[]): ApiResponse => ({
    status,
    headers: { ...headers, 'content-type': contentType },
    body: { kind: 'bytes', chunks },
  });
  if (representation.mediaType === protobuf && representation.as === undefined) {
    if (outcome.kind === 'object') return answer(protobuf, [protobufObject(outcome.resource, outcome.object)]);
    const list = outcome.kind === 'list' ? await protobufList(outcome) : undefined;
    if (list !== undefined) return answer(protobuf, list);
  }
  if (outcome.kind === 'list' && representation.mediaType !== protobuf) {
    const body = await encodeList(context, outcome, representation);
    return { status, headers: { ...headers, 'content-type': representation.mediaType }, body };
  }
  const value = valueOf(context, outcome, representation);
  if (representation.mediaType === protobuf) {
    const bytes = protobufValue(value);
    if (bytes !== undefined) return answer(protobuf, [bytes]);
  }
  if (representation.mediaType === 'application/yaml') {
    const { stringify } = await import('yaml');
    return answer('application/yaml', [Buffer.from(stringify(value, { aliasDuplicateObjects: false }))]);
  }
  return answer('application/json', [jsonBytes(value, representation.pretty)]);
}

/** Metadata alone is asked for as an object or as a list, whichever is there. Throws `NotAcceptable`. */
function refuseMismatch(outcome: Encodable, { as }: Representation): void {
  if (outcome.kind === 'list' && as === 'PartialObjectMetadata')
    throw notAcceptableForm(`you requested PartialObjectMetadata, but the requested object is a list (*v1.${outcome.resource.kind}List)`);
  if (outcome.kind === 'object' && as === 'PartialObjectMetadataList')
    throw notAcceptableForm(
      `you requested PartialObjectMetadataList, but the requested object is not a list (*v1.${outcome.resource.kind})`,
    );
}

function notAcceptableForm(message: string): StatusError {
  return statusError(406, 'NotAcceptable', message);
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
function metadataOnly(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function encodeWatch(context: RequestContext, outcome: WatchOutcome, representation: Representation, headers: Headers): ApiResponse {
  const inProtobuf = representation.mediaType === protobuf && representation.as !== 'Table';
  let first = true;
  const encodeItem = (item: WatchItem): Uint8Array => {
    if (item.type === 'ERROR') {
      if (inProtobuf) return protobufEvent(item.type, encodeProtobuf(descriptorOf(statusType), item.status));
      return jsonBytes({ type: item.type, object: item.status }, false);
    }
    if (inProtobuf) return protobufEvent(item.type, watchedInProtobuf(outcome.resource, item, representation));
    if (representation.as !== 'Table')
      return jsonBytes({ type: item.type, object: watched(outcome.resource, item, representation) }, false);
    const table = tableOf(context, outcome.resource, item, first);
    first = false;
    return jsonBytes({ type: item.type, object: table }, false);
  };
  const contentType = inProtobuf ? `${protobuf};stream=watch` : 'application/json';
  return {
    status: 200,
    headers: { ...headers, 'content-type': contentType },
    body: { kind: 'stream', chunks: mapBatches(outcome, encodeItem) },
  };
}

async function* mapBatches(outcome: WatchOutcome, encodeItem: (item: WatchItem) => Uint8Array): AsyncGenerator<readonly Uint8Array[]> {
  for await (const batch of outcome.events) yield batch.map(encodeItem);
}

function watched(resource: ServedResource, item: ObjectItem, representation: Representation): KubeObject {
  if (item.type !== 'BOOKMARK') return single(resource, item.object, representation);
  const bookmark = bookmarkObject(resource, item);
  return representation.as === undefined ? bookmark : metadataOnly(bookmark);
}

function watchedInProtobuf(resource: ServedResource, item: ObjectItem, representation: Representation): Uint8Array {
  if (item.type !== 'BOOKMARK' && representation.as === undefined) return protobufObject(resource, item.object);
  const descriptor = descriptorOf(representation.as === undefined ? resource : partialType);
  return encodeProtobuf(descriptor, watched(resource, item, representation));
}
