import type { Pod } from '@bayplan/api';
import type { Timer } from '@bayplan/component-base';
import { newPodMemory } from './pod-memory.ts';
import type { PodMemory } from './pod-memory.ts';
import type { PodContext } from './pod-context.ts';
import { syncPod } from './pod-sync.ts';
import { terminatePod } from './pod-terminate.ts';

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * The one that works on a pod. Everything that happens to the pod wakes it; it never runs twice at once.
 *
 *     syncing --deletionTimestamp, or gone from the API--> terminating --all removed--> done
 *
 * There is no way back. Being told to terminate, or to do so faster, interrupts what runs.
 */
export class PodWorker {
  readonly #context: PodContext;
  readonly #memory: PodMemory;
  #pod: Pod;
  #removed = false;
  #done = false;
  #awake = false;
  #running = false;
  #timer: Timer | undefined;
  #interrupt = new AbortController();
  #retryMs = firstRetryMs;
  readonly #finished: () => void;

  /** @param finished called once, when nothing is left of the pod on the node and it is gone from the API. */
  constructor(context: PodContext, pod: Pod, finished: () => void) {
    this.#context = context;
    this.#pod = pod;
    this.#memory = newPodMemory(pod, context.clock.now());
    this.#finished = finished;
    if (this.#memory.status !== undefined) context.statuses.adopt(pod.metadata.uid ?? '', this.#memory.status);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** Whether its files should be kept up to date. */
  get active(): boolean {
    return !this.#removed && !this.#done && !this.#memory.released && this.#pod.metadata.deletionTimestamp === undefined;
  }

  /** Takes a newer state of the pod from the API. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const terminates = before.metadata.deletionTimestamp === undefined && pod.metadata.deletionTimestamp !== undefined;
    const faster = (pod.metadata.deletionGracePeriodSeconds ?? 0) < (before.metadata.deletionGracePeriodSeconds ?? 0);
    if (terminates || faster) this.#interrupt.abort(new Error('the pod is being deleted'));
    if (terminates || faster || needsSync(before, pod)) this.wake();
  }

  /** The pod is gone from the API. @param last its last state, which may say how fast it must end. */
  remove(last: Pod): void {
    if (this.#removed) return;
    this.#removed = true;
    const before = this.#pod.metadata;
    const faster = (last.metadata.deletionGracePeriodSeconds ?? Infinity) < (before.deletionGracePeriodSeconds ?? Infinity);
    if (faster) this.#pod = last;
    if (this.#done) {
      this.#finish();
      return;
    }
    if (faster || before.deletionTimestamp === undefined) this.#interrupt.abort(new Error('the pod was removed'));
    this.wake();
  }

  /** Something has happened: look again. */
  wake(): void {
    this.#awake = true;
    if (!this.#running && !this.#context.signal.aborted) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    let comeBackMs: number | undefined;
    while (this.#awake && !this.#context.signal.aborted) {
      this.#awake = false;
      comeBackMs = await this.#once();
    }
    this.#running = false;
    if (comeBackMs !== undefined && !this.#context.signal.aborted && !this.#done) {
      this.#timer = this.#context.clock.after(Math.max(10, comeBackMs - this.#context.clock.now()), () => this.wake(), { unref: true });
    }
  }

  async #once(): Promise<number | undefined> {
    if (this.#done) return undefined;
    const { clock, logger, metrics } = this.#context;
    this.#interrupt = new AbortController();
    const signal = AbortSignal.any([this.#interrupt.signal, this.#context.signal]);
    const begun = clock.monotonic();
    const terminating = this.#removed || this.#pod.metadata.deletionTimestamp !== undefined;
    try {
      let comeBackMs: number | undefined;
      if (terminating) {
        await terminatePod(this.#context, this.#pod, this.#memory, this.#removed, signal);
        this.#done = true;
        if (this.#removed) this.#finish();
      } else comeBackMs = await syncPod(this.#context, this.#pod, this.#memory, signal);
      this.#retryMs = firstRetryMs;
      return comeBackMs;
    } catch (error) {
      if (signal.aborted) return undefined;
      logger.warn('Failed to synchronise a pod', { pod: this.#pod.metadata.name, namespace: this.#pod.metadata.namespace, err: error });
      const delayMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
      return clock.now() + delayMs;
    } finally {
      metrics.podWorkerSeconds.observe({ operation_type: terminating ? 'terminate' : 'sync' }, (clock.monotonic() - begun) / 1000);
    }
  }

  #finish(): void {
    this.#timer?.cancel();
    this.#context.statuses.forget(this.#pod.metadata.uid ?? '');
    this.#finished();
  }
}

/** The agent's own status writes come back as updates and must not cause work. */
function needsSync(before: Pod, after: Pod): boolean {
  return (
    before.metadata.generation !== after.metadata.generation ||
    (before.spec !== after.spec && JSON.stringify(before.spec) !== JSON.stringify(after.spec)) ||
    gates(before) !== gates(after) ||
    (before.status?.phase !== after.status?.phase && after.status?.phase === 'Failed')
  );
}

function gates(pod: Pod): string {
  const types = (pod.spec?.readinessGates ?? []).map((gate) => gate.conditionType);
  if (types.length === 0) return '';
  return types.map((type) => pod.status?.conditions?.find((condition) => condition.type === type)?.status ?? '').join(',');
}
