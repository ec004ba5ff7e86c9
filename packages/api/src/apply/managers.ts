import type { ManagedFieldsEntry } from '../generated/types.ts';
import { isJsonObject } from '../patch/json-value.ts';
import type { FieldSet, MaybeFieldSet } from './field-set.ts';
import { difference, sorted, union } from './field-set.ts';

/** Who owns which fields, by one way of writing. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Above this many managers by update the oldest are folded into one. */
const maxUpdateManagers = 10;
const foldedName = 'ancient-changes';
const maxNameLength = 128;

/** Two entries of one identity are one manager. An applier keeps its identity across versions. */
export function identityOf(manager: Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return JSON.stringify([manager.name, manager.operation, version, manager.subresource]);
}

export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  const found: Manager[] = [];
  for (const entry of entries ?? []) {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') continue;
    if (!isJsonObject(entry.fieldsV1)) continue;
    found.push({
      name: entry.manager ?? '',
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: entry.fieldsV1 as unknown as FieldSet,
    });
  }
  return found;
}

/** `[{}]` in an update is the request to forget all managers. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  const first = entries?.[0];
  return (
    entries?.length === 1 &&
    first !== undefined &&
    first.operation === undefined &&
    first.manager === undefined &&
    first.fieldsV1 === undefined
  );
}

/** The managers without those that own nothing, as the object carries them. */
export function encodeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  return [...managers].sort(compareManagers).map((manager) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sorted(manager.fields) as Record<string, unknown>,
    ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
  }));
}

function compareManagers(left: Manager, right: Manager): number {
  const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
  return (
    order(left.operation, right.operation) ||
    order(left.time ?? '', right.time ?? '') ||
    order(left.name, right.name) ||
    order(left.apiVersion, right.apiVersion) ||
    order(left.subresource, right.subresource)
  );
}

/** Takes fields away from a manager; undefined when it owns nothing any more. */
export function without(manager: Manager, fields: MaybeFieldSet): Manager | undefined {
  const rest = difference(manager.fields, fields);
  if (rest === undefined) return undefined;
  return { ...manager, fields: rest };
}

/** Folds the oldest managers by update into one for each version until no more than ten are left. */
export function capManagers(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter((manager) => manager.operation === 'Update').sort(compareManagers);
  let excess = updaters.length - maxUpdateManagers;
  if (excess <= 0) return managers;
  const folded = new Map<string, Manager>();
  const gone = new Set<Manager>();
  for (const manager of updaters) {
    if (excess < 0) break;
    const bucket = folded.get(manager.apiVersion);
    gone.add(manager);
    if (bucket === undefined) {
      // The first of a version only changes its name, which saves nothing yet.
      folded.set(manager.apiVersion, { ...manager, name: foldedName, subresource: '' });
    } else {
      folded.set(manager.apiVersion, { ...bucket, time: manager.time, fields: union(bucket.fields, manager.fields) ?? bucket.fields });
      excess--;
    }
    if (excess === 0) break;
  }
  return [...managers.filter((manager) => !gone.has(manager)), ...folded.values()];
}

/** The manager's name when the request gives none: the user agent up to its first slash. */
export function managerOfUserAgent(userAgent: string | undefined): string {
  const prefix = (userAgent ?? '').split('/')[0]?.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '') ?? '';
  return prefix === '' ? 'unknown' : prefix.slice(0, maxNameLength);
}
