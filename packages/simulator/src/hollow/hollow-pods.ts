import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { Node, Pod } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { Client, Informer } from '@bayplan/client';
import type { Clock, Logger, Random } from '@bayplan/component-base';
import type { BoundedQueue } from './bounded-queue.ts';
import { hollowNodeAddress } from './hollow-node.ts';
import { PodAddresses } from './pod-addresses.ts';
import { behaviourOf } from './pod-behaviour.ts';
import type { PodBehaviour } from './pod-behaviour.ts';
import { hollowPodStatus } from './pod-status.ts';
import type { HollowRun } from './pod-status.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface HollowPodsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly wheel: TimerWheel;
  readonly queue: BoundedQueue;
  readonly signal: AbortSignal;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  /** Names of the hollow nodes, and the index of each. */
  readonly indexOf: ReadonlyMap<string, number>;
}

interface PodRecord {
  readonly key: string;
  readonly node: string;
  readonly behaviour: PodBehaviour;
  run: HollowRun | undefined;
  stopping: boolean;
  /** Cancels the pod's next step. */
  cancel: () => void;
  /** A status is being written; what came in meanwhile is looked at afterwards. */
  writing: boolean;
  again: boolean;
}

const retryMs = 500;
const rangeWaitMs = 5000;
const firstRestartMs = 1000;
const maxRestartMs = 300_000;

/**
 * All pods of all hollow nodes: moves each from Pending to Running, to completion if it says so, and
 * out of the API once it is deleted. Nothing is kept per pod but its record; nothing runs per pod but
 * an entry in the shared timer wheel.
 */
export class HollowPods {
  readonly #options: HollowPodsOptions;
  readonly #records = new Map<string, PodRecord>();
  readonly #addresses = new Map<string, PodAddresses>();

  constructor(options: HollowPodsOptions) {
    this.#options = options;
    options.pods.addHandlers({
      onAdd: (pod) => this.#see(pod),
      onUpdate: (pod) => this.#see(pod),
      onDelete: (pod) => this.#forget(pod),
    });
  }

  #see(pod: Pod): void {
    const node = pod.spec?.nodeName;
    const uid = pod.metadata.uid;
    if (node === undefined || uid === undefined || !this.#options.indexOf.has(node)) return;
    let record = this.#records.get(uid);
    if (record === undefined) {
      const { random } = this.#options;
      record = {
        key: keyOf(pod),
        node,
        behaviour: behaviourOf(pod, random.next()),
        run: undefined,
        stopping: false,
        cancel: () => undefined,
        writing: false,
        again: false,
      };
      this.#records.set(uid, record);
      this.#adopt(pod, record);
    }
    if (pod.metadata.deletionTimestamp !== undefined && !record.stopping) {
      record.stopping = true;
      const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
      this.#step(record, Math.min(graceMs, record.run === undefined ? 0 : record.behaviour.stopMs), () => this.#remove(uid));
    } else if (record.run !== undefined && !record.stopping) {
      const gated = (pod.spec?.readinessGates?.length ?? 0) > 0;
      // A node that was given up for a while had its pods marked as not ready.
      const isMarked = record.run.ready && pod.status?.phase === 'Running' && !isPodReady(pod);
      if (gated || isMarked) this.#report(uid);
    }
  }

