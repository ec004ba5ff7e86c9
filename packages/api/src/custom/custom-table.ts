import type { CustomResourceColumnDefinition } from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import { since } from '../table/cell-text.ts';
import type { Cell, TableColumn } from '../table/column.ts';
import { text } from '../table/column.ts';
import type { TablePrinter } from '../table/table.ts';
import { parseTime } from '../time.ts';
import { compileJsonPath, JsonPathError } from './json-path.ts';

const created: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  description: 'When the object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

interface Column {
  readonly definition: CustomResourceColumnDefinition;
  readonly find: (value: unknown) => readonly unknown[];
}

/** How a custom resource is printed: its name, then the columns of its definition, or its age when it has none. */
export function customTable(columns: readonly CustomResourceColumnDefinition[] | undefined): TablePrinter {
  const wanted = columns === undefined || columns.length === 0 ? [created] : columns;
  const compiled = wanted.map((definition): Column => ({ definition, find: finder(definition.jsonPath) }));
  const shown = wanted.map(({ name, type, format = '', description = '', priority = 0 }): TableColumn => ({
    name,
    type: type as TableColumn['type'],
    format,
    description: description === '' ? `Custom resource definition column (in JSONPath format): ${columnPath(wanted, name)}` : description,
    priority,
  }));
  return {
    columns: [text('Name'), ...shown],
    cells: (object, nowMs) => [object.metadata.name ?? '', ...compiled.map((column) => cellOf(column, object, nowMs))],
    conditions: () => [],
  };
}

function columnPath(columns: readonly CustomResourceColumnDefinition[], name: string): string {
  return columns.find((column) => column.name === name)?.jsonPath ?? '';
}

/** A path that cannot be read shows nothing: it was accepted with the definition, and objects must still be listed. */
function finder(path: string): Column['find'] {
  try {
    return compileJsonPath(path);
  } catch (error) {
    if (error instanceof JsonPathError) return () => [];
    throw error;
  }
}

function cellOf({ definition, find }: Column, object: KubeObject, nowMs: number): Cell {
  const [value] = find(object);
  if (value === undefined) return null;
  switch (definition.type) {
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    default:
      if (typeof value !== 'string') return null;
      return parseTime(value) === undefined ? '<invalid>' : since(value, nowMs);
  }
}
