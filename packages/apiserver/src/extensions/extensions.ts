import type { Client } from '@bayplan/client';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Logger, Random } from '@bayplan/component-base';
import type { Store } from '@bayplan/store';
import type { Registry } from '../registry/registry.ts';
import type { StoreHub } from '../registry/store-hub.ts';
import type { WebhookClient } from '../webhooks/webhook-client.ts';
import { noneConverter } from './converter.ts';
import type { Converter } from './converter.ts';
import { CustomResources, definitionsResource } from './custom-resources.ts';
import { DefinitionController } from './definition-controller.ts';
import type { Definition } from './definition.ts';
import { sharedPatterns } from './patterns.ts';
import type { Sealing } from '../registry/resource-storage.ts';
import { compileRules } from './schema-rules.ts';
import { webhookConverter } from './webhook-converter.ts';

export interface ExtensionsOptions {
  readonly store: Store;
  readonly hub: StoreHub;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly sealingOf: (group: string, resource: string) => Sealing;
  /** For conversions; asked for when the first one is needed. */
  readonly webhooks: () => WebhookClient;
}

/** What CustomResourceDefinitions add to the server. */
export interface Extensions {
  /** Begins to keep the definitions' status. */
  start(client: Client): void;
  stop(): Promise<void>;
}

/** Serves every definition of the store from now on. */
export async function openExtensions(options: ExtensionsOptions): Promise<Extensions> {
  const { registry, clock, logger, webhooks, random } = options;
  const converterOf = ({ conversion }: Definition): Converter =>
    conversion?.strategy === 'Webhook' ? webhookConverter(conversion, webhooks, random) : noneConverter;
  const custom = new CustomResources({ ...options, patterns: sharedPatterns, rules: compileRules, converterOf });
  const { cache } = registry.stored(...definitionsResource).storage;
  const controller = new DefinitionController({ cache, custom, clock, logger });
  await controller.open();
  // A definition that another server has established is served here as soon as its change arrives.
  registry.refreshWith(async (group) => {
    if (!group.includes('.')) return;
    await cache.fresh();
    await nextTurn();
  });
  return { start: (client) => controller.start(client), stop: () => controller.stop() };
}
