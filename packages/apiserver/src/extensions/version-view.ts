import { applySchemaDefaults, decodeObject, sameJson } from '@bayplan/api';
import type { KubeObject, ObjectDescriptor } from '@bayplan/api';
import { encodeForStore, StoredObject } from '../registry/stored-object.ts';
import type { TypeName } from '../registry/stored-object.ts';
import type { Converter } from './converter.ts';

/** What a view must know of the version that it shows. */
export interface ViewOptions {
  readonly type: TypeName;
  readonly storedType: TypeName;
  readonly descriptor: () => ObjectDescriptor;
  readonly converter: Converter;
}

/**
 * Stored objects as one version of their resource shows them: converted, pruned by its schema, with its
 * defaults. What was made is kept as long as the stored object is. A view belongs to one state of the
 * definition: a new state gets new views, so a changed schema takes effect at once.
 */
export class VersionView {
  readonly #options: ViewOptions;
  /** An object that the view leaves as it is stands for itself. */
  #made = new WeakMap<StoredObject, StoredObject>();

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  get callsWebhook(): boolean {
    return this.#options.converter.remote;
  }

  get storedType(): TypeName {
    return this.#options.storedType;
  }

  /** Rejects when the objects' webhook does not convert them. */
  async of(stored: StoredObject): Promise<StoredObject> {
    return this.#made.get(stored) ?? (await this.all([stored]))[0] ?? stored;
  }

  /** As `of`, of many: those that must be converted go to the webhook together. */
  async all(stored: readonly StoredObject[]): Promise<StoredObject[]> {
    const { type, converter } = this.#options;
    const foreign = stored.filter((one) => one.type.apiVersion !== type.apiVersion && !this.#made.has(one));
    if (foreign.length > 0) {
      const converted = await converter.convert(
        foreign.map((one) => one.object),
        type.apiVersion,
      );
      for (const [at, one] of foreign.entries()) {
        const object = converted[at];
        if (object !== undefined) this.#keep(one, this.#encoded(one, this.#settled(object)));
      }
    }
    return stored.map((one) => this.#made.get(one) ?? this.#own(one));
  }

  /** An object of any version in this one; the argument when it is of this one. */
  async from(object: KubeObject): Promise<KubeObject> {
    const { type, converter } = this.#options;
    if (object.apiVersion === type.apiVersion) return object;
    const [converted] = await converter.convert([object], type.apiVersion);
    return converted === undefined ? object : this.#settled(converted);
  }

  /** An object of this version in the one that is stored. */
  async toStored(object: KubeObject): Promise<KubeObject> {
    const { type, storedType, converter } = this.#options;
    if (type.apiVersion === storedType.apiVersion) return object;
    const [converted] = await converter.convert([{ ...object, apiVersion: type.apiVersion, kind: type.kind }], storedType.apiVersion);
    return converted ?? object;
  }

  /** One that is stored in this version. */
  #own(stored: StoredObject): StoredObject {
    const { object } = stored;
    const settled = this.#settled(object);
    return this.#keep(stored, sameJson(settled, object) ? stored : this.#encoded(stored, settled));
  }

  #keep(stored: StoredObject, shown: StoredObject): StoredObject {
    this.#made.set(stored, shown);
    this.#made.set(shown, shown);
    return shown;
  }

  #settled(object: KubeObject): KubeObject {
    const descriptor = this.#options.descriptor();
    const pruned = decodeObject(descriptor, object, { validation: 'Ignore' }).object;
    applySchemaDefaults(descriptor, pruned);
    return pruned as unknown as KubeObject;
  }

  #encoded(stored: StoredObject, object: KubeObject): StoredObject {
    const { type } = this.#options;
    return StoredObject.fromStore(type, stored.key, stored.revision, Buffer.from(encodeForStore(type, object)));
  }
}
