import type { KubeObject } from '@bayplan/api';
import { createWorkQueue, runReconciler } from '@bayplan/client';
import type { Client, EventRecorder, Informer, InformerFactory, Reconcile, WorkQueue } from '@bayplan/client';
import type { Clock, Logger, MetricsRegistry, Random } from '@bayplan/component-base';

/** What every controller is given. All of it ends when `signal` aborts. */
export interface ControllerContext {
  readonly client: Client;
  /** Shared by all controllers of the process. */
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry | undefined;
  readonly signal: AbortSignal;
}

/** A controller runs until its context's signal aborts. */
export type Controller = (context: ControllerContext) => Promise<void>;

/** A queue that reports under `name` and is shut down with the context. */
export function queueFor(context: ControllerContext, name: string): WorkQueue {
  const queue = createWorkQueue({ name, clock: context.clock, metrics: context.metrics });
  context.signal.addEventListener('abort', () => queue.shutDown(), { once: true });
  return queue;
}

/**
 * Calls back for every object that is added, changed or deleted until the context's signal aborts.
 * `previous` is set for changes only; `deleted` says that `object` is the last state of a deleted one.
 */
export function onChange<T extends KubeObject>(
  context: ControllerContext,
  informer: Informer<T>,
  call: (object: T, previous: T | undefined, deleted: boolean) => void,
): void {
  const remove = informer.addHandlers({
    onAdd: (object) => call(object, undefined, false),
    onUpdate: (object, previous) => call(object, previous, false),
    onDelete: (object) => call(object, undefined, true),
  });
  context.signal.addEventListener('abort', remove, { once: true });
}

/** Waits for the caches, then reconciles until the context's signal aborts. */
export async function runController(
  context: ControllerContext,
  options: {
    readonly queue: WorkQueue;
    readonly caches: readonly { readonly synced: Promise<void> }[];
    readonly workers?: number;
    readonly reconcile: Reconcile;
  },
): Promise<void> {
  const { queue, reconcile, workers = 2 } = options;
  await Promise.all(options.caches.map((cache) => cache.synced));
  await runReconciler({ queue, workers, reconcile, logger: context.logger, signal: context.signal });
}
