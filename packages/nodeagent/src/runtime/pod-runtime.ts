import type { Clock } from '@bayplan/component-base';
import { rpcCodeOf } from '@bayplan/rpc';
import type { Container, ContainerStatus, CriClient, PodSandbox } from '@bayplan/rpc';
import { Limiter } from '../pods/limiter.ts';
import type { NodeAgentMetrics } from '../metrics.ts';
import type { ObservedContainer, ObservedContainerState, ObservedPod, ObservedSandbox } from '../pods/observed.ts';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel, readContainerAnnotations } from './labels.ts';

/** A pod of which the runtime knows something. */
export interface RuntimePod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** Changes whenever a sandbox or container of the pod appears, goes or changes its state. */
  readonly signature: string;
}

/** Reads what the runtime has of pods, and counts every call it makes. */
export interface PodRuntime {
  readonly cri: CriClient;
  observe(uid: string, signal: AbortSignal): Promise<ObservedPod>;
  /** All pods that the runtime knows, in two calls. */
  listPods(signal: AbortSignal): Promise<RuntimePod[]>;
  /** Runs a call of the runtime under the name of `kubelet_runtime_operations_*`. */
  operation<T>(type: string, call: () => Promise<T>): Promise<T>;
  /** The uid of the pod that a sandbox or container belongs to, when that is known. */
  ownerOf(id: string): string | undefined;
  /** Notes a container that was just made. */
  own(id: string, uid: string): void;
  /** Forgets what was remembered of a container. */
  forget(containerId: string): void;
}

/** Pods that are asked about at the same time: all of them want it when the agent starts. */
const mostObservations = 8;

const states: Readonly<Record<Container['state'], ObservedContainerState>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

