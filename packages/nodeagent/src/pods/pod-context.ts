import { resources } from '@bayplan/api';
import type { Pod, Service } from '@bayplan/api';
import type { Client, EventRecorder } from '@bayplan/client';
import type { Clock, Logger } from '@bayplan/component-base';
import type { PodCgroups } from '../cgroups/pod-cgroups.ts';
import type { ImageCollector } from '../images/image-collector.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import type { NodeAgentMetrics } from '../metrics.ts';
import type { ProbeManager } from '../probes/probe-manager.ts';
import type { FieldSurroundings } from '../runtime/downward.ts';
import type { ObjectSource } from '../runtime/object-source.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import type { SandboxSurroundings } from '../runtime/sandbox-config.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import type { Limiter } from './limiter.ts';

/** What every pod worker uses. One per agent. */
export interface PodContext {
  readonly nodeName: string;
  readonly hostIp: string;
  /** Prefix of container ids in statuses. */
  readonly runtimeName: string;
  readonly client: Client;
  readonly runtime: PodRuntime;
  readonly images: ImagePuller;
  readonly imageCollector: ImageCollector;
  readonly objects: ObjectSource;
  readonly volumes: VolumeManager;
  readonly cgroups: PodCgroups;
  readonly probes: ProbeManager;
  readonly statuses: StatusWriter;
  readonly events: EventRecorder;
  /** Bounds how many pods are started at the same time. */
  readonly starts: Limiter;
  readonly sandbox: Omit<SandboxSurroundings, 'cgroupParent'>;
  readonly machine: { readonly memoryBytes: number; readonly lowestOomScoreAdj: number };
  readonly allocatable: FieldSurroundings['allocatable'];
  readonly apiService: { readonly host: string; readonly port: number };
  /** The Services whose variables a pod gets. */
  readonly services: (namespace: string) => readonly Service[];
  readonly podLogsDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NodeAgentMetrics;
  /** Aborts when the agent stops. */
  readonly signal: AbortSignal;
}

/** What a pod's fields resolve to on this node. */
export function fieldSurroundings(context: PodContext, podIps: readonly string[]): FieldSurroundings {
  return { nodeName: context.nodeName, hostIp: context.hostIp, podIps, allocatable: context.allocatable };
}

/** Records an event about a pod, or about one of its containers when `fieldPath` is given. */
export function podEvent(
  context: PodContext,
  pod: Pod,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  fieldPath?: string,
): void {
  context.events.event({ ref: resources.pods, object: pod, ...(fieldPath === undefined ? {} : { fieldPath }) }, type, reason, message);
}
