import type { KubeObject } from '@bayplan/api';
import type { ApiResponse, ResponseBody } from '../http/response.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { auditIdOf } from './context.ts';
import type { RequestContext } from './context.ts';
import type { Representation } from './negotiate.ts';
import type { ListOutcome, Outcome, WatchItem, WatchOutcome } from './outcome.ts';

const comma = Buffer.from(',{');
const openItem = Buffer.from('{');
const listEnd = Buffer.from(']}\n');
/** What is written at once of a long list. */
const pieceBytes = 1024 * 1024;
const smallBytes = 64 * 1024;
const newline = Buffer.from('\n');

/** Last step: the outcome as bytes of the wanted kind. Stored bytes go out as they are, without being parsed. */
export async function encode(context: RequestContext, outcome: Outcome, representation: Representation): Promise<ApiResponse> {
  const headers: Record<string, string | readonly string[]> = {
    'audit-id': auditIdOf(context),
    'cache-control': 'no-cache, private',
    ...context.responseHeaders,
  };
  if (context.warnings.length > 0) headers['warning'] = warningHeaders(context.warnings);
  switch (outcome.kind) {
    case 'bytes':
      return {
        status: outcome.status,
        headers: { ...headers, 'content-type': outcome.contentType, ...outcome.headers },
        body: { kind: 'bytes', chunks: [outcome.bytes] },
      };
    case 'stream':
      return { status: outcome.status, headers: { ...headers, ...outcome.headers }, body: { kind: 'stream', chunks: outcome.chunks } };
    default:
  }
  const madeAnew = outcome.kind === 'list' && (representation.pretty || outcome.resource.conversion !== undefined);
  if (representation.mediaType !== 'application/json' || representation.as !== undefined || madeAnew) {
    const { encodeSpecial } = await import('./encode-special.ts');
    return encodeSpecial(context, outcome, representation, headers);
  }
  headers['content-type'] = 'application/json';
  switch (outcome.kind) {
    case 'object':
      return {
        status: outcome.status,
        headers,
        body: { kind: 'bytes', chunks: objectChunks(outcome.resource, outcome.object, representation.pretty) },
      };
    case 'list':
      return { status: 200, headers, body: listBody(outcome) };
    case 'value':
      return { status: outcome.status, headers, body: { kind: 'bytes', chunks: [jsonBytes(outcome.value, representation.pretty)] } };
    case 'watch':
      return { status: 200, headers, body: { kind: 'stream', chunks: watchLines(outcome) } };
  }
}

/** The object in the version of `resource`; shared when that is the stored one. */
export function objectIn(resource: ServedResource, stored: StoredObject): KubeObject {
  return resource.conversion === undefined ? stored.object : resource.conversion.fromStored(stored.object);
}

export function jsonBytes(value: unknown, pretty: boolean): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, pretty ? 2 : undefined)}\n`);
}

function objectChunks(resource: ServedResource, object: StoredObject, pretty: boolean): Uint8Array[] {
  if (pretty || resource.conversion !== undefined) return [jsonBytes(objectIn(resource, object), pretty)];
  return [object.bytes, newline];
}

/** A list is its head and the bytes that lie in the cache, joined while they are sent. */
function listBody(list: ListOutcome): ResponseBody {
  const head = JSON.stringify(listHead(list));
  const start = Buffer.from(`${head.slice(0, -1)},"items":[`);
  // Between two items come a comma and a brace, before the first only the brace.
  let length = start.length + listEnd.length + Math.max(comma.length * list.objects.length - 1, 0);
  for (const object of list.objects) length += object.itemLength;
  if (length < smallBytes) return { kind: 'bytes', chunks: [...listChunks(start, list.objects, length + comma.length)] };
  return { kind: 'pieces', length, chunks: listChunks(start, list.objects, pieceBytes) };
}

/** Pieces of `size` bytes and less, which all lie in the same memory: each is gone when the next is asked for. */
function* listChunks(start: Uint8Array, objects: readonly StoredObject[], size: number): Generator<Uint8Array> {
  let piece = Buffer.allocUnsafeSlow(size);
  piece.set(start);
  let at = start.length;
  let between = openItem;
  for (const object of objects) {
    const room = object.itemLength + comma.length + listEnd.length;
    if (at + room > piece.length) {
      yield piece.subarray(0, at);
      if (room > piece.length) piece = Buffer.allocUnsafeSlow(room);
      at = 0;
    }
    at += between.copy(piece, at);
    at = object.copyItem(piece, at);
    between = comma;
  }
  at += listEnd.copy(piece, at);
  yield piece.subarray(0, at);
}

export interface ListHead {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
}

export function listHead(list: ListOutcome): ListHead {
  return {
    kind: `${list.resource.kind}List`,
    apiVersion: list.resource.apiVersion,
    metadata: {
      resourceVersion: list.resourceVersion.toString(),
      ...(list.continueToken === undefined ? {} : { continue: list.continueToken }),
      ...(list.remaining === undefined ? {} : { remainingItemCount: list.remaining }),
    },
  };
}

async function* watchLines(outcome: WatchOutcome): AsyncGenerator<readonly Uint8Array[]> {
  for await (const batch of outcome.events) yield batch.map((item) => watchLine(outcome.resource, item));
}

function watchLine(resource: ServedResource, item: WatchItem): Uint8Array {
  if (item.type === 'BOOKMARK') return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: bookmarkObject(resource, item) })}\n`);
  if (item.type === 'ERROR') return jsonBytes({ type: item.type, object: item.status }, false);
  if (resource.conversion === undefined) return item.object.line(item.type);
  return Buffer.from(`${JSON.stringify({ type: item.type, object: resource.conversion.fromStored(item.object.object) })}\n`);
}

/** A bookmark is an object of the resource's kind with nothing but a resourceVersion. */
export function bookmarkObject(
  resource: ServedResource,
  item: { readonly resourceVersion: number; readonly initialEventsEnd: boolean },
): KubeObject {
  const annotations = item.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  return {
    kind: resource.kind,
    apiVersion: resource.apiVersion,
    metadata: { resourceVersion: item.resourceVersion.toString(), ...annotations },
  };
}

function warningHeaders(warnings: readonly string[]): string[] {
  return [...new Set(warnings)].slice(0, 20).map(
    (text) =>
      `299 - "${text
        .replace(/[\\"]/g, '\\$&')
        .replace(/[^\x20-\x7e]/g, '?')
        .slice(0, 4096)}"`,
  );
}
