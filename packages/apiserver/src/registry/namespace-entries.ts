import type { CacheEntry } from './cache-event.ts';

/** The entries of one namespace: by name, and in order of name at any time, however often names come and go. */
export class NamespaceEntries {
  private readonly byName = new Map<string, CacheEntry>();
  private readonly sorted: CacheEntry[] = [];

  get size(): number {
    return this.sorted.length;
  }

  /** In order of name. Belongs to this object and changes with it. */
  get inOrder(): readonly CacheEntry[] {
    return this.sorted;
  }

  get(name: string): CacheEntry | undefined {
    return this.byName.get(name);
  }

  /** Adds or replaces. True when the name is new. */
  put(entry: CacheEntry): boolean {
    const isNew = !this.byName.has(entry.name);
    this.byName.set(entry.name, entry);
    const last = this.sorted.at(-1);
    // Loads come in order, and so do many names that are made.
    if (last === undefined || last.name < entry.name) this.sorted.push(entry);
    else this.sorted.splice(this.placeOf(entry.name), isNew ? 0 : 1, entry);
    return isNew;
  }

  /** True when there was such a name. */
  remove(name: string): boolean {
    if (!this.byName.delete(name)) return false;
    this.sorted.splice(this.placeOf(name), 1);
    return true;
  }

  /** Where `name` is, or would be. */
  private placeOf(name: string): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sorted[middle]?.name ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
