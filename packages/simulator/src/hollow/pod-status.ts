import { createHash } from 'node:crypto';
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';

/** What is known of a pod's containers, all of which share one fate on a hollow node. */
export interface HollowRun {
  readonly podIp: string;
  readonly hostIp: string;
  readonly startedMs: number;
  readonly restarts: number;
  readonly ready: boolean;
  /** Absent while they run. */
  readonly exit?: { readonly code: number; readonly atMs: number };
  /** The exit before the last restart. */
  readonly lastExit?: { readonly code: number; readonly startedMs: number; readonly atMs: number };
}

/** The status that a kubelet would report of `pod`. Pure; conditions of others are kept. */
export function hollowPodStatus(pod: Pod, run: HollowRun, nowMs: number): PodStatus {
  const spec = pod.spec;
  const restartable = (container: Container): boolean => container.restartPolicy === 'Always';
  const main = spec?.containers ?? [];
  const init = spec?.initContainers ?? [];
  const finished = run.exit !== undefined;
  const phase = run.exit === undefined ? 'Running' : run.exit.code === 0 ? 'Succeeded' : 'Failed';
  const initStatuses = init.map((container) =>
    restartable(container)
      ? containerStatus(pod, container, run)
      : containerStatus(pod, container, { ...run, exit: { code: 0, atMs: run.startedMs }, restarts: 0 }, true),
  );
  const generation = pod.metadata.generation;
  return {
    ...pod.status,
    phase,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: conditions(pod, run, finished, nowMs),
    hostIP: run.hostIp,
    hostIPs: [{ ip: run.hostIp }],
    podIP: run.podIp,
    podIPs: [{ ip: run.podIp }],
    startTime: pod.status?.startTime ?? timestamp(run.startedMs),
    containerStatuses: main.map((container) => containerStatus(pod, container, run)),
    ...(init.length === 0 ? {} : { initContainerStatuses: initStatuses }),
  };
}

function containerStatus(pod: Pod, container: Container, run: HollowRun, completed = false): ContainerStatus {
  const image = container.image ?? '';
  const containerID = `hollow://${digest(`${pod.metadata.uid ?? ''}/${container.name}/${String(run.restarts)}`)}`;
  const running = run.exit === undefined;
  const state: ContainerState =
    run.exit === undefined
      ? { running: { startedAt: timestamp(run.startedMs) } }
      : terminated(run.exit.code, run.startedMs, run.exit.atMs, containerID);
  const last = run.lastExit;
  const before = `hollow://${digest(`${pod.metadata.uid ?? ''}/${container.name}/${String(run.restarts - 1)}`)}`;
  return {
    name: container.name,
    image,
    imageID: `${image.replace(/[@:][^/]*$/, '')}@sha256:${digest(image)}`,
    containerID,
    ready: completed || (running && run.ready),
    started: running,
    restartCount: run.restarts,
    state,
    lastState: last === undefined || completed ? {} : terminated(last.code, last.startedMs, last.atMs, before),
  };
}

function terminated(exitCode: number, startedMs: number, finishedMs: number, containerID: string): ContainerState {
  return {
    terminated: {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: timestamp(startedMs),
      finishedAt: timestamp(finishedMs),
      containerID,
    },
  };
}

type Wanted = readonly [type: string, holds: boolean, reason: string | undefined];

function conditions(pod: Pod, run: HollowRun, finished: boolean, nowMs: number): PodCondition[] {
  const present = pod.status?.conditions ?? [];
  const running = !finished;
  const failed = run.exit !== undefined && run.exit.code !== 0;
  const notReadyReason = finished ? (failed ? 'PodFailed' : 'PodCompleted') : 'ContainersNotReady';
  const gates = (pod.spec?.readinessGates ?? []).every((gate) =>
    present.some((condition) => condition.type === gate.conditionType && condition.status === 'True'),
  );
  const containersReady = running && run.ready;
  const initialized = finished && !failed ? 'PodCompleted' : undefined;
  const unreadyReason = containersReady ? (gates ? undefined : 'ReadinessGatesNotReady') : notReadyReason;
  const wanted: readonly Wanted[] = [
    ['PodReadyToStartContainers', running, undefined],
    ['Initialized', true, initialized],
    ['Ready', containersReady && gates, unreadyReason],
    ['ContainersReady', containersReady, containersReady ? undefined : notReadyReason],
  ];
  const scheduled: readonly Wanted[] = present.some((condition) => condition.type === 'PodScheduled')
    ? []
    : [['PodScheduled', true, undefined]];
  const own = [...wanted, ...scheduled].map(([type, holds, reason]): PodCondition => {
    const status = holds ? 'True' : 'False';
    const before = present.find((condition) => condition.type === type);
    const generation = pod.metadata.generation;
    return {
      type,
      status,
      ...(reason === undefined ? {} : { reason }),
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? timestamp(nowMs)) : timestamp(nowMs),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
  return [...own, ...present.filter((condition) => !own.some(({ type }) => type === condition.type))];
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
