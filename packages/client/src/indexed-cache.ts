import type { KubeObject } from '@bayplan/api';
import type { IndexFunction, Lister } from './informer.ts';
import { keyOf } from './object-key.ts';

/** Most buckets of most indexes hold one key, so a set is made only for the second. */
type Bucket = string | Set<string>;

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  readonly buckets: Map<string, Bucket>;
}

const namespaceIndex = 'namespace';

/** Objects by key, with indexes that are kept up to date on every change. */
export class IndexedCache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  list(namespace?: string): readonly T[] {
    if (namespace === undefined) return [...this.#objects.values()];
    if (!this.#indexes.has(namespaceIndex)) this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? '']);
    return this.byIndex(namespaceIndex, namespace);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`There is no index ${name}`);
    const bucket = index.buckets.get(value);
    if (bucket === undefined) return [];
    const found: T[] = [];
    for (const key of typeof bucket === 'string' ? [bucket] : bucket) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    const known = this.#indexes.get(name);
    if (known?.valuesOf === valuesOf) return;
    if (known !== undefined) throw new Error(`There is already another index ${name}`);
    const index: Index<T> = { valuesOf, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) for (const value of valuesOf(object)) addTo(index, value, key);
  }

  /** Stores an object; returns what it replaced. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) reindex(index, key, previous, object);
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) reindex(index, key, previous, undefined);
    return previous;
  }
}

function reindex<T>(index: Index<T>, key: string, previous: T | undefined, next: T | undefined): void {
  const before = previous === undefined ? [] : index.valuesOf(previous);
  const after = next === undefined ? [] : index.valuesOf(next);
  for (const value of before) if (!after.includes(value)) removeFrom(index, value, key);
  for (const value of after) if (!before.includes(value)) addTo(index, value, key);
}

function addTo<T>(index: Index<T>, value: string, key: string): void {
  const bucket = index.buckets.get(value);
  if (bucket === undefined) index.buckets.set(value, key);
  else if (typeof bucket !== 'string') bucket.add(key);
  else if (bucket !== key) index.buckets.set(value, new Set([bucket, key]));
}

function removeFrom<T>(index: Index<T>, value: string, key: string): void {
  const bucket = index.buckets.get(value);
  if (bucket === key) index.buckets.delete(value);
  else if (bucket instanceof Set && bucket.delete(key) && bucket.size === 0) index.buckets.delete(value);
}