  #forget(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const record = this.#records.get(uid);
    if (record === undefined) return;
    record.cancel();
    this.#records.delete(uid);
    if (record.run !== undefined && !isHostNetwork(pod)) this.#addresses.get(record.node)?.release(record.run.podIp);
  }

  /** Goes on from what the status says, as after a restart of the simulator. */
  #adopt(pod: Pod, record: PodRecord): void {
    const uid = pod.metadata.uid ?? '';
    const { phase, podIP } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') return;
    if (phase !== 'Running' || podIP === undefined) {
      this.#step(record, record.behaviour.startMs, () => this.#start(uid, this.#options.clock.monotonic()));
      return;
    }
    const first = pod.status?.containerStatuses?.[0];
    const startedAt = first?.state?.running?.startedAt;
    const startedMs = startedAt === undefined ? this.#options.clock.now() : Date.parse(String(startedAt));
    if (!isHostNetwork(pod)) this.#range(record.node)?.adopt(podIP);
    record.run = {
      podIp: podIP,
      hostIp: this.#hostIp(record.node),
      startedMs,
      restarts: first?.restartCount ?? 0,
      ready: first?.ready ?? true,
    };
    this.#awaitExit(uid, record);
  }

  #start(uid: string, since: number): void {
    const record = this.#records.get(uid);
    const pod = record === undefined ? undefined : this.#options.pods.lister.get(record.key);
    if (record === undefined || pod === undefined) return;
    const hostIp = this.#hostIp(record.node);
    let podIp: string | undefined = hostIp;
    if (!isHostNetwork(pod)) {
      const waited = this.#options.clock.monotonic() - since;
      const range = this.#range(record.node, waited >= rangeWaitMs);
      podIp = range?.take();
      if (podIp === undefined) {
        this.#step(record, retryMs, () => this.#start(uid, since));
        return;
      }
    }
    const { readyMs } = record.behaviour;
    record.run = { podIp, hostIp, startedMs: this.#options.clock.now(), restarts: 0, ready: readyMs === 0 };
    this.#report(uid);
    if (readyMs === 0) this.#awaitExit(uid, record);
    else this.#step(record, readyMs, () => this.#becomeReady(uid));
  }

  #becomeReady(uid: string): void {
    const record = this.#records.get(uid);
    if (record?.run === undefined) return;
    record.run = { ...record.run, ready: true };
    this.#report(uid);
    this.#awaitExit(uid, record);
  }

  #awaitExit(uid: string, record: PodRecord): void {
    const { runMs } = record.behaviour;
    if (runMs === undefined || record.run === undefined) return;
    const ranMs = this.#options.clock.now() - record.run.startedMs;
    this.#step(record, Math.max(0, runMs - ranMs), () => this.#exit(uid));
  }

  /** The containers have run for as long as the pod says: it is over, or they are started again. */
  #exit(uid: string): void {
    const record = this.#records.get(uid);
    const pod = record === undefined ? undefined : this.#options.pods.lister.get(record.key);
    if (record?.run === undefined || pod === undefined) return;
    const { clock } = this.#options;
    const { exitCode } = record.behaviour;
    const policy = pod.spec?.restartPolicy ?? 'Always';
    const again = policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
    if (!again) {
      record.run = { ...record.run, ready: false, exit: { code: exitCode, atMs: clock.now() } };
      this.#report(uid);
      return;
    }
    const pauseMs = Math.min(firstRestartMs * 2 ** record.run.restarts, maxRestartMs);
    const { startedMs, restarts } = record.run;
    const atMs = clock.now();
    this.#step(record, pauseMs, () => {
      if (record.run === undefined) return;
      record.run = { ...record.run, restarts: restarts + 1, startedMs: clock.now(), lastExit: { code: exitCode, startedMs, atMs } };
      this.#report(uid);
      this.#awaitExit(uid, record);
    });
  }

  /** Writes the status, once at a time for each pod. */
  #report(uid: string): void {
    const record = this.#records.get(uid);
    if (record === undefined) return;
    if (record.writing) {
      record.again = true;
      return;
    }
    const { client, clock, queue, logger, signal, wheel } = this.#options;
    record.writing = true;
    const finish = (retry: boolean): void => {
      record.writing = false;
      if (!record.again && !retry) return;
      record.again = false;
      wheel.after(retry ? retryMs : 0, () => this.#report(uid));
    };
    queue
      .run(async () => {
        const pod = this.#options.pods.lister.get(record.key);
        if (pod?.metadata.uid !== uid || record.run === undefined) return;
        const status = hollowPodStatus(pod, record.run, clock.now());
        if (JSON.stringify(status) === JSON.stringify(pod.status)) return;
        await client.update(resources.pods, { ...pod, status }, { subresource: 'status', signal });
      })
      .then(
        () => finish(false),
        (error: unknown) => {
          if (signal.aborted || isNotFound(error)) return;
          if (!isConflict(error)) logger.warn('Failed to report the status of a hollow pod', { pod: record.key, err: error });
          finish(true);
        },
      );
  }

  /** The containers have stopped: the pod leaves the API, as a kubelet has it. */
  #remove(uid: string): void {
    const record = this.#records.get(uid);
    if (record === undefined) return;
    const { client, queue, logger, signal } = this.#options;
    const [namespace = '', name = ''] = record.key.split('/');
    queue
      .run(() => client.delete(resources.pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal }))
      .catch((error: unknown) => {
        // Not found, or another pod of this name: gone either way.
        if (signal.aborted || isNotFound(error) || isConflict(error)) return;
        logger.warn('Failed to remove a hollow pod', { pod: record.key, err: error });
        this.#step(record, retryMs, () => this.#remove(uid));
      });
  }

  #step(record: PodRecord, delayMs: number, run: () => void): void {
    record.cancel();
    record.cancel = this.#options.wheel.after(delayMs, run);
  }

  #hostIp(node: string): string {
    return hollowNodeAddress(this.#options.indexOf.get(node) ?? 0);
  }

  /**
   * The node's addresses, once it has a range. Where no controller gives it one, `makeUp` takes
   * 10.192.0.0/10, which the default ranges leave alone.
   */
  #range(node: string, makeUp = false): PodAddresses | undefined {
    const known = this.#addresses.get(node);
    if (known !== undefined) return known;
    let cidr = this.#options.nodes.lister.get(node)?.spec?.podCIDR;
    if (cidr === undefined && makeUp) {
      const index = this.#options.indexOf.get(node) ?? 0;
      cidr = `10.${String(192 + ((index >> 6) & 63))}.${String((index & 63) * 4)}.0/22`;
    }
    if (cidr === undefined) return undefined;
    const range = new PodAddresses(cidr);
    this.#addresses.set(node, range);
    return range;
  }
}

function isHostNetwork(pod: Pod): boolean {
  return pod.spec?.hostNetwork === true;
}

function isPodReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
