import { isNotFound, resources } from '@bayplan/api';
import type { Namespace } from '@bayplan/api';
import type { ReconcileResult } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { deletionConditions } from './namespace-conditions.ts';
import { deleteContent } from './namespace-content.ts';
import type { RemainingContent } from './namespace-content.ts';
import { namespacedResources } from './namespaced-resources.ts';

/** While content remains it is looked at again this often at first, besides whenever a pod goes. */
const recheckMs = 5000;
/** A namespace in which nothing changes is looked at ever more seldom, down to this. */
const maxRecheckMs = 60_000;
/** Pods that stop together are waited for together. */
const gatherMs = 200;
const parallelResources = 8;

/** Empties namespaces that are being deleted, then lets them go. */
export async function runNamespaceController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, signal } = context;
  const namespaces = informers.informer(resources.namespaces);
  const definitions = informers.informer(resources.customResourceDefinitions);
  const pods = informers.informer(resources.pods);
  const queue = queueFor(context, 'namespace');

  onChange(context, namespaces, (namespace, previous, deleted) => {
    if (deleted) waits.delete(namespace.metadata.name ?? '');
    const begun = namespace.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined;
    if (begun && !deleted) queue.add(namespace.metadata.name ?? '');
  });
  onChange(context, pods, (pod, _previous, deleted) => {
    const name = pod.metadata.namespace ?? '';
    if (deleted && namespaces.lister.get(name)?.metadata.deletionTimestamp !== undefined) queue.addAfter(name, gatherMs);
  });

  /** What was left at the last look, and when to look again. */
  const waits = new Map<string, { readonly left: string; readonly nextMs: number }>();

  function nextLook(name: string, content: readonly RemainingContent[]): number {
    const left = JSON.stringify(
      content.map((one) => [one.objects.map((object) => [object.metadata.uid, object.metadata.finalizers]), one.failure]),
    );
    const before = waits.get(name);
    const nextMs = before?.left === left ? Math.min(maxRecheckMs, before.nextMs * 2) : recheckMs;
    waits.set(name, { left, nextMs });
    return nextMs;
  }

  async function reconcile(name: string): Promise<ReconcileResult | void> {
    const namespace = namespaces.lister.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined) return void waits.delete(name);
    if (!(namespace.spec?.finalizers ?? []).includes('kubernetes')) return;
    const content = await empty(name);
    const current = await writeStatus(namespace, content);
    if (current === undefined) return;
    if (content.some((one) => one.objects.length > 0 || one.failure !== undefined)) return { requeueAfterMs: nextLook(name, content) };
    const finalizers = (current.spec?.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes');
    try {
      await client.update(resources.namespaces, { ...current, spec: { ...current.spec, finalizers } }, { subresource: 'finalize', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** One round of deletions; other resources only once no pod is left, since pods may need them to stop. */
  async function empty(name: string): Promise<RemainingContent[]> {
    const [podsRef, ...others] = namespacedResources(definitions.lister);
    const podsLeft = await deleteContent(client, podsRef ?? resources.pods, name, signal);
    if (podsLeft.objects.length > 0) return [podsLeft];
    const content: RemainingContent[] = [podsLeft];
    for (let start = 0; start < others.length; start += parallelResources) {
      const some = others.slice(start, start + parallelResources);
      content.push(...(await Promise.all(some.map((ref) => deleteContent(client, ref, name, signal)))));
    }
    return content;
  }

  async function writeStatus(namespace: Namespace, content: readonly RemainingContent[]): Promise<Namespace | undefined> {
    const status = { ...namespace.status, phase: 'Terminating', conditions: deletionConditions(namespace, content, clock.now()) };
    if (semanticallyEqual(namespace.status, status)) return namespace;
    try {
      return await client.update(resources.namespaces, { ...namespace, status }, { subresource: 'status', signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  await runController(context, { queue, caches: [namespaces, definitions, pods], workers: 4, reconcile });
}
