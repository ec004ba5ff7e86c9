import type { Pod } from '@bayplan/api';
import type { Informer } from '@bayplan/client';
import { rotateLogs } from '../logs/log-rotation.ts';
import { fieldSurroundings } from './pod-context.ts';
import type { PodContext } from './pod-context.ts';
import { cleanOrphans } from './orphans.ts';
import { PodWorker } from './pod-worker.ts';

/** How often everything the runtime has is listed, in case its event stream lost something. */
const relistMs = 60_000;
const refreshMs = 60_000;
const rotateMs = 60_000;
const collectMs = 300_000;
const eventRetryMs = 1_000;
/** Loops over all pods let others run after this many. */
const chunk = 50;

/** Keeps one worker for every pod of this node and wakes it when something happens to the pod. */
export class PodManager {
  readonly #context: PodContext;
  readonly #informer: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  /** What the runtime had of each pod at the last list. */
  #signatures: ReadonlyMap<string, string> = new Map();

  constructor(context: PodContext, informer: Informer<Pod>) {
    this.#context = context;
    this.#informer = informer;
  }

  get pods(): Pod[] {
    return [...this.#workers.values()].map((worker) => worker.pod);
  }

  /** The pod with that name; of several (one is ending while its successor waits) the newest. */
  find(namespace: string, name: string): Pod | undefined {
    return this.#informer.lister.get(`${namespace}/${name}`);
  }

  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  /** Begins to work; resolves when the pods of this node are known and orphans were found. */
  async start(): Promise<void> {
    const { signal } = this.#context;
    this.#informer.addHandlers({
      onAdd: (pod) => this.#seen(pod),
      onUpdate: (pod) => this.#seen(pod),
      onDelete: (pod) => this.#workers.get(pod.metadata.uid ?? '')?.remove(pod),
    });
    this.#informer.start(signal);
    void this.#listen();
    await this.#informer.synced;
    if (signal.aborted) return;
    this.#every(relistMs, () => this.#relist());
    this.#every(refreshMs, () => this.#refresh());
    this.#every(rotateMs, async () => {
      await rotateLogs(this.#context.runtime, this.#context.podLogsDir, this.#context.clock, signal);
    });
    this.#every(collectMs, async () => {
      await this.#context.imageCollector.collect(signal);
    });
    await this.#relist();
  }

  #seen(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const worker = this.#workers.get(uid);
    if (worker !== undefined) {
      worker.update(pod);
      return;
    }
    const created = new PodWorker(this.#context, pod, () => {
      if (this.#workers.get(uid) === created) this.#workers.delete(uid);
    });
    this.#workers.set(uid, created);
    created.wake();
  }

  /** Follows the runtime's event stream; the relist stands in for what a broken stream misses. */
  async #listen(): Promise<void> {
    const { runtime, logger, signal, clock } = this.#context;
    while (!signal.aborted) {
      try {
        for await (const event of runtime.cri.runtime.getContainerEvents({}, { signal })) {
          // This agent makes, starts and removes containers itself: only that one has ended is news.
          if (event.containerEventType !== 'CONTAINER_STOPPED_EVENT') continue;
          const uid = event.podSandboxStatus?.metadata?.uid || runtime.ownerOf(event.containerId);
          if (uid === undefined) await this.#relist();
          else this.wake(uid);
        }
      } catch (error) {
        if (!signal.aborted) logger.debug('Lost the event stream of the runtime', { err: error });
      }
      await clock.sleep(eventRetryMs, signal).catch(() => undefined);
      // What happened in between was missed; a runtime without events is listed instead.
      if (!signal.aborted)
        await this.#relist().catch((error: unknown) => logger.debug('Failed to list the pods of the runtime', { err: error }));
    }
  }

  async #relist(): Promise<void> {
    const { runtime, clock, metrics, signal } = this.#context;
    const begun = clock.monotonic();
    const present = await runtime.listPods(signal);
    metrics.relistSeconds.observe((clock.monotonic() - begun) / 1000);
    metrics.relistIntervalSeconds.observe(relistMs / 1000);
    if (this.#informer.hasSynced) await cleanOrphans(this.#context, present, (uid) => this.#workers.has(uid));
    const before = this.#signatures;
    this.#signatures = new Map(present.map((pod) => [pod.uid, pod.signature]));
    for (const uid of this.#workers.keys()) if (before.get(uid) !== this.#signatures.get(uid)) this.wake(uid);
  }

  async #refresh(): Promise<void> {
    const { volumes, logger, objects, signal } = this.#context;
    objects.prune();
    let count = 0;
    for (const worker of [...this.#workers.values()]) {
      if (signal.aborted) return;
      if (!worker.active || worker.pod.status?.phase !== 'Running') continue;
      try {
        await volumes.refresh(worker.pod, fieldSurroundings(this.#context, []), signal);
      } catch (error) {
        logger.debug('Failed to refresh the volumes of a pod', {
          pod: worker.pod.metadata.name,
          namespace: worker.pod.metadata.namespace,
          err: error,
        });
      }
      if (++count % chunk === 0) await yieldToOthers();
    }
  }

  #every(periodMs: number, work: () => Promise<void>): void {
    const { clock, signal, logger } = this.#context;
    const next = (): void => {
      if (signal.aborted) return;
      clock.after(
        periodMs,
        () => {
          work()
            .catch((error: unknown) => {
              if (!signal.aborted) logger.warn('Failed a periodic task of the node agent', { err: error });
            })
            .finally(next);
        },
        { unref: true },
      );
    };
    next();
  }
}

function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
