import { fieldInvalid } from '@bayplan/api';
import type { CustomResourceSubresourceScale, FieldError, KubeObject } from '@bayplan/api';

export type ScalePaths = CustomResourceSubresourceScale;

const maxReplicas = 2 ** 31 - 1;

/** The names along a path such as `.spec.replicas`. */
const namesOf = (path: string): string[] => path.replace(/^\./, '').split('.');

/** The value at a path of the dotted form. */
export function valueAt(object: object, path: string): unknown {
  let value: unknown = object;
  for (const name of namesOf(path)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A copy of `object` with another value at a path; objects on the way are made. */
export function withValueAt<T extends object>(object: T, path: string, value: unknown): T {
  const place = (target: Record<string, unknown>, [name = '', ...rest]: readonly string[]): Record<string, unknown> => {
    const below = Object.hasOwn(target, name) ? target[name] : undefined;
    const kept = typeof below === 'object' && below !== null && !Array.isArray(below) ? (below as Record<string, unknown>) : {};
    return { ...target, [name]: rest.length === 0 ? value : place(kept, rest) };
  };
  return place(object as Record<string, unknown>, namesOf(path)) as T;
}

/** Faults of what the scale subresource reads: replicas are whole numbers from 0, the selector is a text. */
export function scaleFaults(paths: ScalePaths | undefined, object: KubeObject, withSpec: boolean): FieldError[] {
  if (paths === undefined) return [];
  const faults = withSpec ? replicaFaults(object, paths.specReplicasPath) : [];
  faults.push(...replicaFaults(object, paths.statusReplicasPath));
  const selector = paths.labelSelectorPath ? valueAt(object, paths.labelSelectorPath) : undefined;
  if (selector !== undefined && typeof selector !== 'string') {
    const why = `${paths.labelSelectorPath ?? ''} accessor error: ${shown(selector)} is of the type ${goType(selector)}, expected string`;
    faults.push(fieldInvalid(paths.labelSelectorPath ?? '', '', why));
  }
  return faults;
}

function replicaFaults(object: KubeObject, path: string): FieldError[] {
  const value = valueAt(object, path);
  if (value === undefined) return [];
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    return [fieldInvalid(path, 0, `${path} accessor error: ${shown(value)} is of the type ${goType(value)}, expected int64`)];
  }
  if (value < 0) return [fieldInvalid(path, value, 'should be a non-negative integer')];
  if (value > maxReplicas) return [fieldInvalid(path, value, `should be less than or equal to ${maxReplicas.toString()}`)];
  return [];
}

const shown = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
