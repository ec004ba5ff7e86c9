import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ResponseBody } from '../http/response.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { without } from '../registry/without.ts';
import { listHead, objectIn } from './encode.ts';
import type { RequestContext } from './context.ts';
import type { Representation } from './negotiate.ts';
import type { ListOutcome } from './outcome.ts';
import { tableHead, tableRow } from './table.ts';

/** Items that are made before other requests get their turn, and sent as one piece. */
const turn = 25;

/** What surrounds the items of a list and what each of them becomes. */
interface Frame {
  readonly head: object;
  /** The name of the list's last member. */
  readonly items: 'items' | 'rows';
  item(object: StoredObject): object;
}

/**
 * A list whose items are not the bytes of the cache: converted, indented, tables and metadata alone. Made
 * while it is sent, so that ten thousand objects neither stop the others nor lie in memory together.
 */
export async function encodeList(context: RequestContext, list: ListOutcome, representation: Representation): Promise<ResponseBody> {
  const frame = frameOf(context, list, representation);
  if (representation.mediaType === 'application/yaml') {
    const { stringify } = await import('yaml');
    const options = { aliasDuplicateObjects: false };
    const start = `${stringify(frame.head, options)}${frame.items}:${list.objects.length === 0 ? ' []' : ''}\n`;
    return batches(start, list.objects, (object) => stringify([frame.item(object)], options), '', '');
  }
  const empty = list.objects.length === 0;
  if (!representation.pretty) {
    const start = `${JSON.stringify(frame.head).slice(0, -1)},"${frame.items}":[`;
    return batches(start, list.objects, (object) => JSON.stringify(frame.item(object)), ',', ']}\n');
  }
  const start = `${JSON.stringify(frame.head, undefined, 2).slice(0, -2)},\n  "${frame.items}": [${empty ? '' : '\n    '}`;
  const item = (object: StoredObject): string => JSON.stringify(frame.item(object), undefined, 2).replaceAll('\n', '\n    ');
  return batches(start, list.objects, item, ',\n    ', empty ? ']\n}\n' : '\n  ]\n}\n');
}

function frameOf(context: RequestContext, list: ListOutcome, representation: Representation): Frame {
  const head = listHead(list);
  const { resource } = list;
  if (representation.as === 'Table') {
    const row = tableRow(context, resource);
    return { head: tableHead(row.printer, head.metadata, true), items: 'rows', item: (object) => row.make(objectIn(resource, object)) };
  }
  // The list says the type of its items.
  if (representation.as === undefined)
    return { head, items: 'items', item: (object) => without(objectIn(resource, object), 'apiVersion', 'kind') };
  return {
    head: { ...head, kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' },
    items: 'items',
    item: (object) => ({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: objectIn(resource, object).metadata,
    }),
  };
}

function batches(
  start: string,
  objects: readonly StoredObject[],
  item: (object: StoredObject) => string,
  between: string,
  end: string,
): ResponseBody {
  if (objects.length <= turn) return { kind: 'bytes', chunks: [Buffer.from(start + objects.map(item).join(between) + end)] };
  return { kind: 'stream', compressible: true, chunks: streamed(start, objects, item, between, end) };
}

async function* streamed(
  start: string,
  objects: readonly StoredObject[],
  item: (object: StoredObject) => string,
  between: string,
  end: string,
): AsyncGenerator<Uint8Array> {
  let text = start;
  for (let at = 0; at < objects.length; at += turn) {
    text += objects
      .slice(at, at + turn)
      .map(item)
      .join(between);
    yield Buffer.from(text);
    text = at + turn < objects.length ? between : end;
    await nextTurn();
  }
  yield Buffer.from(text);
}
