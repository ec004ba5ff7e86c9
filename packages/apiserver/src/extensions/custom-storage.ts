import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Store } from '@bayplan/store';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { ResourceStorage } from '../registry/resource-storage.ts';
import type { Sealing } from '../registry/resource-storage.ts';
import { StoredObject } from '../registry/stored-object.ts';
import type { TypeName } from '../registry/stored-object.ts';
import type { VersionView } from './version-view.ts';

/**
 * Reads and writes of a custom resource in one of its versions. The store and the cache hold objects as
 * they were written, perhaps in another version or under an older schema; what comes out of here is in
 * this version, pruned and defaulted, and what goes in is converted to the version that is stored now.
 */
export class CustomStorage extends ResourceStorage {
  readonly #view: VersionView;

  constructor(
    resource: ResourceRef & { readonly apiVersion: string },
    store: Store,
    cache: ResourceCache,
    sealing: Sealing,
    view: VersionView,
  ) {
    super(resource, store, cache, sealing);
    this.#view = view;
  }

  override async find(namespace: string, name: string): Promise<StoredObject | undefined> {
    const found = await super.find(namespace, name);
    return found === undefined ? undefined : this.#view.of(found);
  }

  override async create(object: KubeObject): Promise<StoredObject> {
    return this.#shown(await super.create(await this.#view.toStored(object)));
  }

  override async update(
    namespace: string,
    name: string,
    change: (current: StoredObject) => Promise<KubeObject | StoredObject>,
  ): Promise<StoredObject> {
    const stored = await super.update(namespace, name, async (current) => {
      const next = await change(await this.#view.of(current));
      return next instanceof StoredObject ? current : this.#view.toStored(next);
    });
    return this.#shown(stored);
  }

  override async read(namespace: string, name: string): Promise<StoredObject> {
    return this.#view.of(await this.readStored(namespace, name));
  }

  override async replaceAt(current: StoredObject, next: KubeObject): Promise<StoredObject> {
    return this.#shown(await this.replaceStored(current, await this.#view.toStored(next)));
  }

  protected override get storedType(): TypeName {
    return this.#view.storedType;
  }

  /** What was just written under the present schema needs no second look, unless it is of another version. */
  async #shown(stored: StoredObject): Promise<StoredObject> {
    return this.#view.of(stored);
  }
}
