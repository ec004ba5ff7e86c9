import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { IndexFunction, Informer, InformerFactory, InformerHandlers } from '@bayplan/client';

/** A cache that a test fills by hand. */
export interface FakeInformer<T extends KubeObject> extends Informer<T> {
  put(object: T): void;
  remove(object: T): void;
}

function keyOf(object: KubeObject): string {
  return object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : (object.metadata.name ?? '');
}

function createFakeInformer<T extends KubeObject>(ref: ResourceRef<T>): FakeInformer<T> {
  const objects = new Map<string, T>();
  const handlers = new Set<InformerHandlers<T>>();
  const indexers: Record<string, IndexFunction<T>> = {};
  return {
    ref,
    synced: Promise.resolve(),
    hasSynced: true,
    lister: {
      get size() {
        return objects.size;
      },
      get: (key) => objects.get(key),
      list: (namespace) => [...objects.values()].filter((object) => namespace === undefined || object.metadata.namespace === namespace),
      byIndex: (index, value) => [...objects.values()].filter((object) => indexers[index]?.(object).includes(value)),
    },
    addHandlers(added) {
      handlers.add(added);
      for (const object of objects.values()) added.onAdd?.(object);
      return () => handlers.delete(added);
    },
    addIndexers: (added) => void Object.assign(indexers, added),
    start: () => undefined,
    put(object) {
      const previous = objects.get(keyOf(object));
      objects.set(keyOf(object), object);
      for (const handler of handlers) {
        if (previous === undefined) handler.onAdd?.(object);
        else handler.onUpdate?.(object, previous);
      }
    },
    remove(object) {
      objects.delete(keyOf(object));
      for (const handler of handlers) handler.onDelete?.(object);
    },
  };
}

export interface FakeInformers extends InformerFactory {
  informer<T extends KubeObject>(ref: ResourceRef<T>): FakeInformer<T>;
}

export function createFakeInformers(): FakeInformers {
  const known = new Map<string, unknown>();
  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>): FakeInformer<T> {
      const found = (known.get(ref.resource) as FakeInformer<T> | undefined) ?? createFakeInformer(ref);
      known.set(ref.resource, found);
      return found;
    },
    start: () => undefined,
    synced: () => Promise.resolve(),
  };
}
