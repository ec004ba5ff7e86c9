import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Client } from './client.ts';
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
