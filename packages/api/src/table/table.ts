import type { KubeObject } from '../object.ts';
import { age, nameOf } from './cell-text.ts';
import { clusterTables } from './cluster.ts';
import type { Cell, KindTable, RowCondition, TableColumn } from './column.ts';
import { date, kindTable } from './column.ts';
import { networkingTables } from './networking.ts';
import { policyTables } from './policy.ts';
import { storageTables } from './storage.ts';
import { workloadTables } from './workloads.ts';

export interface TablePrinter {
  readonly columns: readonly TableColumn[];
  /** One cell for each column. `nowMs` is the time that ages count to. */
  cells(object: KubeObject, nowMs: number): Cell[];
  conditions(object: KubeObject): readonly RowCondition[];
}

const tables = new Map<string, KindTable>(
  [workloadTables, clusterTables, networkingTables, storageTables, policyTables].flatMap((part) => Object.entries(part)),
);

/** Kinds whose printer shows the age; all others show when they were created. */
const withAge = new Set(['resource.k8s.io/DeviceClass', 'resource.k8s.io/ResourceClaimTemplate']);
const nameAndAge = kindTable<KubeObject>(['Name', 'Age'], (object, now) => [nameOf(object), age(object, now)]);
const nameAndDate = kindTable<KubeObject>(['Name', date('Created At')], (object) => [
  nameOf(object),
  object.metadata.creationTimestamp ?? '',
]);

/**
 * How the objects of a kind are printed, as kubectl prints those of Kubernetes. A kind without
 * columns of its own gets its name and creation time; a custom resource's columns come from its
 * definition and are not known here.
 */
export function tableFor(kind: { readonly group: string; readonly kind: string }): TablePrinter {
  const key = `${kind.group}/${kind.kind}`;
  const table = tables.get(key) ?? (withAge.has(key) ? nameAndAge : nameAndDate);
  return {
    columns: table.columns,
    cells: (object, nowMs) => table.cells(object as never, nowMs),
    conditions: (object) => table.conditions?.(object as never) ?? [],
  };
}
