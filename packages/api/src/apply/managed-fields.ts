import type { KubeObject } from '../object.ts';
import type { ManagedFieldsEntry } from '../generated/types.ts';
import { sameJson } from '../patch/json-value.ts';
import type { ObjectDescriptor } from '../schema/descriptor.ts';
import type { MaybeFieldSet } from './field-set.ts';
import { difference, intersection, setOfPaths, union, withoutTrees } from './field-set.ts';
import type { Manager } from './managers.ts';
import { capManagers, decodeManagers, encodeManagers, identityOf, isReset, without } from './managers.ts';
import { Changes } from './version-views.ts';
import type { VersionViews } from './version-views.ts';
import { compare } from './walk.ts';

/** Fields that nobody owns: identity and bookkeeping. */
const neverOwned = setOfPaths([
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['metadata', 'creationTimestamp'],
  ['metadata', 'selfLink'],
  ['metadata', 'uid'],
  ['metadata', 'clusterName'],
  ['metadata', 'generation'],
  ['metadata', 'managedFields'],
  ['metadata', 'resourceVersion'],
]);

/** Paths whose values the endpoint ignores, so that a writer there does not come to own them. */
export type ResetFields = readonly (readonly string[])[];

const resetForMain: ResetFields = [['status']];
const resetForStatus: ResetFields = [['spec']];
const resets = new Map<ResetFields, MaybeFieldSet>();

/** The default per endpoint: an object's own ignores status, `/status` ignores spec, others (`scale`) nothing. */
export function resetSetFor(resetFields: ResetFields | undefined, subresource: string): MaybeFieldSet {
  const paths = resetFields ?? (subresource === '' ? resetForMain : subresource === 'status' ? resetForStatus : []);
  if (!resets.has(paths)) {
    // Bounded: callers pass constants, one for each strategy.
    if (resets.size > 256) resets.clear();
    resets.set(paths, setOfPaths(paths));
  }
  return resets.get(paths);
}

export function ownable(set: MaybeFieldSet, reset: MaybeFieldSet): MaybeFieldSet {
  return withoutTrees(difference(set, neverOwned), reset);
}

export interface TrackUpdateInput<T extends KubeObject> {
  readonly descriptor: ObjectDescriptor;
  /** The object before the write; undefined for a create. */
  readonly live: T | undefined;
  /** The object as it will be stored, its managedFields as the client sent them. */
  readonly next: T;
  readonly manager: string;
  /** `status`, `scale`; absent for the object's own endpoint. */
  readonly subresource?: string | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  readonly resetFields?: ResetFields | undefined;
  /** How managers of other versions see the object. */
  readonly views?: VersionViews | undefined;
}

/** The object with these entries; with none the field is left out. */
export function withManagedFields<T extends KubeObject>(object: T, entries: ManagedFieldsEntry[] | undefined): T {
  const metadata = { ...object.metadata };
  if (entries === undefined || entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries;
  return { ...object, metadata };
}

/**
 * The object with `managedFields` brought up to date after a create, update or patch: the writer
 * owns what it changed, everyone loses what changed under them. Nothing is mutated; `live`'s
 * entries are reused when nothing changed. An object that has no managers (they were reset) stays
 * untracked, and `[{}]` resets.
 */
export function trackUpdate<T extends KubeObject>(input: TrackUpdateInput<T>): T {
  const { descriptor, live, next, manager, subresource = '', now } = input;
  const sent = next.metadata.managedFields;
  if (isReset(sent)) return withManagedFields(next, undefined);
  const kept = live?.metadata.managedFields;
  if (live !== undefined && (kept === undefined || kept.length === 0) && (sent === undefined || sent.length === 0)) {
    return sent === undefined ? next : withManagedFields(next, undefined);
  }
  // A client may rewrite the entries (kubectl's migration does); an empty list means it left them out.
  const rewritten = sent !== undefined && sent.length > 0 && sent !== kept && !sameJson(sent, kept);
  const entries = rewritten ? sent : kept;
  const { changed, removed } = compare(live ?? {}, next, descriptor);
  const gained = ownable(changed, resetSetFor(input.resetFields, subresource));
  const lost = union(changed, removed);
  const touched = gained !== undefined || ownable(lost, undefined) !== undefined;
  if (!touched && !rewritten) return sent === kept ? next : withManagedFields(next, kept);

  const self = { name: manager, operation: 'Update' as const, apiVersion: next.apiVersion ?? '', subresource };
  const identity = identityOf(self);
  const managers: Manager[] = [];
  let own: Manager | undefined;
  const changes = new Changes({ changed, removed }, live, next, self.apiVersion, input.views);
  for (const other of decodeManagers(entries)) {
    const theirs = changes.as(other.apiVersion);
    const lost = union(theirs.changed, theirs.removed);
    const rest = intersection(other.fields, lost) === undefined ? other : without(other, lost);
    if (identityOf(other) === identity) own = { ...other, fields: rest?.fields ?? {} };
    else if (rest !== undefined) managers.push(rest);
    if (identityOf(other) === identity && rest === undefined) own = undefined;
  }
  const fields = union(own?.fields, gained);
  if (fields !== undefined) managers.push({ ...self, time: gained === undefined ? (own?.time ?? now) : now, fields });
  return withManagedFields(next, encodeManagers(capManagers(managers)));
}
