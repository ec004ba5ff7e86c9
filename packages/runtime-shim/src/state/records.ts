import type { ContainerConfig, PodSandboxConfig, LinuxContainerResources } from '@bayplan/rpc';

/**
 * Life of a sandbox, one way:
 *
 *     creating ──▶ ready ──▶ stopping ──▶ notready ──▶ (file removed)
 *        └─────────(crash: everything undone, file removed)
 *
 * `creating` is on disk before the first effect on the host and `stopping` before the first part is taken
 * away, so that a crash leaves nothing unknown.
 */
export type SandboxPhase = 'creating' | 'ready' | 'stopping' | 'notready';

export interface SandboxRecord {
  readonly version: 1;
  readonly id: string;
  phase: SandboxPhase;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  /** Nanoseconds since the epoch. */
  readonly createdAt: number;
  /** The boot this sandbox was made in; after another boot it cannot be ready. */
  readonly bootId: string;
  ips: readonly string[];
  /** Where the pod's cgroup did not exist before: the shim removes it there. */
  readonly ownHierarchies: readonly string[];
  /** The process that holds a shared PID namespace, when there is one. */
  pause?: ProcessIdentity | undefined;
}

/** A process, told from a later one with the same id by its start time. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * Life of a container, one way:
 *
 *     creating ──▶ created ──▶ running ──▶ exited ──▶ (file removed)
 *        │            └──────────────────────▲
 *        └─────────(crash: everything undone, file removed)
 */
export type ContainerPhase = 'creating' | 'created' | 'running' | 'exited';

export interface ContainerRecord {
  readonly version: 1;
  readonly id: string;
  readonly sandboxId: string;
  phase: ContainerPhase;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly imageRef: string;
  /** Layers below the writable one, topmost first: names in the layer folder. */
  readonly layers: readonly string[];
  readonly bootId: string;
  /** Absolute; empty when nothing is logged. */
  readonly logPath: string;
  readonly runtime: string;
  readonly cgroupPath: string;
  user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  readonly stopSignal: string;
  /** Nanoseconds since the epoch; 0 when it has not happened. */
  readonly createdAt: number;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  reason: string;
  message: string;
  init?: ProcessIdentity | undefined;
  resources?: LinuxContainerResources | undefined;
  /** What remained of the container on the host after its exit was removed. */
  released: boolean;
}
