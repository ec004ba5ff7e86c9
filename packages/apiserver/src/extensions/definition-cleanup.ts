import { isNotFound, resources } from '@bayplan/api';
import type { CustomResourceDefinition, ResourceRef } from '@bayplan/api';
import type { Client, ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import type { Clock } from '@bayplan/component-base';
import type { CustomResources } from './custom-resources.ts';
import { isTrue } from './definition.ts';
import { withConditions } from './definition-conditions.ts';
import { cleanupFinalizer } from './definition-strategy.ts';

const recheckMs = 500;
const parallelDeletes = 8;

export interface CleanUpOptions {
  readonly client: Client;
  readonly custom: CustomResources;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The names are those of a built-in resource, whose objects are not touched. */
  readonly builtIn: boolean;
}

type Progress = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string };

/** One round of a definition's deletion: asks its instances to go, and lets it go once they have. */
export async function cleanUp(options: CleanUpOptions, definition: CustomResourceDefinition): Promise<ReconcileResult | void> {
  const { client, custom, signal } = options;
  if (definition.metadata.finalizers?.includes(cleanupFinalizer) !== true) return;
  let current = definition;
  let progress: Progress;
  if (options.builtIn) {
    progress = { status: 'False', reason: 'OverlappingBuiltInResource', message: 'instances overlap with built-in resources in storage' };
  } else if (!isTrue(definition, 'Established')) {
    progress = { status: 'False', reason: 'NeverEstablished', message: 'resource was never established' };
  } else {
    const begun: Progress = { status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' };
    current = await report(options, current, begun);
    custom.serve(current);
    const instances = await custom.instances(current.metadata.name ?? '');
    if (instances.ref === undefined) for (const stored of instances.objects) await instances.remove(stored);
    else await deleteAll(client, instances.ref, instances.objects, signal);
    if ((await custom.instances(current.metadata.name ?? '')).objects.length > 0) return { requeueAfterMs: recheckMs };
    progress = { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' };
  }
  const finalizers = (current.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
  if (finalizers.length > 0) current = await report(options, current, progress);
  await client.update(resources.customResourceDefinitions, { ...current, metadata: { ...current.metadata, finalizers } }, { signal });
}

async function report(
  options: CleanUpOptions,
  definition: CustomResourceDefinition,
  progress: Progress,
): Promise<CustomResourceDefinition> {
  const { client, clock, signal } = options;
  const before = definition.status?.conditions ?? [];
  const kept = before.find((condition) => condition.type === 'Terminating');
  if (kept?.status === progress.status && kept.reason === progress.reason) return definition;
  const conditions = withConditions(before, [{ type: 'Terminating', ...progress }], timestamp(clock.now()));
  const next = { ...definition, status: { ...definition.status, conditions } };
  return client.update(resources.customResourceDefinitions, next, { subresource: 'status', signal });
}

async function deleteAll(
  client: Client,
  ref: ResourceRef,
  objects: readonly { readonly namespace: string; readonly name: string; readonly deleting: boolean }[],
  signal: AbortSignal,
): Promise<void> {
  const pending = objects.filter((object) => !object.deleting).values();
  const work = async (): Promise<void> => {
    for (const { namespace, name } of pending) {
      try {
        await client.delete(ref, { namespace, name }, { signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: parallelDeletes }, work));
}
