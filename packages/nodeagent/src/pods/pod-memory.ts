import type { ContainerStatus, Pod, PodStatus } from '@bayplan/api';
import type { EarlierResults } from '../probes/probe-manager.ts';
import type { FailureRecord } from './start-failure.ts';

/**
 * What a worker remembers of its pod between synchronisations. Nothing in it is the truth: all of it can
 * be lost in a restart of the agent, and then only delays and messages begin afresh.
 */
export interface PodMemory {
  /** Failures to start, by container. */
  readonly failures: Map<string, FailureRecord>;
  /** Last messages of ended containers, by container id. */
  readonly terminationMessages: Map<string, string>;
  /** Container ids and image failures for which a back-off was announced. */
  readonly announced: Set<string>;
  readonly earlier: EarlierResults;
  /** What was last reported. */
  status: PodStatus | undefined;
  /** Why the agent ended the pod. */
  verdict: { readonly reason: string; readonly message: string } | undefined;
  /** When to try again after the pod as a whole could not be set up. */
  retry: { readonly atMs: number; readonly delayMs: number } | undefined;
  /** Its volumes and cgroups were removed: it has finished. */
  released: boolean;
  /** When this agent saw the pod; undefined once its start was measured. */
  seenAtMs: number | undefined;
}

export function newPodMemory(pod: Pod, nowMs: number): PodMemory {
  const known = pod.status?.startTime === undefined ? undefined : pod.status;
  return {
    failures: new Map(),
    terminationMessages: earlierMessages(known),
    announced: new Set(),
    earlier: earlierResults(known),
    status: known,
    verdict: undefined,
    retry: undefined,
    released: false,
    seenAtMs: known === undefined ? nowMs : undefined,
  };
}

const firstRetryMs = 500;
const longestRetryMs = 122_000;

/** Notes one more failure to set the pod up. */
export function noteRetry(memory: PodMemory, nowMs: number): void {
  const delayMs = memory.retry === undefined ? firstRetryMs : Math.min(memory.retry.delayMs * 2, longestRetryMs);
  memory.retry = { delayMs, atMs: nowMs + delayMs };
}

/** Container ids in statuses carry the runtime's name: `bayplan://ID`. */
export function bareContainerId(containerId: string | undefined): string {
  return containerId?.slice(containerId.indexOf('://') + 3) ?? '';
}

function reported(status: PodStatus | undefined): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])];
}

function earlierResults(status: PodStatus | undefined): EarlierResults {
  const running = reported(status).filter((one) => one.state?.running !== undefined);
  return {
    ready: new Set(running.filter((one) => one.ready).map((one) => bareContainerId(one.containerID))),
    started: new Set(running.filter((one) => one.started === true).map((one) => bareContainerId(one.containerID))),
  };
}

function earlierMessages(status: PodStatus | undefined): Map<string, string> {
  const messages = new Map<string, string>();
  for (const one of reported(status)) {
    for (const ended of [one.state?.terminated, one.lastState?.terminated]) {
      if (ended?.message !== undefined && ended.containerID !== undefined) messages.set(bareContainerId(ended.containerID), ended.message);
    }
  }
  return messages;
}
