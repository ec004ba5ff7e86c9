import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { RpcError } from '@bayplan/rpc';
import type { ContainerEventResponse, ContainerEventType, Draft, PodSandboxConfig } from '@bayplan/rpc';
import type { Clock, Logger } from '@bayplan/component-base';
import type { PodNetwork } from '@bayplan/pod-network';
import type { EventHub } from './event-hub.ts';
import type { Exits } from './exits.ts';
import type { Host } from './host/host.ts';
import type { ImageStore } from './images/image-store.ts';
import type { LayerStore } from './images/layer-store.ts';
import type { KeyedLock } from './keyed-lock.ts';
import type { Layout } from './layout.ts';
import type { RecordStore } from './state/record-store.ts';
import type { ContainerRecord, SandboxRecord } from './state/records.ts';
import type { UsageRates } from './usage-rates.ts';
import type { StreamingServer } from './streams/streaming-server.ts';

/** What the verbs work on: one per shim process. */
export interface Runtime {
  readonly layout: Layout;
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: PodNetwork;
  readonly sandboxes: RecordStore<SandboxRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly locks: KeyedLock;
  readonly events: EventHub<Draft<ContainerEventResponse>>;
  readonly exits: Exits;
  readonly streaming: Pick<StreamingServer, 'offer' | 'close'>;
  readonly rates: UsageRates;
  /** OCI runtimes by handler name; the empty name is the default. */
  readonly handlers: Readonly<Record<string, string>>;
  readonly cgroupV2: boolean;
  readonly insecureRegistries: readonly string[];
}

/** Where containers go whose pod names no parent. */
export const defaultCgroupParent = '/bayplan';

/** The cgroup that holds those of a pod's containers. */
export const podCgroup = (config: PodSandboxConfig): string => path.posix.join('/', config.linux?.cgroupParent || defaultCgroupParent);

/** Held while it is decided which images and layers are in use. */
export const imagesLock = 'images';

/** Now, in nanoseconds since the epoch. */
export const nowNanos = (runtime: Runtime): number => runtime.clock.now() * 1e6;

/** A new id: 64 hexadecimal digits, as other runtimes give. */
export const newId = (): string => randomBytes(32).toString('hex');

export function sandboxOf(runtime: Runtime, id: string): SandboxRecord {
  const record = runtime.sandboxes.find(id);
  if (record === undefined) throw new RpcError('NOT_FOUND', `There is no pod sandbox ${id}`);
  return record;
}

export function containerOf(runtime: Runtime, id: string): ContainerRecord {
  const record = runtime.containers.find(id);
  if (record === undefined) throw new RpcError('NOT_FOUND', `There is no container ${id}`);
  return record;
}

export function containersIn(runtime: Runtime, sandboxId: string): ContainerRecord[] {
  return runtime.containers.all().filter((record) => record.sandboxId === sandboxId);
}

export function publishEvent(runtime: Runtime, type: ContainerEventType, containerId: string): void {
  runtime.events.publish({ containerId, containerEventType: type, createdAt: nowNanos(runtime) });
}

/** Runs a command that must succeed; its complaint becomes the error's message. */
export async function must(runtime: Runtime, what: string, command: string, args: readonly string[], cwd?: string): Promise<void> {
  const result = await runtime.host.run(command, args, cwd === undefined ? {} : { cwd });
  if (result.exitCode !== 0)
    throw new Error(`Cannot ${what}: ${result.stderr.toString().trim() || `${command} exited with ${result.exitCode}`}`);
}
