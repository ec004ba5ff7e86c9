import { isNotFound } from '@bayplan/api';
import type { KubeObject, OwnerReference } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { forEachLimited } from '../runtime/slow-start.ts';
import { Dependents } from './dependents.ts';
import { ResourceMonitors } from './resource-monitors.ts';
import type { Monitor } from './resource-monitors.ts';

const foregroundFinalizer = 'foregroundDeletion';
const orphanFinalizer = 'orphan';
/** How long to wait for caches of resources that may not be served. */
const startTimeoutMs = 30_000;
/** Uids of deleted owners that are remembered, so that many dependents cost no look-ups. */
const maxGone = 5000;

interface Item {
  readonly monitor: Monitor;
  readonly object: KubeObject;
}

type OwnerState = 'solid' | 'waiting' | 'gone';

/**
 * Deletes objects whose owners are all gone, and carries out foreground and orphaning deletion. Owners are
 * looked for in the dependent's namespace or among cluster-scoped objects, never in another namespace.
 */
export async function runGarbageCollector(context: ControllerContext): Promise<void> {
  const { client, recorder, signal } = context;
  const queue = queueFor(context, 'garbage_collector_attempt_to_delete');
  const dependents = new Dependents();
  const goneUids = new Set<string>();

  const monitors = new ResourceMonitors(context, (monitor, object, previous, deleted) => {
    const id = `${monitor.id} ${keyOf(object)}`;
    if (deleted) {
      dependents.update(id, object, undefined);
      rememberGone(object.metadata.uid ?? '');
      for (const dependent of dependents.of(object.metadata.uid ?? '')) queue.add(dependent);
      for (const owner of object.metadata.ownerReferences ?? []) enqueueWaiting(owner, object.metadata.namespace);
      return;
    }
    dependents.update(id, previous, object);
    const { ownerReferences, finalizers, deletionTimestamp } = object.metadata;
    if (ownerReferences === undefined && deletionTimestamp === undefined) return;
    const before = previous?.metadata;
    const changed =
      before === undefined ||
      before.deletionTimestamp !== deletionTimestamp ||
      !semanticallyEqual(before.ownerReferences, ownerReferences) ||
      !semanticallyEqual(before.finalizers, finalizers);
    if (changed) queue.add(id);
    // An owner that waits for its dependents may no longer have to wait for this one.
    if (changed && before !== undefined) for (const owner of before.ownerReferences ?? []) enqueueWaiting(owner, object.metadata.namespace);
  });

  function rememberGone(uid: string): void {
    goneUids.add(uid);
    if (goneUids.size <= maxGone) return;
    for (const oldest of goneUids) {
      goneUids.delete(oldest);
      break;
    }
  }

  function enqueueWaiting(owner: OwnerReference, namespace: string | undefined): void {
    const item = cachedOwner(owner, namespace);
    if (item && isBeingDeletedWith(item.object, foregroundFinalizer)) queue.add(`${item.monitor.id} ${keyOf(item.object)}`);
  }

  function cachedOwner(owner: OwnerReference, namespace: string | undefined): Item | undefined {
    const monitor = monitors.ofOwner(owner);
    const object = monitor?.informer.lister.get(monitor.ref.namespaced ? `${namespace ?? ''}/${owner.name}` : owner.name);
    return monitor && object?.metadata.uid === owner.uid ? { monitor, object } : undefined;
  }

  function itemOf(id: string): Item | undefined {
    const space = id.indexOf(' ');
    const monitor = monitors.get(id.slice(0, space));
    const object = monitor?.informer.lister.get(id.slice(space + 1));
    return monitor && object ? { monitor, object } : undefined;
  }

  async function reconcile(id: string): Promise<void> {
    const item = itemOf(id);
    if (item === undefined) return;
    if (isBeingDeletedWith(item.object, orphanFinalizer)) return orphan(item);
    if (isBeingDeletedWith(item.object, foregroundFinalizer)) return waitForDependents(item);
    if (item.object.metadata.deletionTimestamp === undefined) await collect(item);
  }

  /** Deletes an object without owners left, or drops the references to those that are gone. */
  async function collect(item: Item): Promise<void> {
    const owners = item.object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const states = await Promise.all(owners.map((owner) => stateOf(owner, item)));
    const solid = owners.filter((_, index) => states[index] === 'solid');
    if (solid.length === owners.length) return;
    if (solid.length > 0) return patchMetadata(item, { ownerReferences: solid });
    const { finalizers = [], namespace, name = '', uid, resourceVersion } = item.object.metadata;
    const waited = states.includes('waiting') && dependents.of(uid ?? '').length > 0;
    // A dependent that is on its way out itself may be an owner's owner: then nobody must wait for this one.
    if (waited && owners.some((owner) => owner.blockOwnerDeletion) && dependents.of(uid ?? '').some(isGoingAfterDependents))
      return patchMetadata(item, { ownerReferences: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) });
    const policy = finalizers.includes(orphanFinalizer)
      ? 'Orphan'
      : waited || finalizers.includes(foregroundFinalizer)
        ? 'Foreground'
        : 'Background';
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    try {
      await client.delete(item.monitor.ref, { namespace, name }, { propagationPolicy: policy, preconditions, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function stateOf(owner: OwnerReference, item: Item): Promise<OwnerState> {
    const { namespace } = item.object.metadata;
    const monitor = monitors.ofOwner(owner);
    // A kind that is not known, perhaps not yet, says nothing about its objects.
    if (monitor === undefined) return 'solid';
    if (monitor.ref.namespaced && !item.monitor.ref.namespaced) {
      const message = `ownerRef [${owner.apiVersion}/${owner.kind}, namespace: , name: ${owner.name}, uid: ${owner.uid}] does not exist in namespace ""`;
      recorder.event({ ref: item.monitor.ref, object: item.object }, 'Warning', 'OwnerRefInvalidNamespace', message);
      return 'solid';
    }
    const cached = cachedOwner(owner, namespace);
    if (cached) return owner.blockOwnerDeletion && isBeingDeletedWith(cached.object, foregroundFinalizer) ? 'waiting' : 'solid';
    if (goneUids.has(owner.uid)) return 'gone';
    try {
      const key = { ...(monitor.ref.namespaced ? { namespace } : {}), name: owner.name };
      const live = await client.get(monitor.ref, key, { signal });
      if (live.metadata.uid === owner.uid) return 'solid';
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    // A namespaced owner counts in its own namespace only: a reference from another one leads nowhere.
    const elsewhere = monitor.ref.namespaced && monitor.informer.lister.list().find((one) => one.metadata.uid === owner.uid);
    if (elsewhere) {
      const which = `ownerRef [${owner.apiVersion}/${owner.kind}, namespace: ${namespace ?? ''}, name: ${owner.name}, uid: ${owner.uid}]`;
      const message = `${which} does not exist in namespace ${JSON.stringify(namespace ?? '')}`;
      recorder.event({ ref: item.monitor.ref, object: item.object }, 'Warning', 'OwnerRefInvalidNamespace', message);
    } else rememberGone(owner.uid);
    return 'gone';
  }

  /** Foreground deletion: the owner goes once no dependent that blocks it is left. */
  async function waitForDependents(item: Item): Promise<void> {
    const uid = item.object.metadata.uid ?? '';
    const blocking = dependents.of(uid).filter((id) => blocks(id, uid) && !waitsFor(id, uid, new Set()));
    // Those that wait for dependents of their own are woken by these.
    for (const id of dependents.of(uid)) if (!isGoingAfterDependents(id)) queue.add(id);
    if (blocking.length === 0) await removeFinalizer(item, foregroundFinalizer);
  }

  function blocks(id: string, ownerUid: string): boolean {
    const owners = itemOf(id)?.object.metadata.ownerReferences ?? [];
    return owners.some((owner) => owner.uid === ownerUid && owner.blockOwnerDeletion === true);
  }

  function isGoingAfterDependents(id: string): boolean {
    const object = itemOf(id)?.object;
    return object !== undefined && isBeingDeletedWith(object, foregroundFinalizer);
  }

  /** Whether an object that is being deleted waits, over any number of others, for the one with this uid: a circle. */
  function waitsFor(id: string, uid: string, visited: Set<string>): boolean {
    if (visited.has(id)) return false;
    visited.add(id);
    const own = itemOf(id)?.object.metadata.uid ?? '';
    if (own === uid) return true;
    if (!isGoingAfterDependents(id)) return false;
    return dependents.of(own).some((next) => blocks(next, own) && waitsFor(next, uid, visited));
  }

  /** Orphaning deletion: the dependents forget the owner, then the owner goes. */
  async function orphan(item: Item): Promise<void> {
    const uid = item.object.metadata.uid ?? '';
    await forEachLimited(dependents.of(uid), 4, async (id) => {
      const dependent = itemOf(id);
      if (dependent === undefined) return;
      await patchMetadata(dependent, {
        ownerReferences: (dependent.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid),
      });
    });
    await removeFinalizer(item, orphanFinalizer);
  }

  async function removeFinalizer(item: Item, finalizer: string): Promise<void> {
    await patchMetadata(item, { finalizers: (item.object.metadata.finalizers ?? []).filter((one) => one !== finalizer) });
  }

  /** Replaces lists of an object's metadata; a conflict is tried again with the newer object. */
  async function patchMetadata(item: Item, lists: { ownerReferences?: OwnerReference[]; finalizers?: string[] }): Promise<void> {
    const { namespace, name = '', resourceVersion, uid } = item.object.metadata;
    try {
      await client.patch(item.monitor.ref, { namespace, name }, 'merge', { metadata: { uid, resourceVersion, ...lists } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  await monitors.ready(startTimeoutMs);
  await runController(context, { queue, caches: [], workers: 8, reconcile });
}

function isBeingDeletedWith(object: KubeObject, finalizer: string): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).includes(finalizer);
}
