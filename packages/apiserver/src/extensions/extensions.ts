import type { Client } from '@bayplan/client';
import type { Clock, Logger } from '@bayplan/component-base';
import type { Store } from '@bayplan/store';
import type { Registry } from '../registry/registry.ts';
import type { StoreHub } from '../registry/store-hub.ts';
import { noneConverter } from './converter.ts';
import { CustomResources, definitionsResource } from './custom-resources.ts';
import { DefinitionController } from './definition-controller.ts';
import { loadPatterns } from './patterns.ts';
import type { Patterns } from './patterns.ts';
import type { SchemaRules } from './schema-rules.ts';

export interface ExtensionsOptions {
  readonly store: Store;
  readonly hub: StoreHub;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What CustomResourceDefinitions add to the server. */
export interface Extensions {
  /** Begins to keep the definitions' status. */
  start(client: Client): void;
  stop(): Promise<void>;
}

let patterns: Promise<Patterns> | undefined;

/** The one engine of this process, loaded on first use. */
export function sharedPatterns(): Promise<Patterns> {
  patterns ??= loadPatterns();
  return patterns;
}

/** Serves every definition of the store from now on. */
export async function openExtensions(options: ExtensionsOptions): Promise<Extensions> {
  const { registry, clock, logger } = options;
  const rules = (): Promise<SchemaRules | undefined> => Promise.resolve(undefined);
  const custom = new CustomResources({ ...options, patterns: sharedPatterns, rules, converterOf: () => noneConverter });
  const { cache } = registry.stored(...definitionsResource).storage;
  const controller = new DefinitionController({ cache, custom, clock, logger });
  await controller.open();
  return { start: (client) => controller.start(client), stop: () => controller.stop() };
}