export function createPodRuntime(cri: CriClient, clock: Clock, metrics: NodeAgentMetrics): PodRuntime {
  const observing = new Limiter(mostObservations);
  // Facts of a container do not change while its state stays the same, so each is asked for once.
  const known = new Map<string, ObservedContainer>();

  const operation = async <T>(type: string, call: () => Promise<T>): Promise<T> => {
    const begun = clock.monotonic();
    metrics.runtimeOperations.inc({ operation_type: type });
    try {
      return await call();
    } catch (error) {
      metrics.runtimeOperationErrors.inc({ operation_type: type });
      throw error;
    } finally {
      metrics.runtimeOperationSeconds.observe({ operation_type: type }, (clock.monotonic() - begun) / 1000);
    }
  };

  const sandboxOf = async (sandbox: PodSandbox, signal: AbortSignal): Promise<ObservedSandbox> => {
    const ready = sandbox.state === 'SANDBOX_READY';
    // Only a ready sandbox has addresses worth a call.
    const status = ready
      ? await operation('podsandbox_status', () => cri.runtime.podSandboxStatus({ podSandboxId: sandbox.id }, { signal }))
      : undefined;
    const network = status?.status?.network;
    const ips = network === undefined || network.ip === '' ? [] : [network.ip, ...network.additionalIps.map((one) => one.ip)];
    return { id: sandbox.id, attempt: sandbox.metadata?.attempt ?? 0, ready, createdAtMs: milliseconds(sandbox.createdAt), ips };
  };

  const sandboxes = new Map<string, ObservedSandbox>();
  const owners = new Map<string, string>();
  const observeSandbox = async (sandbox: PodSandbox, signal: AbortSignal): Promise<ObservedSandbox> => {
    const before = sandboxes.get(sandbox.id);
    if (before?.ready === (sandbox.state === 'SANDBOX_READY')) return before;
    const observed = await sandboxOf(sandbox, signal);
    sandboxes.set(sandbox.id, observed);
    return observed;
  };

  const observeContainer = async (container: Container, signal: AbortSignal): Promise<ObservedContainer | undefined> => {
    const before = known.get(container.id);
    if (before?.state === states[container.state]) return before;
    try {
      const answer = await operation('container_status', () => cri.runtime.containerStatus({ containerId: container.id }, { signal }));
      const observed = answer.status === undefined ? undefined : containerFacts(answer.status, container.podSandboxId);
      if (observed !== undefined) known.set(container.id, observed);
      return observed;
    } catch (error) {
      if (rpcCodeOf(error) === 'NOT_FOUND') return undefined;
      throw error;
    }
  };

  const observe = async (uid: string, signal: AbortSignal): Promise<ObservedPod> => {
    const labelSelector = { [podUidLabel]: uid };
    const [sandboxList, containerList] = await Promise.all([
      operation('list_podsandbox', () => cri.runtime.listPodSandbox({ filter: { labelSelector } }, { signal })),
      operation('list_containers', () => cri.runtime.listContainers({ filter: { labelSelector } }, { signal })),
    ]);
    for (const { id } of [...sandboxList.items, ...containerList.containers]) owners.set(id, uid);
    const sandboxesFound = await Promise.all(sandboxList.items.map((sandbox) => observeSandbox(sandbox, signal)));
    const containersFound = await Promise.all(containerList.containers.map((container) => observeContainer(container, signal)));
    return {
      sandboxes: sandboxesFound.toSorted((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs),
      containers: containersFound
        .filter((container): container is ObservedContainer => container !== undefined)
        .toSorted((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs),
    };
  };

  return {
    cri,
    operation,
    ownerOf: (id) => owners.get(id),
    own: (id, uid) => void owners.set(id, uid),
    forget(containerId) {
      owners.delete(containerId);
      known.delete(containerId);
      sandboxes.delete(containerId);
    },
    observe: (uid, signal) => observing.run(() => observe(uid, signal), signal),
    async listPods(signal) {
      const [sandboxList, containerList] = await Promise.all([
        operation('list_podsandbox', () => cri.runtime.listPodSandbox({}, { signal })),
        operation('list_containers', () => cri.runtime.listContainers({}, { signal })),
      ]);
      const pods = new Map<string, RuntimePod>();
      for (const { id, state, labels } of [...sandboxList.items, ...containerList.containers]) {
        const uid = labels[podUidLabel];
        if (uid === undefined) continue;
        owners.set(id, uid);
        const before = pods.get(uid)?.signature ?? '';
        pods.set(uid, {
          uid,
          name: labels[podNameLabel] ?? '',
          namespace: labels[podNamespaceLabel] ?? '',
          signature: `${before} ${id}=${state}`,
        });
      }
      const present = new Set([...sandboxList.items, ...containerList.containers].map((one) => one.id));
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
      for (const id of owners.keys()) if (!present.has(id)) owners.delete(id);
      for (const id of sandboxes.keys()) if (!present.has(id)) sandboxes.delete(id);
      const running = containerList.containers.filter((container) => container.state === 'CONTAINER_RUNNING').length;
      metrics.runningContainers.set({ container_state: 'running' }, running);
      metrics.runningContainers.set(
        { container_state: 'exited' },
        containerList.containers.filter((container) => container.state === 'CONTAINER_EXITED').length,
      );
      metrics.runningPods.set(
        new Set(sandboxList.items.filter((sandbox) => sandbox.state === 'SANDBOX_READY').map((sandbox) => sandbox.labels[podUidLabel]))
          .size,
      );
      return [...pods.values()];
    },
  };
}

/** Turns the runtime's answer into facts. */
export function containerFacts(status: ContainerStatus, sandboxId: string): ObservedContainer {
  const annotations = readContainerAnnotations(status.annotations);
  return {
    id: status.id,
    name: status.labels[containerNameLabel] ?? status.metadata?.name ?? '',
    sandboxId,
    attempt: status.metadata?.attempt ?? 0,
    state: states[status.state],
    createdAtMs: milliseconds(status.createdAt),
    startedAtMs: milliseconds(status.startedAt),
    finishedAtMs: milliseconds(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.userSpecifiedImage || status.image?.image || status.imageRef,
    imageId: status.imageRef !== '' ? status.imageRef : status.imageId,
    specHash: annotations.specHash,
    restartDelayMs: annotations.restartDelayMs,
    gracePeriodSeconds: annotations.gracePeriodSeconds,
  };
}

function milliseconds(nanoseconds: number): number {
  return nanoseconds > 0 ? Math.floor(nanoseconds / 1e6) : 0;
}
