import { isInvalid, isNotFound, selectorOf } from '@bayplan/api';
import type { KubeObject, LabelSelector, ResourceRef } from '@bayplan/api';
import type { Client, Informer } from '@bayplan/client';
import { controlledBy, controllerReference, orphansOf } from './owner-references.ts';

export interface ClaimOptions<T extends KubeObject> {
  readonly client: Client;
  readonly ownerRef: ResourceRef;
  readonly owner: KubeObject;
  readonly selector: LabelSelector | undefined;
  readonly children: Informer<T>;
  /** Orphans that are not worth adopting, such as finished pods. */
  readonly adoptable?: (child: T) => boolean;
  readonly signal: AbortSignal;
}

/**
 * The children of an owner: those that carry its controller reference and match its selector. Orphans that
 * match are adopted and children that no longer match are released, each with one patch.
 */
export async function claimChildren<T extends KubeObject>(options: ClaimOptions<T>): Promise<T[]> {
  const { client, ownerRef, owner, children, adoptable, signal } = options;
  const selector = selectorOf(options.selector);
  const uid = owner.metadata.uid ?? '';
  const matches = (child: T): boolean => selector.matches(child.metadata.labels ?? {});
  const ownerIsGoing = owner.metadata.deletionTimestamp !== undefined;
  const claimed: T[] = [];
  for (const child of controlledBy(children, uid)) {
    if (matches(child)) claimed.push(child);
    else if (!ownerIsGoing) await release(client, children.ref, child, uid, signal);
  }
  if (ownerIsGoing) return claimed;
  const orphans = orphansOf(children, owner.metadata.namespace ?? '');
  const wanted = orphans.filter(
    (child) => child.metadata.deletionTimestamp === undefined && matches(child) && (adoptable?.(child) ?? true),
  );
  if (wanted.length === 0) return claimed;
  // The cached owner may have been deleted and created again under the same name.
  const fresh = await client.get(ownerRef, { namespace: owner.metadata.namespace, name: owner.metadata.name ?? '' }, { signal });
  if (fresh.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined) return claimed;
  for (const child of wanted) {
    const metadata = { uid: child.metadata.uid, ownerReferences: [controllerReference(ownerRef, owner)] };
    const key = { namespace: child.metadata.namespace, name: child.metadata.name ?? '' };
    try {
      claimed.push(await client.patch(children.ref, key, 'strategic', { metadata }, { signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return claimed;
}

async function release(client: Client, ref: ResourceRef, child: KubeObject, ownerUid: string, signal: AbortSignal): Promise<void> {
  const patch = { metadata: { uid: child.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: ownerUid }] } };
  try {
    await client.patch(ref, { namespace: child.metadata.namespace, name: child.metadata.name ?? '' }, 'strategic', patch, { signal });
  } catch (error) {
    // Gone, or another of the same name by now: either way no longer ours.
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}
