import { unitsOf } from '@bayplan/api';
import type { Pod, Volume } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { NodeAgentMetrics } from '../metrics.ts';
import type { FieldSurroundings } from '../runtime/downward.ts';
import type { ObjectSource } from '../runtime/object-source.ts';
import { writeAtomically } from './atomic-writer.ts';
import { prepareHostPath } from './host-path.ts';
import type { ClaimVolumes } from './claim-volumes.ts';
import { commonUser, isRefreshable, volumePayload } from './payload.ts';
import type { Payload } from './payload.ts';
import type { TokenSource } from './service-account-tokens.ts';
import type { MemoryMounts } from './shared-memory.ts';
import type { SubPathMounts, SubPathPlace } from './sub-path-mounts.ts';
import { VolumeError } from './volume-error.ts';

/** Where each volume of a pod is on the host, by the volume's name. */
export type VolumePaths = ReadonlyMap<string, string>;

/** Makes, refreshes and removes the volumes of pods. Calls for one pod run one after the other. */
export interface VolumeManager {
  /** Mounts the shared memory that secrets are kept in. Call once before anything else. */
  prepare(): Promise<void>;
  /** Makes what is missing and refreshes what has changed. Throws `VolumeError`. */
  setUp(pod: Pod, fields: FieldSurroundings, signal: AbortSignal): Promise<VolumePaths>;
  /** Refreshes a running pod's files from ConfigMaps, Secrets and tokens. */
  refresh(pod: Pod, fields: FieldSurroundings, signal: AbortSignal): Promise<void>;
  /** Mounts a part of a volume where no container can replace it. Returns the path to hand to the runtime. */
  bindSubPath(uid: string, place: SubPathPlace, volumePath: string, subPath: string): Promise<string>;
  /** Removes all volumes of a pod, and with `everything` its folder too. */
  tearDown(uid: string, everything: boolean): Promise<void>;
  /** Folder of a pod's files. */
  podDirectory(uid: string): string;
  /** Uids of the pods that have a folder. */
  list(): Promise<string[]>;
}

export interface VolumeManagerOptions {
  readonly home: string;
  readonly objects: ObjectSource;
  readonly tokens: TokenSource;
  readonly memory: MemoryMounts;
  readonly subPaths: SubPathMounts;
  readonly claims: ClaimVolumes;
  readonly clock: Clock;
  readonly metrics: NodeAgentMetrics;
}

/** ConfigMaps and Secrets from memory may be this old when a pod starts, and when it is refreshed. */
const startMaxAgeMs = 5_000;
const refreshMaxAgeMs = 50_000;

