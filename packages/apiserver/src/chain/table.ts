import { badRequest, tableFor } from '@bayplan/api';
import type { KubeObject, TablePrinter } from '@bayplan/api';
import type { ServedResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { RequestContext } from './context.ts';
import { bookmarkObject, objectIn } from './encode.ts';
import type { WatchItem } from './outcome.ts';

type Include = 'None' | 'Metadata' | 'Object';

/** Objects as a `meta.k8s.io/v1` Table, the form that kubectl prints from. */
export function asTable(
  context: RequestContext,
  resource: ServedResource,
  objects: readonly StoredObject[],
  metadata: object,
  withColumns: boolean,
): object {
  const include = includeOf(context);
  const printer = tableFor(resource);
  const rows = objects.map((stored) => rowOf(printer, objectIn(resource, stored), include, context.startMs));
  return table(printer, rows, metadata, withColumns);
}

/** A watch event's object as a Table of one row; only the first of a watch carries the columns. */
export function tableOf(context: RequestContext, resource: ServedResource, item: WatchItem, withColumns: boolean): object {
  if (item.type !== 'BOOKMARK')
    return asTable(context, resource, [item.object], { resourceVersion: item.object.revision.toString() }, withColumns);
  const bookmark = bookmarkObject(resource, item);
  return table(
    tableFor(resource),
    [{ cells: [], object: partial(bookmark) }],
    { resourceVersion: item.resourceVersion.toString() },
    withColumns,
  );
}

function table(printer: TablePrinter, rows: readonly object[], metadata: object, withColumns: boolean): object {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: withColumns ? printer.columns : null, rows };
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
