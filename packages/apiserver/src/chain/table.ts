import { badRequest, tableFor } from '@bayplan/api';
import type { KubeObject, TablePrinter } from '@bayplan/api';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { RequestContext } from './context.ts';
import { bookmarkObject, objectIn } from './encode.ts';
import type { WatchError, WatchItem } from './outcome.ts';

type Include = 'None' | 'Metadata' | 'Object';

/** Objects as a `meta.k8s.io/v1` Table, the form that kubectl prints from. */
export function asTable(
  context: RequestContext,
  resource: ServedResource,
  objects: readonly StoredObject[],
  metadata: object,
  withColumns: boolean,
): object {
  const { printer, make } = tableRow(context, resource);
  const rows = objects.map((stored) => make(objectIn(resource, stored)));
  return { ...tableHead(printer, metadata, withColumns), rows };
}

/** How objects of a resource become rows. Throws `BadRequest` for an `includeObject` that is none. */
export function tableRow(
  context: RequestContext,
  resource: ServedResource,
): { readonly printer: TablePrinter; make(object: KubeObject): object } {
  const include = includeOf(context);
  const printer = resource.custom?.printer ?? tableFor(resource);
  return { printer, make: (object) => rowOf(printer, object, include, context.startMs) };
}

/** A Table without its rows. */
export function tableHead(printer: TablePrinter, metadata: object, withColumns: boolean): object {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: withColumns ? printer.columns : null };
}

/** A watch event's object as a Table of one row; only the first of a watch carries the columns. */
export function tableOf(
  context: RequestContext,
  resource: ServedResource,
  item: Exclude<WatchItem, WatchError>,
  withColumns: boolean,
): object {
  if (item.type !== 'BOOKMARK')
    return asTable(context, resource, [item.object], { resourceVersion: item.object.revision.toString() }, withColumns);
  const bookmark = bookmarkObject(resource, item);
  return {
    ...tableHead(resource.custom?.printer ?? tableFor(resource), { resourceVersion: item.resourceVersion.toString() }, withColumns),
    rows: [{ cells: [], object: partial(bookmark) }],
  };
}

function rowOf(printer: TablePrinter, object: KubeObject, include: Include, nowMs: number): object {
  const conditions = printer.conditions(object);
  return {
    cells: printer.cells(object, nowMs),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(include === 'None' ? {} : { object: include === 'Object' ? object : partial(object) }),
  };
}

function partial(object: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function includeOf(context: RequestContext): Include {
  const include = context.request.query.get('includeObject') || 'Metadata';
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object')
    throw badRequest(`includeObject: Invalid value: ${JSON.stringify(include)}`);
  return include;
}
