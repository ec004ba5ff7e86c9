/** What the runtime says about one pod, turned into plain facts. Times are milliseconds since the epoch, 0 when unset. */
export interface ObservedPod {
  /** Newest first. */
  readonly sandboxes: readonly ObservedSandbox[];
  /** Newest first. */
  readonly containers: readonly ObservedContainer[];
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAtMs: number;
  readonly ips: readonly string[];
}

export type ObservedContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  /** How often the container was restarted before this attempt. */
  readonly attempt: number;
  readonly state: ObservedContainerState;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** As the pod named it. */
  readonly image: string;
  /** Digest form or id of the image. */
  readonly imageId: string;
  /** Identifies the parts of the container's specification that cannot change under a running container. */
  readonly specHash: string;
  /** How long to wait after this attempt ends before the next may start. */
  readonly restartDelayMs: number;
  /** How long it may take to end, as its pod said when it was made. */
  readonly gracePeriodSeconds: number;
}

export const nothingObserved: ObservedPod = { sandboxes: [], containers: [] };

/** The latest attempt of a container, or undefined. */
export function latestOf(observed: ObservedPod, name: string): ObservedContainer | undefined {
  return observed.containers.find((container) => container.name === name);
}

/** The sandbox that containers would be put into now: the newest, if it is ready. */
export function currentSandbox(observed: ObservedPod): ObservedSandbox | undefined {
  const newest = observed.sandboxes[0];
  return newest?.ready ? newest : undefined;
}
