import { findResourceOfKind, resources } from '@bayplan/api';
import type { KubeObject, OwnerReference, ResourceRef } from '@bayplan/api';
import { createInformer } from '@bayplan/client';
import type { Informer } from '@bayplan/client';
import { customResource, storedResources } from '../namespace/namespaced-resources.ts';
import { onChange } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

/** One resource that is watched for owners and dependents. */
export interface Monitor {
  /** `group/resource`. */
  readonly id: string;
  readonly ref: ResourceRef;
  readonly informer: Informer;
}

export type MonitorHandler = (monitor: Monitor, object: KubeObject, previous: KubeObject | undefined, deleted: boolean) => void;

/** Resources whose caches other controllers keep in any case. */
const sharedCaches: readonly ResourceRef[] = [
  resources.pods,
  resources.replicaSets,
  resources.deployments,
  resources.replicationControllers,
  resources.statefulSets,
  resources.daemonSets,
  resources.controllerRevisions,
  resources.jobs,
  resources.cronJobs,
  resources.podDisruptionBudgets,
  resources.horizontalPodAutoscalers,
  resources.services,
  resources.endpoints,
  resources.endpointSlices,
  resources.serviceAccounts,
  resources.nodes,
  resources.namespaces,
  resources.certificateSigningRequests,
  resources.customResourceDefinitions,
  resources.persistentVolumes,
  resources.persistentVolumeClaims,
  resources.storageClasses,
  resources.csiDrivers,
  resources.volumeAttachments,
];

/** Watches every resource that is stored, also those of CustomResourceDefinitions as they come and go. */
export class ResourceMonitors {
  readonly #context: ControllerContext;
  readonly #handle: MonitorHandler;
  readonly #monitors = new Map<string, Monitor & { readonly stop: AbortController }>();

  constructor(context: ControllerContext, handle: MonitorHandler) {
    this.#context = context;
    this.#handle = handle;
    for (const ref of storedResources()) if (ref.resource !== 'events') this.#add(ref);
    onChange(context, context.informers.informer(resources.customResourceDefinitions), (definition, _previous, deleted) => {
      const ref = customResource(definition);
      if (deleted || ref === undefined) this.#remove(`${definition.spec.group}/${definition.spec.names.plural}`);
      else if (this.#monitors.get(idOf(ref))?.ref.version !== ref.version) {
        this.#remove(idOf(ref));
        this.#add(ref);
      }
    });
  }

  /** Resolves when the caches are filled, at the latest after `timeoutMs`: a resource may not be served. */
  async ready(timeoutMs: number): Promise<void> {
    const { clock, signal } = this.#context;
    const all = Promise.all([...this.#monitors.values()].map((monitor) => monitor.informer.synced));
    const enough = new AbortController();
    const limit = clock.sleep(timeoutMs, AbortSignal.any([signal, enough.signal])).catch(() => undefined); // aborted: no longer needed
    await Promise.race([all, limit]);
    enough.abort();
  }

  get(id: string): Monitor | undefined {
    return this.#monitors.get(id);
  }

  /** The resource of an owner reference, in whatever version it is watched; undefined for an unknown kind. */
  ofOwner(owner: OwnerReference): Monitor | undefined {
    const [group, version] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : ['', owner.apiVersion];
    const builtin = findResourceOfKind(group ?? '', version ?? '', owner.kind);
    if (builtin) return this.#monitors.get(idOf(builtin));
    for (const monitor of this.#monitors.values()) if (monitor.ref.group === group && monitor.ref.kind === owner.kind) return monitor;
    return undefined;
  }

  #add(ref: ResourceRef): void {
    const { informers, client, clock, logger, signal } = this.#context;
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    const shared = sharedCaches.some((one) => one.resource === ref.resource && one.group === ref.group);
    const informer = shared
      ? informers.informer(ref)
      : createInformer({ client, ref, metadataOnly: true, transform: ownershipOnly, clock, logger: this.#context.logger });
    const monitor = { id: idOf(ref), ref, informer, stop };
    this.#monitors.set(monitor.id, monitor);
    onChange({ ...this.#context, signal: until }, informer, (object, previous, deleted) =>
      this.#handle(monitor, object, previous, deleted),
    );
    if (!shared) informer.start(until);
    logger.trace('Watched a resource for owners', { resource: monitor.id });
  }

  #remove(id: string): void {
    this.#monitors.get(id)?.stop.abort();
    this.#monitors.delete(id);
  }
}

function idOf(ref: ResourceRef): string {
  return `${ref.group}/${ref.resource}`;
}

/** What the collector needs of an object, so that its caches stay small. */
function ownershipOnly(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, finalizers } = object.metadata;
  return { metadata: { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, finalizers } };
}
