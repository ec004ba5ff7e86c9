import { applyConflict, badRequest } from '../errors/constructors.ts';
import type { StatusError } from '../errors/status.ts';
import type { KubeObject } from '../object.ts';
import type { JsonObject } from '../patch/json-value.ts';
import { isJsonObject, sameJson, setMember } from '../patch/json-value.ts';
import type { ObjectDescriptor } from '../schema/descriptor.ts';
import type { MaybeFieldSet } from './field-set.ts';
import { difference, intersection, memberPaths, sameFieldSet, union, withNamedParents } from './field-set.ts';
import type { ResetFields } from './managed-fields.ts';
import { ownable, resetSetFor, withManagedFields } from './managed-fields.ts';
import type { Manager } from './managers.ts';
import { decodeManagers, encodeManagers, identityOf, without } from './managers.ts';
import { Changes } from './version-views.ts';
import type { VersionViews } from './version-views.ts';
import { compare, fieldSetOf, mergeValues, removeFields } from './walk.ts';

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Owns what an object without managers held before the first apply. */
const beforeFirstApply = 'before-first-apply';

export interface ApplyInput<T extends KubeObject> {
  readonly descriptor: ObjectDescriptor;
  /** The object before the request; undefined when apply creates it. */
  readonly live: T | undefined;
  /** What the client applies: only the fields it wants to own, not defaulted. */
  readonly applied: T;
  readonly manager: string;
  /** Take fields that others own instead of answering a conflict. */
  readonly force: boolean;
  readonly subresource?: string | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  readonly resetFields?: ResetFields | undefined;
  /** How managers of other versions see the object. */
  readonly views?: VersionViews | undefined;
}

export interface Applied<T> {
  /** To be defaulted and validated by the caller. */
  readonly object: T;
  /** False when neither a field nor an owner changed. */
  readonly changed: boolean;
}

interface Conflict {
  readonly manager: Manager;
  readonly fields: MaybeFieldSet;
}

