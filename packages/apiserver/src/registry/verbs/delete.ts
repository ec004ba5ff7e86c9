import { conflict, isNotFound, sameJson } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { isStoreError } from '@bayplan/store';
import { admissionRequest } from '../../admission/admission.ts';
import { deleteOptionsObject } from '../../admission/request-options.ts';
import type { Outcome } from '../../chain/outcome.ts';
import type { CacheEntry } from '../cache-event.ts';
import { selectionOf } from '../selection.ts';
import type { StoredObject } from '../stored-object.ts';
import { deleteRequest } from './delete-options.ts';
import type { DeleteRequest } from './delete-options.ts';
import { listOptions } from './list-options.ts';
import type { VerbCall } from './services.ts';

const maxAttempts = 100;
/** Deletions of a collection that are under way at once: their writes share a flush. */
const collectionWorkers = 16;
const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/** DELETE of one object: at once, or by a deletionTimestamp where grace or finalizers ask for time. */
export async function deleteObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const { namespace, name } = context.info;
  const request = await deleteRequest(context);
  const result = await deleteNamed(call, namespace, name, request);
  if (result.pending) return { kind: 'object', status: 200, resource, object: result.object };
  return { kind: 'value', status: 200, value: success(call, result.object.object) };
}

/** DELETE of a collection, or of the first `limit` of it. Answers the list of what was deleted. */
export async function deleteCollection(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const request = await deleteRequest(context);
  const { limit } = listOptions(context.request.query, false);
  const { cache } = resource.storage;
  await resource.storage.translate('deletecollection', '', () => cache.fresh());
  const entries = cache.list(selectionOf(context, resource)).slice(0, limit);
  const deleted: (StoredObject | undefined)[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < entries.length; at = next++) {
      const entry = entries[at];
      if (entry !== undefined) deleted[at] = await deletedOf(call, entry, request);
    }
  };
  await Promise.all(Array.from({ length: collectionWorkers }, worker));
  const objects = deleted.filter((object) => object !== undefined);
  return { kind: 'list', resource, objects, resourceVersion: cache.revision };
}

/** Undefined when somebody else was faster. */
async function deletedOf(call: VerbCall, entry: CacheEntry, request: DeleteRequest): Promise<StoredObject | undefined> {
  try {
    return (await deleteNamed(call, entry.namespace, entry.name, request)).object;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** Deletes by name, again when another write comes between. Throws `NotFound` and `Conflict`. */
export async function deleteNamed(
  call: VerbCall,
  namespace: string,
  name: string,
  request: DeleteRequest,
): Promise<{ object: StoredObject; pending: boolean }> {
  const { storage } = call.resource;
  return storage.translate('delete', name, async () => {
    for (let attempt = 1; ; attempt++) {
      const current = await storage.read(namespace, name);
      try {
        return await deleteOnce(call, current, namespace, name, request);
      } catch (error) {
        if (!isStoreError(error, 'conflict') || attempt === maxAttempts) throw error;
      }
    }
  });
}

async function deleteOnce(
  call: VerbCall,
  current: StoredObject,
  namespace: string,
  name: string,
  request: DeleteRequest,
): Promise<{ object: StoredObject; pending: boolean }> {
  const { services, context, resource } = call;
  const { strategy, storage } = resource;
  checkIdentity(call, current.object, request);
  const admission = admissionRequest(context, {
    operation: 'DELETE',
    resource,
    subresource: '',
    namespace,
    name,
    object: undefined,
    old: current.object,
    options: deleteOptionsObject(request),
    dryRun: request.dryRun,
  });
  await services.admission.mutate(admission);
  await services.admission.validate(admission);
  const next = terminating(call, current.object, request);
  if (next === undefined) {
    if (request.dryRun) return { object: current, pending: false };
    const last = await storage.remove(current);
    await strategy.afterDelete?.(last.object);
    return { object: last, pending: false };
  }
  if (request.dryRun || sameJson(next, current.object)) return { object: current, pending: true };
  // Once: a conflict goes back to the loop above, which decides anew.
  return { object: await storage.replaceAt(current, next), pending: true };
}

/** The object as it waits for its deletion; undefined when nothing keeps it. */
function terminating(call: VerbCall, current: KubeObject, request: DeleteRequest): KubeObject | undefined {
  const { services, resource } = call;
  const { strategy } = resource;
  const { metadata } = current;
  const finalizers = wantedFinalizers(metadata.finalizers ?? [], request.propagationPolicy, strategy.defaultPropagation);
  const grace = strategy.gracePeriodSeconds?.(current, request.gracePeriodSeconds) ?? 0;
  const begun = metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null;
  const held = finalizers.length > 0 || strategy.isHeld?.(current) === true;
  if (!held && grace === 0) return undefined;
  const next = { ...current, metadata: { ...metadata } };
  if (finalizers.length > 0) next.metadata.finalizers = finalizers;
  const pending = metadata.deletionGracePeriodSeconds ?? 0;
  if (!begun || grace < pending) {
    // A shorter grace counts from when the longer one began.
    const startMs = begun ? Date.parse(metadata.deletionTimestamp ?? '') - pending * 1000 : services.clock.now();
    next.metadata.deletionTimestamp = timestamp(Math.max(startMs + grace * 1000, begun ? services.clock.now() : 0));
    next.metadata.deletionGracePeriodSeconds = grace;
    if (!begun && metadata.generation !== undefined) next.metadata.generation = metadata.generation + 1;
  }
  return strategy.whenTerminating?.(next) ?? next;
}

function wantedFinalizers(
  present: readonly string[],
  policy: DeleteRequest['propagationPolicy'],
  byDefault: 'background' | 'orphan' | undefined,
): string[] {
  if (policy === undefined && (present.includes(orphan) || present.includes(foreground))) return [...present];
  const others = present.filter((finalizer) => finalizer !== orphan && finalizer !== foreground);
  if (policy === 'Orphan' || (policy === undefined && byDefault === 'orphan')) return [...others, orphan];
  return policy === 'Foreground' ? [...others, foreground] : others;
}

function checkIdentity(call: VerbCall, current: KubeObject, request: DeleteRequest): void {
  const { metadata } = current;
  const name = metadata.name ?? '';
  if (request.uid !== undefined && request.uid !== metadata.uid) {
    throw conflict(
      call.resource,
      name,
      `Precondition failed: UID in precondition: ${request.uid}, UID in object meta: ${metadata.uid ?? ''}`,
    );
  }
  if (request.resourceVersion !== undefined && request.resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      call.resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${request.resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`,
    );
  }
}

function success(call: VerbCall, object: KubeObject): object {
  const { resource } = call;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.resource,
      uid: object.metadata.uid,
    },
  };
}
