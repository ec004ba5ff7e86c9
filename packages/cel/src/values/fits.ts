import type { CelType } from '../types/types.ts';
import type { Value } from './value.ts';
import { CelDuration, CelList, CelMap, CelObject, CelOptional, CelTimestamp, CelTypeValue, CelUint } from './value.ts';

/** Whether a value may be passed where a declaration wants a type. Of lists and maps, the first element speaks for all. */
export function fitsType(value: Value, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true;
    case 'null':
      return value === null;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'uint':
      return value instanceof CelUint;
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'timestamp':
      return value instanceof CelTimestamp;
    case 'duration':
      return value instanceof CelDuration;
    case 'list':
      return value instanceof CelList && (isOpen(type.element) || value.size === 0 || fitsType(value.at(0), type.element));
    case 'map':
      return value instanceof CelMap;
    case 'type':
      return value instanceof CelTypeValue;
    case 'opaque':
      if (type.name === 'optional_type') return value instanceof CelOptional;
      return value instanceof CelObject && value.type.kind === 'opaque' && value.type.name === type.name;
    case 'object':
      return value instanceof CelObject && value.type.kind === 'object' && value.type.name === type.name;
    case 'error':
      return false;
  }
}

/** Types whose values one element cannot prove wrong. */
const isOpen = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'param' || type.kind === 'list';

/** The type that `type(x)` gives. */
export function runtimeType(value: Value): CelType {
  switch (typeof value) {
    case 'bigint':
      return { kind: 'int' };
    case 'number':
      return { kind: 'double' };
    case 'string':
      return { kind: 'string' };
    case 'boolean':
      return { kind: 'bool' };
    default:
      if (value === null) return { kind: 'null' };
      return value instanceof Uint8Array ? { kind: 'bytes' } : value.type;
  }
}

/** What cost counts of a value: characters, bytes, elements, entries; 1 for all else. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  if (value instanceof CelOptional && value.value !== undefined) return sizeOf(value.value);
  return 1;
}