function managerText(manager: Manager): string {
  const through = manager.subresource === '' ? '' : ` with subresource ${JSON.stringify(manager.subresource)}`;
  const using = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : '';
  return `${JSON.stringify(manager.name)}${through}${using}`;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const found = conflicts.map(({ manager, fields }) => ({ text: managerText(manager), paths: memberPaths(fields) }));
  const causes = found.flatMap(({ text, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${text}`, field })),
  );
  const [only] = causes;
  if (causes.length === 1 && only !== undefined)
    return applyConflict(causes, `Apply failed with 1 conflict: ${only.message}: ${only.field}`);
  const parts = found
    .sort((left, right) => (left.text < right.text ? -1 : 1))
    .map(({ text, paths }) => `conflicts with ${text}:\n${paths.map((path) => `- ${path}`).join('\n')}`);
  return applyConflict(causes, `Apply failed with ${causes.length.toString()} conflicts: ${parts.join('\n')}`);
}

/** kubectl may take back what its own client-side apply wrote, as long as the value is still the one it wrote. */
function ownedByClientSideApply(live: KubeObject, descriptor: ObjectDescriptor): MaybeFieldSet {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined || text === '') return undefined;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    // An annotation that is no JSON gives kubectl nothing back.
    return undefined;
  }
  const { changed, removed } = compare(last, live, descriptor);
  return difference(fieldSetOf(last, descriptor), union(changed, removed));
}

function liveManagers(live: KubeObject, input: ApplyInput<KubeObject>): Manager[] {
  const managers = decodeManagers(live.metadata.managedFields);
  if (managers.length > 0) return managers;
  const everything = ownable(compare({}, live, input.descriptor).changed, undefined);
  if (everything === undefined) return [];
  return [
    {
      name: beforeFirstApply,
      operation: 'Update',
      apiVersion: live.apiVersion ?? '',
      subresource: '',
      time: input.now,
      fields: everything,
    },
  ];
}

/** kubectl's annotation follows its own server-side apply while the object still carries it. */
function refreshLastApplied<T extends KubeObject>(object: T, input: ApplyInput<T>): T {
  const annotations = object.metadata.annotations;
  if (input.manager !== 'kubectl' || annotations?.[lastAppliedAnnotation] === undefined || input.live === undefined) return object;
  const metadata = { ...input.applied.metadata };
  delete metadata.managedFields;
  const others = { ...metadata.annotations };
  delete others[lastAppliedAnnotation];
  const text = `${JSON.stringify(inOrder({ ...input.applied, metadata: { ...metadata, annotations: others } }))}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } };
}

/** The value with its members in the order of their names, as kubectl writes the annotation. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const name of Object.keys(value).sort()) setMember(result, name, inOrder(value[name]));
  return result;
}

/**
 * Server-side apply: merges the applied fields into the live object, removes the fields that this
 * manager applied before and no longer does (unless others own them), and records the owners.
 * Nothing is mutated. The result is neither defaulted nor validated.
 * @throws StatusError Conflict with a cause for each field that another manager owns with another
 * value, unless `force`; BadRequest when the applied object carries managedFields.
 */
export function serverSideApply<T extends KubeObject>(input: ApplyInput<T>): Applied<T> {
  const { descriptor, live, applied, manager, subresource = '' } = input;
  if (applied.metadata.managedFields !== undefined && applied.metadata.managedFields.length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const base: unknown = live === undefined ? {} : withManagedFields(live, undefined);
  const managers = live === undefined ? [] : liveManagers(live, input);
  const self = { name: manager, operation: 'Apply' as const, apiVersion: applied.apiVersion ?? '', subresource };
  const identity = identityOf(self);
  const previous = managers.find((other) => identityOf(other) === identity);
  const others = managers.filter((other) => other !== previous);
  const appliedFields = fieldSetOf(applied, descriptor);
  const ownedFields = ownable(appliedFields, resetSetFor(input.resetFields, subresource));

  const merged = prune(
    mergeValues(base, applied, descriptor),
    previous?.fields,
    [appliedFields, ...others.map((other) => other.fields)],
    descriptor,
  );
  const { changed, removed } = compare(base, merged, descriptor);
  const changes = new Changes({ changed, removed }, base as KubeObject, merged as unknown as KubeObject, self.apiVersion, input.views);
  const conflicts = others.flatMap((other): Conflict[] => {
    const fields = intersection(other.fields, changes.as(other.apiVersion).changed);
    return fields === undefined ? [] : [{ manager: other, fields }];
  });
  if (conflicts.length > 0 && !input.force) {
    const allowed = manager === 'kubectl' && live !== undefined ? ownedByClientSideApply(live, descriptor) : undefined;
    const refused = conflicts
      .map((conflict) => ({ manager: conflict.manager, fields: difference(conflict.fields, allowed) }))
      .filter(({ fields }) => fields !== undefined);
    if (refused.length > 0) throw conflictError(refused);
  }
  const lost = union(changed, removed);
  const kept = others.flatMap((other) => {
    const theirs = changes.as(other.apiVersion);
    return without(other, union(theirs.changed, theirs.removed)) ?? [];
  });
  const valueChanged = ownable(lost, undefined) !== undefined;
  const ownersChanged = previous === undefined ? ownedFields !== undefined : !sameFieldSet(previous.fields, ownedFields);
  if (live !== undefined && !valueChanged && !ownersChanged && previous?.apiVersion === self.apiVersion)
    return { object: live, changed: false };
  const time = valueChanged || ownersChanged || previous?.time === undefined ? input.now : previous.time;
  const all = ownedFields === undefined ? kept : [...kept, { ...self, time, fields: ownedFields }];
  const object = refreshLastApplied(merged as unknown as T, input);
  const result = withManagedFields(object, encodeManagers(all));
  return { object: result, changed: live === undefined || !sameJson(result, live) };
}

/** Removes what the manager applied before, does not apply now, and nobody else owns. */
function prune(merged: unknown, before: MaybeFieldSet, owners: readonly MaybeFieldSet[], descriptor: ObjectDescriptor): JsonObject {
  if (before === undefined) return merged as JsonObject;
  const owned = owners.reduce<MaybeFieldSet>((all, one) => union(all, one), undefined);
  const gone = difference(withNamedParents(before), withNamedParents(owned));
  return (gone === undefined ? merged : removeFields(merged, gone, descriptor)) as JsonObject;
}
