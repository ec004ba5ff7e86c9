import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';
import { createInformer } from './create-informer.ts';
import type { Informer } from './informer.ts';

/** Which part of a resource an informer holds. */
export interface InformerScope {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly metadataOnly?: boolean | undefined;
}

/** One cache per resource and scope for a whole process. */
export interface InformerFactory {
  /** The shared informer of a resource and scope, made on first use. After `start` it starts at once. */
  informer<T extends KubeObject>(ref: ResourceRef<T>, scope?: InformerScope): Informer<T>;
  /** Starts every informer made so far and every one made later, until the signal aborts. */
  start(signal: AbortSignal): void;
  /** Resolves when every informer made so far is synced. */
  synced(): Promise<void>;
}

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Applied to every object before it is cached. A remote component drops managedFields here to save memory. */
  readonly transform?: (<T extends KubeObject>(object: T) => T) | undefined;
}

/** Makes a factory; give every controller of a process the same one. */
export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  const { client, clock, logger, transform } = options;
  const informers = new Map<string, Informer>();
  let running: AbortSignal | undefined;
  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>, scope: InformerScope = {}): Informer<T> {
      const id = JSON.stringify([
        ref.group,
        ref.version,
        ref.resource,
        scope.namespace,
        scope.labelSelector,
        scope.fieldSelector,
        scope.metadataOnly,
      ]);
      let informer = informers.get(id);
      if (informer === undefined) {
        informer = createInformer<T>({ client, ref, ...scope, transform, clock, logger }) as unknown as Informer;
        informers.set(id, informer);
        if (running) informer.start(running);
      }
      return informer as unknown as Informer<T>;
    },
    start(signal) {
      running = signal;
      for (const informer of informers.values()) informer.start(signal);
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.synced));
    },
  };
}

/** A transform that forgets managedFields, which are often half of an object and which few components read. */
export function dropManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const metadata = { ...object.metadata };
  delete metadata.managedFields;
  return { ...object, metadata };
}
