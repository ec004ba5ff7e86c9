import type { CustomResourceDefinition, JSONSchemaProps, KubeObject, ResourceInfo, ResourceRef, SubresourceInfo } from '@bayplan/api';
import type { Logger } from '@bayplan/component-base';
import type { Revision, Store } from '@bayplan/store';
import type { Registry } from '../registry/registry.ts';
import { ResourceCache } from '../registry/resource-cache.ts';
import type { Sealing } from '../registry/resource-storage.ts';
import type { StoreHub } from '../registry/store-hub.ts';
import type { StoredObject, TypeName } from '../registry/stored-object.ts';
import type { Converter } from './converter.ts';
import { customScale } from './custom-scale.ts';
import { CustomStorage } from './custom-storage.ts';
import { customStrategy } from './custom-strategy.ts';
import { CustomVersion } from './custom-version.ts';
import { definitionOf, schemaOf } from './definition.ts';
import type { Definition } from './definition.ts';
import type { Patterns } from './patterns.ts';
import type { SchemaRules } from './schema-rules.ts';
import { selectableFields } from './selectable-fields.ts';
import type { SelectableFields } from './selectable-fields.ts';
import { VersionView } from './version-view.ts';

export const definitionsResource = ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'] as const;

export interface CustomResourcesOptions {
  readonly store: Store;
  readonly hub: StoreHub;
  readonly registry: Registry;
  readonly logger: Logger;
  /** How values of a resource are sealed in the store. */
  readonly sealingOf: (group: string, resource: string) => Sealing;
  readonly patterns: () => Promise<Patterns>;
  readonly rules: (schema: JSONSchemaProps) => Promise<SchemaRules | undefined>;
  readonly converterOf: (definition: Definition) => Converter;
}

/** A definition whose resource is served. */
interface Served {
  readonly definition: Definition;
  readonly cache: ResourceCache;
  readonly fields: SelectableFields;
  /** By version. */
  readonly views: Map<string, VersionView>;
}

/** One object of a custom resource as it is stored. */
interface Instance {
  readonly namespace: string;
  readonly name: string;
  readonly deleting: boolean;
  readonly stored: StoredObject;
}

export interface Instances {
  readonly ref: ResourceRef | undefined;
  readonly objects: readonly Instance[];
  /** Takes an object from the store without asking anybody: for resources that no version serves. */
  readonly remove: (instance: Instance) => Promise<void>;
}

