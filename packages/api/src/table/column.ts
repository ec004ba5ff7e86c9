/** A column of a `meta.k8s.io/v1` Table. Priority 0 is always shown, 1 with `-o wide`. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** Null: there is nothing to show. */
export type Cell = string | number | boolean | null;

/** A row's state beside its cells: kubectl greys out completed pods by it. */
export interface RowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

const descriptions: Readonly<Record<string, string>> = {
  Name: 'The name of the object, unique among its kind within a namespace.',
  Age: 'How long ago the object was created.',
  'Created At': 'When the object was created.',
  Ready: 'How many are ready, of how many there should be.',
  Status: 'The state that sums up the object.',
  Restarts: 'How often containers were restarted, and when last.',
  IP: 'The address of the pod.',
  Node: 'The node that it runs on.',
  'Nominated Node': 'The node on which preemption makes room for it.',
  'Readiness Gates': 'How many of the additional readiness conditions hold.',
  Desired: 'How many there should be.',
  Current: 'How many there are.',
  'Up-to-date': 'How many follow the latest template.',
  Available: 'How many have been ready for long enough.',
  Containers: 'The names of the containers of the template.',
  Images: 'The images of the containers of the template.',
  Selector: 'The labels that choose the pods.',
  Type: 'The type of the object.',
  Data: 'The number of entries.',
};

function column(name: string, type: TableColumn['type'], priority: number): TableColumn {
  return { name, type, format: name === 'Name' ? 'name' : '', description: descriptions[name] ?? '', priority };
}

export const text = (name: string): TableColumn => column(name, 'string', 0);
export const wide = (name: string): TableColumn => column(name, 'string', 1);
export const integer = (name: string): TableColumn => column(name, 'integer', 0);
export const boolean = (name: string): TableColumn => column(name, 'boolean', 0);
export const date = (name: string): TableColumn => column(name, 'date', 0);

/** How a kind is printed: `cells` answers one cell for each column, in order. */
export interface KindTable {
  readonly columns: readonly TableColumn[];
  readonly cells: (object: never, nowMs: number) => Cell[];
  readonly conditions?: ((object: never) => readonly RowCondition[]) | undefined;
}

/** Keeps the object's type for the compiler inside `cells`. */
export function kindTable<T>(
  columns: readonly (TableColumn | string)[],
  cells: (object: T, nowMs: number) => Cell[],
  conditions?: (object: T) => readonly RowCondition[],
): KindTable {
  const full = columns.map((one) => (typeof one === 'string' ? text(one) : one));
  return { columns: full, cells, conditions };
}
