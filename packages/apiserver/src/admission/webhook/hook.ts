import { selectorOf } from '@bayplan/api';
import type { KubeObject, MutatingWebhook, Selector, ValidatingWebhook } from '@bayplan/api';
import type { Registry } from '../../registry/registry.ts';

/** As metrics call the two kinds. */
export type HookType = 'admit' | 'validate';

/** One webhook of one configuration, ready to be asked whether it is concerned. */
export interface Hook {
  readonly configuration: string;
  /** Unique among all webhooks of a type, stable while the configuration does not change. */
  readonly id: string;
  readonly webhook: MutatingWebhook | ValidatingWebhook;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
}

const resources = { admit: 'mutatingwebhookconfigurations', validate: 'validatingwebhookconfigurations' } as const;

/** The webhooks that are configured, in order of their configurations' names; made anew only when one changes. */
export class HookSource {
  private readonly registry: Registry;
  private readonly type: HookType;
  private hooks: readonly Hook[] = [];
  private changes = -1;

  constructor(registry: Registry, type: HookType) {
    this.registry = registry;
    this.type = type;
  }

  /** What is known now: a configuration takes effect once the watch has brought it, within moments of its creation. */
  async list(): Promise<readonly Hook[]> {
    const { cache } = this.registry.stored('admissionregistration.k8s.io', 'v1', resources[this.type]).storage;
    await cache.start();
    if (cache.changes === this.changes) return this.hooks;
    this.changes = cache.changes;
    this.hooks = cache.list({ matches: () => true }).flatMap((entry) => hooksOf(entry.stored.object));
    return this.hooks;
  }
}

function hooksOf(object: KubeObject): Hook[] {
  const { webhooks = [] } = object as KubeObject & { webhooks?: (MutatingWebhook | ValidatingWebhook)[] };
  const configuration = object.metadata.name ?? '';
  return webhooks.map((webhook, index) => ({
    configuration,
    id: `${configuration}/${webhook.name}/${index.toString()}`,
    webhook,
    namespaceSelector: selectorOf(webhook.namespaceSelector ?? {}),
    objectSelector: selectorOf(webhook.objectSelector ?? {}),
  }));
}
