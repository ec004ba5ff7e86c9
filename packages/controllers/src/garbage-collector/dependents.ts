import type { KubeObject } from '@bayplan/api';

/** Which objects name which owner: item ids by the owner's uid. */
export class Dependents {
  readonly #byOwner = new Map<string, Set<string>>();

  update(id: string, previous: KubeObject | undefined, next: KubeObject | undefined): void {
    const before = previous?.metadata.ownerReferences ?? [];
    const after = next?.metadata.ownerReferences ?? [];
    for (const { uid } of before) if (!after.some((owner) => owner.uid === uid)) this.#remove(uid, id);
    for (const { uid } of after) {
      const items = this.#byOwner.get(uid);
      if (items) items.add(id);
      else this.#byOwner.set(uid, new Set([id]));
    }
  }

  of(ownerUid: string): readonly string[] {
    return [...(this.#byOwner.get(ownerUid) ?? [])];
  }

  #remove(ownerUid: string, id: string): void {
    const items = this.#byOwner.get(ownerUid);
    if (items?.delete(id) && items.size === 0) this.#byOwner.delete(ownerUid);
  }
}
