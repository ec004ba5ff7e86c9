import type { Container, Pod, VolumeMount } from '@bayplan/api';
import type { ContainerConfig, Draft, Mount } from '@bayplan/rpc';
import path from 'node:path';
import type { ShapedContainer } from '../pods/pod-shape.ts';
import { isRefreshable } from '../volumes/payload.ts';
import type { SubPathPlace } from '../volumes/sub-path-mounts.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import { ConfigurationError } from './environment.ts';
import { expandReferences } from './expansion.ts';
import { containerAnnotations, containerLabels } from './labels.ts';
import { containerResources } from './resources.ts';
import { containerSecurity } from './security.ts';
import type { ImageUser, SecurityDefaults } from './security.ts';

export interface ContainerSurroundings {
  readonly attempt: number;
  /** Recorded on the container: how long to wait after it ends. */
  readonly restartDelayMs: number;
  /** As the runtime names the image that was pulled. */
  readonly imageRef: string;
  readonly imageUser: ImageUser;
  readonly environment: ReadonlyMap<string, string>;
  readonly volumes: VolumePaths;
  /** Mounts a part of a volume where no container can replace it. Returns where. */
  readonly bindSubPath: (place: SubPathPlace, volumePath: string, subPath: string) => Promise<string>;
  /** The hosts file that the agent keeps for the pod. */
  readonly hostsFile: string;
  /** The file that the container writes its last message to. */
  readonly terminationFile: string;
  readonly node: { readonly memoryBytes: number; readonly lowestOomScoreAdj: number };
  readonly security: SecurityDefaults;
  /** For an ephemeral container: the container whose processes it sees. */
  readonly targetContainerId?: string | undefined;
}

/** What CRI gets for one attempt of a container. Throws `ConfigurationError`. */
export async function containerConfig(pod: Pod, shaped: ShapedContainer, around: ContainerSurroundings): Promise<Draft<ContainerConfig>> {
  const container = shaped.spec;
  const expand = (texts: readonly string[] | undefined): string[] =>
    (texts ?? []).map((text) => expandReferences(text, around.environment));
  return {
    metadata: { name: container.name, attempt: around.attempt },
    image: { image: around.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...around.environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: await mounts(pod, container, around),
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, around.attempt, around.restartDelayMs),
    logPath: path.posix.join(container.name, `${String(around.attempt)}.log`),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: containerResources(pod, container, around.node),
      securityContext: containerSecurity(pod, container, around.imageUser, around.security, around.targetContainerId),
    },
  };
}

async function mounts(pod: Pod, container: Container, around: ContainerSurroundings): Promise<Draft<Mount>[]> {
  const list: Draft<Mount>[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) list.push(await volumeMount(pod, mount, index, container, around));
  const taken = new Set(list.map((mount) => mount.containerPath));
  if (!taken.has('/etc/hosts')) list.push({ containerPath: '/etc/hosts', hostPath: around.hostsFile });
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  if (!taken.has(messagePath)) list.push({ containerPath: messagePath, hostPath: around.terminationFile });
  return list;
}

async function volumeMount(
  pod: Pod,
  mount: VolumeMount,
  index: number,
  container: Container,
  around: ContainerSurroundings,
): Promise<Draft<Mount>> {
  const source = around.volumes.get(mount.name);
  if (source === undefined) throw new ConfigurationError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const subPath = mount.subPathExpr ? expandReferences(mount.subPathExpr, around.environment) : (mount.subPath ?? '');
  const volume = pod.spec?.volumes?.find((one) => one.name === mount.name);
  let hostPath = source;
  if (subPath !== '') {
    try {
      hostPath = await around.bindSubPath({ volume: mount.name, container: container.name, index }, source, subPath);
    } catch (error) {
      throw new ConfigurationError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`, {
        cause: error,
      });
    }
  }
  return {
    containerPath: path.posix.isAbsolute(mount.mountPath) ? mount.mountPath : path.posix.join('/', mount.mountPath),
    hostPath,
    // What the agent writes and refreshes as root must not be a container's to rearrange.
    readonly:
      mount.readOnly === true || volume?.persistentVolumeClaim?.readOnly === true || (volume !== undefined && isRefreshable(volume)),
    recursiveReadOnly: mount.recursiveReadOnly === 'Enabled',
    propagation:
      mount.mountPropagation === 'Bidirectional'
        ? 'PROPAGATION_BIDIRECTIONAL'
        : mount.mountPropagation === 'HostToContainer'
          ? 'PROPAGATION_HOST_TO_CONTAINER'
          : 'PROPAGATION_PRIVATE',
  };
}