/** The resources of CustomResourceDefinitions in the registry, kept in step with the definitions. */
export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #served = new Map<string, Served>();

  constructor(options: CustomResourcesOptions) {
    this.#options = options;
  }

  /** The definition as it is served now. */
  served(name: string): Definition | undefined {
    return this.#served.get(name)?.definition;
  }

  /**
   * Serves a definition, or what became of it. Watches go on over a change of schema, which takes effect
   * with the next event; they end when their version or the resource goes.
   */
  serve(object: CustomResourceDefinition): void {
    const definition = definitionOf(object);
    const before = this.#served.get(definition.name);
    if (before?.definition.fingerprint === definition.fingerprint) return;
    const fields = selectableFields(definition.versions);
    const kept = before !== undefined && isSameStorage(before, definition, fields);
    if (before !== undefined && !kept) this.withdraw(definition.name);
    const cache = kept ? before.cache : this.#cacheOf(definition, fields);
    const served: Served = { definition, cache, fields, views: new Map() };
    this.#served.set(definition.name, served);
    // Who watches a version that goes must be told.
    if (kept && this.#withdrawPaths(before.definition, definition)) cache.endWatches();
    for (const version of definition.versions) if (version.served) this.#serveVersion(served, version);
  }

  /** The objects of a definition, and the version through which they can be deleted if one is served. */
  async instances(name: string): Promise<Instances> {
    const served = this.#served.get(name);
    if (served === undefined) return { ref: undefined, objects: [], remove: () => Promise.resolve() };
    const { cache, definition } = served;
    await cache.fresh();
    const objects = cache.list({ matches: () => true }).map(({ stored, namespace, name: own }) => ({
      namespace,
      name: own,
      deleting: stored.object.metadata.deletionTimestamp !== undefined,
      stored,
    }));
    const { registry, store } = this.#options;
    const version = definition.versions.find((one) => one.served)?.name;
    return {
      ref: version === undefined ? undefined : registry.find(definition.group, version, definition.names.plural),
      objects,
      remove: async ({ stored }) => {
        await store.delete(stored.key, stored.revision as Revision);
      },
    };
  }

  /** Ends serving; objects stay in the store. */
  withdraw(name: string): void {
    const served = this.#served.get(name);
    if (served === undefined) return;
    this.#served.delete(name);
    this.#withdrawPaths(served.definition, undefined);
    served.cache.close();
  }

  /** Withdraws all that are not among `names`: for what was deleted while nobody looked. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of [...this.#served.keys()]) if (!names.has(name)) this.withdraw(name);
  }

  /** True if anything was withdrawn. */
  #withdrawPaths(before: Definition, after: Definition | undefined): boolean {
    let withdrawn = false;
    for (const { name, served } of before.versions) {
      const goesOn = after?.names.plural === before.names.plural && after.versions.some((one) => one.served && one.name === name);
      if (!served || goesOn) continue;
      this.#options.registry.withdraw(before.group, name, before.names.plural);
      withdrawn = true;
    }
    return withdrawn;
  }

  #cacheOf(definition: Definition, fields: SelectableFields): ResourceCache {
    const { store, hub, logger } = this.#options;
    const types = new Map<string, TypeName>();
    const heads = definition.versions.map((version) => {
      const type = typeOf(definition, version.name);
      types.set(type.apiVersion, type);
      return { type, head: Buffer.from(`{"apiVersion":${JSON.stringify(type.apiVersion)},`) };
    });
    const fallback = typeOf(definition, definition.storageVersion);
    const sealing = this.#options.sealingOf(definition.group, definition.names.plural);
    return new ResourceCache(
      {
        ...fallback,
        prefix: `/registry/${definition.group}/${definition.names.plural}/`,
        namespaced: definition.namespaced,
        fieldsOf: fields.of,
        typeOf: (value) => {
          const found = heads.find(({ head }) => value.subarray(0, head.length).equals(head));
          if (found !== undefined) return found.type;
          // A version that the definition no longer has: its name is still what the object begins with.
          const apiVersion = (JSON.parse(value.toString('utf8')) as KubeObject).apiVersion ?? fallback.apiVersion;
          let type = types.get(apiVersion);
          if (type === undefined) types.set(apiVersion, (type = { apiVersion, kind: fallback.kind }));
          return type;
        },
        open: (key, value) => sealing.open(key, value),
      },
      store,
      hub,
      logger,
    );
  }

  #serveVersion({ definition, cache, fields, views }: Served, version: Definition['versions'][number]): void {
    const { store, registry, patterns, rules, converterOf } = this.#options;
    const type = typeOf(definition, version.name);
    const converter = converterOf(definition);
    const custom = new CustomVersion(
      {
        definition,
        version,
        schema: () => this.#schema(definition.name, version.name),
        patterns,
        rules,
        scale: customScale,
        newest: () => this.#served.get(definition.name)?.views.get(version.name),
      },
      (descriptor) => new VersionView({ type, storedType: typeOf(definition, definition.storageVersion), descriptor, converter }),
    );
    views.set(version.name, custom.view);
    const { group, names, namespaced } = definition;
    const resource = { group, version: version.name, resource: names.plural, kind: names.kind, namespaced, apiVersion: type.apiVersion };
    registry.serve({
      ...infoOf(definition, version),
      apiVersion: type.apiVersion,
      storage: new CustomStorage(resource, store, cache, this.#options.sealingOf(group, names.plural), custom.view),
      strategy: { ...customStrategy, fields: fields.of },
      conversion: undefined,
      custom,
    });
  }

  /** From the definition as the cache holds it, so that nobody keeps large schemas that are not used. */
  #schema(name: string, version: string): JSONSchemaProps {
    const { storage } = this.#options.registry.stored(...definitionsResource);
    const found = storage.cache.get('', name)?.stored.object as CustomResourceDefinition | undefined;
    if (found === undefined) throw new Error(`the definition ${name} is gone`);
    return schemaOf(found, version);
  }
}

function typeOf(definition: Definition, version: string): TypeName {
  return { apiVersion: `${definition.group}/${version}`, kind: definition.names.kind };
}

/** The cache depends on scope, kind, plural and selectable fields; everything else may change under it. */
function isSameStorage(before: Served, { uid, namespaced, names, versions }: Definition, fields: SelectableFields): boolean {
  const { definition } = before;
  return (
    definition.uid === uid &&
    definition.namespaced === namespaced &&
    definition.names.kind === names.kind &&
    definition.names.plural === names.plural &&
    before.fields.names === fields.names &&
    definition.versions.every((one) => versions.some((other) => other.name === one.name))
  );
}

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

function infoOf(definition: Definition, version: Definition['versions'][number]): ResourceInfo {
  const { group, names, namespaced } = definition;
  const subresources: SubresourceInfo[] = [];
  const partVerbs = ['get', 'patch', 'update'];
  if (version.subresources?.status !== undefined)
    subresources.push({ name: 'status', group, version: version.name, kind: names.kind, verbs: partVerbs, connect: [] });
  if (version.subresources?.scale !== undefined)
    subresources.push({ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: partVerbs, connect: [] });
  return {
    group,
    version: version.name,
    resource: names.plural,
    kind: names.kind,
    namespaced,
    singular: names.singular ?? names.kind.toLowerCase(),
    verbs,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    subresources,
  };
}
