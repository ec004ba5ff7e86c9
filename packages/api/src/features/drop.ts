import { containerLists, featureFields, podSpecPaths } from './fields.ts';
import type { FeatureGates } from './gates.ts';

/** A path, in its steps; `[]` goes through every item of a list. */
type Steps = readonly string[];

/** What is dropped from objects of a kind: for each feature that is off, its fields. */
type Drops = readonly (readonly Steps[])[];

const plans = new WeakMap<FeatureGates, Map<string, Drops>>();

/**
 * Drops the fields of features that are off from what is written, in place. An object that had a feature's fields before may
 * keep and change them: they were allowed once.
 */
export function dropDisabledFields(
  gates: FeatureGates,
  { group, kind }: { group: string; kind: string },
  next: object,
  old: object | undefined,
): void {
  for (const paths of dropsOf(gates, `${group}/${kind}`)) {
    if (!paths.some((path) => visit(next, path, 0, false))) continue;
    if (old !== undefined && paths.some((path) => visit(old, path, 0, false))) continue;
    for (const path of paths) visit(next, path, 0, true);
  }
}

function dropsOf(gates: FeatureGates, kind: string): Drops {
  let ofKinds = plans.get(gates);
  if (ofKinds === undefined) plans.set(gates, (ofKinds = new Map<string, Drops>()));
  let drops = ofKinds.get(kind);
  if (drops === undefined) ofKinds.set(kind, (drops = planFor(gates, kind)));
  return drops;
}

function planFor(gates: FeatureGates, kind: string): Drops {
  const pod = podSpecPaths[kind];
  return Object.entries(featureFields).flatMap(([gate, byKind]) => {
    if (gates.get(gate) === true) return [];
    const paths = [...(byKind[kind] ?? [])];
    if (pod !== undefined) {
      paths.push(...(byKind['pod'] ?? []).map((path) => `${pod}.${path}`));
      for (const list of containerLists) paths.push(...(byKind['container'] ?? []).map((path) => `${pod}.${list}[].${path}`));
    }
    return paths.length === 0 ? [] : [paths.map((path) => path.replaceAll('[]', '.[]').split('.'))];
  });
}

/** Whether anything is at the end of the path, from a step on; that it is there no more when `drop` is set. */
function visit(value: unknown, path: Steps, from: number, drop: boolean): boolean {
  const step = path[from];
  if (step === undefined || value === undefined || value === null || typeof value !== 'object') return false;
  if (step === '[]') {
    let found = false;
    if (Array.isArray(value)) for (const item of value) found = visit(item, path, from + 1, drop) || found;
    return found;
  }
  const fields = value as Record<string, unknown>;
  if (from < path.length - 1) return visit(fields[step], path, from + 1, drop);
  const present = fields[step] !== undefined;
  if (present && drop) Reflect.deleteProperty(fields, step);
  return present;
}