export function createVolumeManager(options: VolumeManagerOptions): VolumeManager {
  const { home, memory, metrics } = options;
  const podsDirectory = path.join(home, 'pods');
  // One tmpfs for the secrets of all pods: every further mount makes each container start dearer.
  const secretsDirectory = path.join(home, 'secrets');
  const written = new Map<string, Map<string, string>>();
  const queues = new Map<string, Promise<unknown>>();

  /** Runs the work of one pod after what was begun for it before. */
  const inTurn = <T>(uid: string, work: () => Promise<T>): Promise<T> => {
    const turn = (queues.get(uid) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    queues.set(uid, settled);
    void settled.then(() => {
      if (queues.get(uid) === settled) queues.delete(uid);
    });
    return turn;
  };

  const writePayload = async (
    pod: Pod,
    volume: Volume,
    directory: string,
    fields: FieldSurroundings,
    maxAgeMs: number,
    signal: AbortSignal,
  ): Promise<void> => {
    const present = (name: string): Promise<string | undefined> => readFile(path.join(directory, name), 'utf8').catch(() => undefined);
    const sources = { objects: options.objects, tokens: options.tokens, fields, maxAgeMs, present };
    const payload = await volumePayload(pod, volume, sources, signal);
    if (payload === undefined) return;
    const uid = pod.metadata.uid ?? '';
    const ofPod = written.get(uid) ?? new Map<string, string>();
    written.set(uid, ofPod);
    const digest = fingerprint(payload);
    if (ofPod.get(volume.name) === digest) return;
    await mkdir(directory, { recursive: true });
    await writeAtomically(directory, payload, { fsGroup: pod.spec?.securityContext?.fsGroup, user: commonUser(pod) });
    ofPod.set(volume.name, digest);
  };

  const directoryOf = (pod: Pod, volume: Volume): string => {
    const uid = pod.metadata.uid ?? '';
    if (volume.secret !== undefined) return path.join(secretsDirectory, uid, 'kubernetes.io~secret', volume.name);
    if (volume.projected !== undefined) return path.join(secretsDirectory, uid, 'kubernetes.io~projected', volume.name);
    const plugin = volume.configMap !== undefined ? 'configmap' : volume.downwardAPI !== undefined ? 'downward-api' : 'empty-dir';
    return path.join(podsDirectory, uid, 'volumes', `kubernetes.io~${plugin}`, volume.name);
  };

  const setUpOne = async (pod: Pod, volume: Volume, fields: FieldSurroundings, signal: AbortSignal): Promise<string> => {
    if (volume.hostPath !== undefined) return prepareHostPath(volume.hostPath);
    if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) return options.claims.prepare(pod, volume, signal);
    const directory = directoryOf(pod, volume);
    if (isRefreshable(volume)) {
      await writePayload(pod, volume, directory, fields, startMaxAgeMs, signal);
      return directory;
    }
    if (volume.emptyDir !== undefined) {
      await makeEmptyDir(pod, volume, directory, memory);
      return directory;
    }
    throw new Error('volumes of this kind are not supported by this node');
  };

  const timed = async <T>(operation: string, volume: Volume, work: () => Promise<T>): Promise<T> => {
    const labels = { operation_name: operation, volume_plugin: pluginOf(volume) };
    const begun = options.clock.monotonic();
    try {
      return await work();
    } catch (error) {
      metrics.storageErrors.inc(labels);
      throw error;
    } finally {
      metrics.storageSeconds.observe(labels, (options.clock.monotonic() - begun) / 1000);
    }
  };

  return {
    prepare: async () => {
      // Files of pods carry the modes that pods ask for: this folder is what keeps the machine's other users out.
      await mkdir(home, { recursive: true, mode: 0o700 });
      await chmod(home, 0o700);
      await memory.mount(secretsDirectory, 'mode=0700');
    },
    podDirectory: (uid) => path.join(podsDirectory, uid),
    setUp: (pod, fields, signal) =>
      inTurn(pod.metadata.uid ?? '', async () => {
        const paths = new Map<string, string>();
        for (const volume of pod.spec?.volumes ?? []) {
          try {
            paths.set(volume.name, await timed('volume_mount', volume, () => setUpOne(pod, volume, fields, signal)));
          } catch (error) {
            if (signal.aborted) throw error;
            throw new VolumeError(volume.name, error instanceof Error ? error.message : String(error), { cause: error });
          }
        }
        return paths;
      }),
    refresh: (pod, fields, signal) =>
      inTurn(pod.metadata.uid ?? '', async () => {
        for (const volume of pod.spec?.volumes ?? []) {
          if (isRefreshable(volume)) await writePayload(pod, volume, directoryOf(pod, volume), fields, refreshMaxAgeMs, signal);
        }
      }),
    bindSubPath: (uid, place, volumePath, subPath) =>
      inTurn(uid, () => options.subPaths.bind(path.join(podsDirectory, uid), place, volumePath, subPath)),
    tearDown: (uid, everything) =>
      inTurn(uid, async () => {
        const directory = path.join(podsDirectory, uid);
        await options.subPaths.release(directory);
        await memory.unmountBelow(directory);
        await rm(everything ? directory : path.join(directory, 'volumes'), { recursive: true, force: true });
        await rm(path.join(secretsDirectory, uid), { recursive: true, force: true });
        written.delete(uid);
        options.tokens.forget(uid);
      }),
    list: async () => [
      ...new Set([...(await readdir(podsDirectory).catch(() => [])), ...(await readdir(secretsDirectory).catch(() => []))]),
    ],
  };
}

async function makeEmptyDir(pod: Pod, volume: Volume, directory: string, memory: MemoryMounts): Promise<void> {
  const { medium = '', sizeLimit } = volume.emptyDir ?? {};
  const fsGroup = pod.spec?.securityContext?.fsGroup;
  if (medium === 'Memory') {
    const size = sizeLimit === undefined ? '' : `,size=${String(unitsOf(sizeLimit))}`;
    await memory.mount(directory, `mode=0777${size}`);
  } else if (medium === '') await mkdir(directory, { recursive: true });
  else throw new Error(`the medium "${medium}" is not supported by this node`);
  // A umask would take bits away, so set them after creation; the group's bit makes new files inherit it.
  await chmod(directory, fsGroup === undefined ? 0o777 : 0o2777);
  if (fsGroup !== undefined) await chown(directory, 0, fsGroup);
}

function pluginOf(volume: Volume): string {
  if (volume.emptyDir !== undefined) return 'kubernetes.io/empty-dir';
  if (volume.hostPath !== undefined) return 'kubernetes.io/host-path';
  if (volume.configMap !== undefined) return 'kubernetes.io/configmap';
  if (volume.secret !== undefined) return 'kubernetes.io/secret';
  if (volume.downwardAPI !== undefined) return 'kubernetes.io/downward-api';
  if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) return 'kubernetes.io/local-volume';
  return volume.projected !== undefined ? 'kubernetes.io/projected' : 'kubernetes.io/other';
}

function fingerprint(payload: Payload): string {
  const hash = createHash('sha256');
  for (const [name, file] of payload) hash.update(`${name}\0${String(file.mode)}\0${String(file.content.length)}\0`).update(file.content);
  return hash.digest('base64');
}
