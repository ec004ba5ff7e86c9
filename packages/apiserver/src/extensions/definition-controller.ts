import { findResourceOfKind, isNotFound, resources, sameJson } from '@bayplan/api';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '@bayplan/api';
import { createWorkQueue, runReconciler } from '@bayplan/client';
import type { Client, ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import type { ResourceCache } from '../registry/resource-cache.ts';
import type { CustomResources } from './custom-resources.ts';
import { isTrue } from './definition.ts';
import { statusOf } from './definition-conditions.ts';
import type { AcceptedNames } from './definition-conditions.ts';
import { cleanUp } from './definition-cleanup.ts';

export interface DefinitionControllerOptions {
  /** Of the definitions. */
  readonly cache: ResourceCache;
  readonly custom: CustomResources;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Keeps the served resources in step with the definitions, whichever server changed them, and writes the
 * definitions' status: accepted names, established, and the progress of their deletion.
 */
export class DefinitionController {
  readonly #options: DefinitionControllerOptions;
  readonly #accepted = new Map<string, AcceptedNames>();
  readonly #queue;
  readonly #abort = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: DefinitionControllerOptions) {
    this.#options = options;
    this.#queue = createWorkQueue({ name: 'crd', clock: options.clock });
  }

  /** Resolves when every established definition is served. */
  async open(): Promise<void> {
    const { cache } = this.#options;
    await cache.start();
    this.#running = this.#follow(this.#watch());
  }

  /** Begins to write status, as `client`. */
  start(client: Client): void {
    const { logger } = this.#options;
    const { signal } = this.#abort;
    const reconcile = (name: string): Promise<ReconcileResult | void> => this.#reconcile(client, name);
    this.#running = Promise.all([this.#running, runReconciler({ queue: this.#queue, reconcile, logger, signal })]);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** A watcher that is registered before the state is read, so that nothing falls between. */
  #watch(): ReturnType<ResourceCache['watch']> {
    const { cache, custom } = this.#options;
    const watcher = cache.watch({ matches: () => true });
    const entries = cache.list({ matches: () => true });
    custom.keepOnly(new Set(entries.map((entry) => entry.name)));
    for (const { name } of entries) this.#changed(name);
    return watcher;
  }

  async #follow(first: ReturnType<ResourceCache['watch']>): Promise<void> {
    const { cache, clock, logger } = this.#options;
    const { signal } = this.#abort;
    let watcher = first;
    signal.addEventListener('abort', () => watcher.end(), { once: true });
    while (!signal.aborted) {
      const events = await watcher.take();
      if (events !== undefined) {
        for (const { object } of events) this.#changed(object.object.metadata.name ?? '');
        continue;
      }
      // The cache lost its place in the store, or the server stops.
      if (signal.aborted) return;
      await clock.sleep(100, signal).catch(() => undefined);
      try {
        await cache.start();
        if (!signal.aborted) watcher = this.#watch();
      } catch (error) {
        logger.warn('Custom resource definitions could not be listed', { err: error });
      }
    }
  }

  #current(name: string): CustomResourceDefinition | undefined {
    return this.#options.cache.get('', name)?.stored.object as CustomResourceDefinition | undefined;
  }

  /** Serves what the definition says now, before anybody can learn of it from the API. */
  #changed(name: string): void {
    const { custom, logger } = this.#options;
    const definition = this.#current(name);
    if (definition === undefined) {
      this.#accepted.delete(name);
      custom.withdraw(name);
    } else {
      const { acceptedNames } = definition.status ?? {};
      this.#accepted.set(name, { group: definition.spec.group, names: acceptedNames });
      try {
        if (isTrue(definition, 'Established') && !isBuiltIn(definition)) custom.serve(definition);
      } catch (error) {
        // One definition that cannot be served must not stop the others.
        logger.error('Custom resource could not be served', { err: error, name });
      }
    }
    if (definition === undefined || !isSettled(definition)) this.#queue.add(name);
  }

  async #reconcile(client: Client, name: string): Promise<ReconcileResult | void> {
    const { custom, clock } = this.#options;
    const definition = this.#current(name);
    if (definition === undefined) return this.#reconsider(name);
    const signal = this.#abort.signal;
    try {
      if (definition.metadata.deletionTimestamp !== undefined) {
        return await cleanUp({ client, custom, clock, signal, builtIn: isBuiltIn(definition) }, definition);
      }
      const others = [...this.#accepted].flatMap(([other, accepted]) => (other === name ? [] : [accepted]));
      const status = statusOf(definition, others, timestamp(clock.now()));
      if (sameJson(status, definition.status)) return;
      const next = { ...definition, status };
      // Whoever sees that it is established may use it at once.
      if (isTrue(next, 'Established') && !isBuiltIn(definition)) custom.serve(next);
      const freed = !sameJson(status.acceptedNames, definition.status?.acceptedNames);
      await client.update(resources.customResourceDefinitions, next, { subresource: 'status', signal });
      this.#accepted.set(name, { group: definition.spec.group, names: status.acceptedNames });
      if (freed) this.#reconsider(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Names were freed, or taken: others of the group look again whether they may have theirs. */
  #reconsider(name: string): void {
    const group = name.slice(name.indexOf('.') + 1);
    for (const [other, accepted] of this.#accepted) {
      if (other === name || accepted.group !== group) continue;
      const definition = this.#current(other);
      if (definition !== undefined && !isSettled(definition)) this.#queue.add(other);
    }
  }
}

/** Nothing is left to do for a definition that has all its names. */
function isSettled(definition: CustomResourceDefinition): boolean {
  const names: CustomResourceDefinitionNames | undefined = definition.status?.acceptedNames;
  return (
    definition.metadata.deletionTimestamp === undefined &&
    isTrue(definition, 'Established') &&
    isTrue(definition, 'NamesAccepted') &&
    sameJson(definition.spec.names, names)
  );
}

/** What Kubernetes itself serves under the same name comes first. */
function isBuiltIn({ spec }: CustomResourceDefinition): boolean {
  return spec.versions.some((version) => findResourceOfKind(spec.group, version.name, spec.names.kind) !== undefined);
}
